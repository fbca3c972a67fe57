import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTable } from '../../data/read/read.js';
import { findColumn } from '../../data/table.js';
import { writeModel } from '../../graph/format/encode.js';
import { int, type Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { float32 } from '../../graph/tensor.js';
import { binomialQuantile, derive } from '../../numeric/index.js';
import { softmaxRows } from '../calibrators/calibrator.js';
import {
  CONFORMAL_KINDS,
  conformalQuantile,
  fitConformalSets,
  fitIntervalThreshold,
  type IntervalBase,
  type IntervalMap,
  predictionSets,
} from './conformal.js';
import { withConformal } from './conformal-model.js';
import { conformalIntervals, conformalSets } from './report.js';

describe('conformalQuantile', () => {
  it('is the ceil((n + 1) coverage)-th smallest score, and infinite where there are too few', () => {
    const scores = [5, 1, 4, 2, 3, 9, 8, 7, 6];
    expect(conformalQuantile(scores, 0.9)).toBe(9);
    expect(conformalQuantile(scores, 0.8)).toBe(8);
    expect(conformalQuantile(scores, 0.5)).toBe(5);
    expect(conformalQuantile(scores, 0.95)).toBe(Number.POSITIVE_INFINITY);
  });

  it('with equal weights is the plain one', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 60 }),
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        (scores, coverage) => {
          const weights = scores.map(() => 1);
          expect(conformalQuantile(scores, coverage, { weights })).toBe(conformalQuantile(scores, coverage));
        },
      ),
    );
  });

  it('keeps its promise under covariate shift with the true likelihood ratio, and not without', () => {
    // x uniform on [0, 1], noise grows with x; new rows have density 2x: larger noise.
    const [stream, coverage, trials] = [derive(3, 'shift'), 0.9, 3000];
    let [weighted, plain] = [0, 0];
    for (let t = 0; t < trials; t++) {
      const x = Float64Array.from({ length: 100 }, () => stream.uniform());
      const scores = x.map((at) => Math.abs(at * at * stream.normal()));
      const own = Math.sqrt(stream.uniform());
      const score = Math.abs(own * own * stream.normal());
      if (score <= conformalQuantile(scores, coverage, { weights: x.map((at) => 2 * at), own: 2 * own })) weighted++;
      if (score <= conformalQuantile(scores, coverage)) plain++;
    }
    expect(weighted / trials).toBeGreaterThan(coverage - 0.015);
    expect(plain / trials).toBeLessThan(0.85);
  });
});

/** Softmax outputs and what was true, drawn from them after being made less certain. */
function drawn(rows: number, classes: number, seed: number) {
  const stream = derive(seed, 'conformal-test');
  const scores = Float64Array.from({ length: rows * classes }, () => 2.5 * stream.normal());
  const truth = softmaxRows(
    scores.map((z) => z / 1.7),
    classes,
  );
  const target = Int32Array.from({ length: rows }, (_, row) => {
    let left = stream.uniform();
    for (let k = 0; k < classes; k++) {
      left -= truth[row * classes + k];
      if (left < 0) return k;
    }
    return classes - 1;
  });
  return { probabilities: softmaxRows(scores, classes), target, classes };
}

describe.each(CONFORMAL_KINDS)('%s', (kind) => {
  it('covers new rows as promised, over 200 draws', () => {
    const coverage = 0.9;
    let covered = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const map = fitConformalSets(kind, drawn(200, 4, seed), coverage);
      const fresh = drawn(50, 4, 1000 + seed);
      const sets = predictionSets(map, fresh.probabilities, 4);
      fresh.target.forEach((code, row) => {
        covered += sets[row * 4 + code];
      });
    }
    const share = covered / 10_000;
    // A fit on 200 rows varies by itself with a deviation of about 0.02.
    expect(share).toBeGreaterThan(coverage - 3 * Math.sqrt((0.09 / 200 + 0.09 / 50) / 200));
    // Sets are larger than they had to be where scores are discrete or classes few, not by much.
    expect(share).toBeLessThan(kind === 'lac' ? 0.915 : 0.96);
  });

  it('says the same inside an ONNX graph', async () => {
    const data = drawn(300, 4, 7);
    const map = fitConformalSets(kind, data, 0.9);
    const probabilities = Float32Array.from(data.probabilities);
    const expected = predictionSets(map, probabilities, 4);
    const model = withConformal(identity(4), { name: 'p', kind: 'probabilities' }, map, 4);
    const session = await (await openRuntime()).load(writeModel(model));
    const { predictionSet } = await session.run({ x: float32([300, 4], probabilities) });
    session.release();
    const differ = Array.from(predictionSet.data, Number).filter((value, i) => value !== expected[i]).length;
    // At the very thresholds, one a class at most, rounding decides.
    expect(differ).toBeLessThanOrEqual(4);
  });

  it('checks its own promise on halves of the rows', () => {
    const { target, probabilities } = drawn(2000, 4, 9);
    const { coverage } = conformalSets(kind, { target }, probabilities, 0.9);
    expect(coverage.holds).toBe(true);
    expect(coverage.value.value).toBeGreaterThan(0.88);
    if (kind === 'class') expect(Math.min(...(coverage.perClass ?? []))).toBeGreaterThan(0.87);
  });
});

describe('intervals', () => {
  it('cover as promised, and say so', () => {
    const stream = derive(11, 'conformal-intervals');
    const predictions = Float64Array.from({ length: 2000 }, () => stream.normal());
    const target = predictions.map((value) => value + stream.normal());
    const { coverage, map } = conformalIntervals({ kind: 'residual', predictions }, target, 0.9);
    expect(coverage.holds).toBe(true);
    // The normal's own: 1.645 deviations to either side.
    expect(map).toMatchObject({ kind: 'residual' });
    expect((map as { halfWidth: number }).halfWidth).toBeCloseTo(1.645, 0);
  });

  it('are refused where rows are too few for the promise', () => {
    const fitting = (base: IntervalBase, coverage: number) => () =>
      fitIntervalThreshold(base, [1, 2, 4], [0, 1, 2], coverage);
    const few = { kind: 'residual', predictions: [1, 2, 3] } as const;
    expect(fitting(few, 0.9)).toThrow(expect.objectContaining({ code: 'CONFORMAL_ROWS' }));
    expect(fitting(few, 1)).toThrow(expect.objectContaining({ code: 'CONFORMAL_COVERAGE' }));
    const flat = { kind: 'scaled', predictions: [1, 2, 3], deviations: [1, 0, 1], deviation: 'd' } as const;
    expect(fitting(flat, 0.5)).toThrow(expect.objectContaining({ code: 'CONFORMAL_DEVIATION' }));
  });

  it('of quantiles and of deviations cover, and are narrower than equal ones where noise varies', () => {
    const stream = derive(12, 'conformal-kinds');
    const spread = Float64Array.from({ length: 3000 }, () => 0.2 + 3 * stream.uniform() ** 3);
    const predictions = new Float64Array(spread.length);
    const target = spread.map((s) => s * stream.normal());
    // Quantiles that are too narrow by half, deviations in another unit: the order of the rows is what they know.
    const bases: IntervalBase[] = [
      { kind: 'residual', predictions },
      { kind: 'scaled', predictions, deviations: spread.map((s) => 10 * s), deviation: 'd' },
      { kind: 'quantile', lower: spread.map((s) => -0.8 * s), upper: spread.map((s) => 0.8 * s), outputs: ['l', 'u'] },
    ];
    const [equal, scaled, quantile] = bases.map((base) => conformalIntervals(base, target, 0.9).coverage);
    for (const coverage of [equal, scaled, quantile]) {
      expect(coverage.holds).toBe(true);
      expect(Math.abs(coverage.value.value - 0.9)).toBeLessThan(0.02);
    }
    expect(scaled.size).toBeLessThan(0.8 * equal.size);
    expect(quantile.size).toBeLessThan(0.95 * equal.size);
  });

  it('keep their promise of shifted rows with weights, which the largest weight for a new row makes safe', () => {
    const [stream, coverage] = [derive(13, 'conformal-shift'), 0.9];
    const draw = (rows: number, shifted: boolean) => {
      const x = Float64Array.from({ length: rows }, () => (shifted ? Math.sqrt(stream.uniform()) : stream.uniform()));
      return { x, target: x.map((at) => at * at * stream.normal()) };
    };
    let [weighted, plain] = [0, 0];
    for (let round = 0; round < 200; round++) {
      const own = draw(400, false);
      const rows = Int32Array.from(own.x, (_, row) => row);
      const base = { kind: 'residual', predictions: new Float64Array(400) } as const;
      const shift = { weights: own.x.map((at) => 2 * at), own: 2 };
      const [with_, without] = [shift, undefined].map((s) => fitIntervalThreshold(base, own.target, rows, coverage, s));
      for (const value of draw(20, true).target) {
        if (Math.abs(value) <= with_) weighted++;
        if (Math.abs(value) <= without) plain++;
      }
    }
    expect(weighted / 4000).toBeGreaterThan(coverage - 0.012);
    expect(weighted / 4000).toBeLessThan(coverage + 0.03);
    expect(plain / 4000).toBeLessThan(coverage - 0.03);
  });

  it('are the same inside an ONNX graph, around a prediction, a deviation or quantiles', async () => {
    const runtime = await openRuntime();
    const x = Float32Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? i : 1 + i / 10));
    const run = async (map: IntervalMap, output: string) => {
      const model = withConformal(twoColumns(), { name: output, kind: 'predictions' }, map, 0);
      const session = await runtime.load(writeModel(model));
      const answers = await session.run({ x: float32([10, 2], x) });
      session.release();
      return Object.fromEntries(Object.entries(answers).map(([name, { data }]) => [name, Array.from(data, Number)]));
    };
    const scaled = await run({ kind: 'scaled', factor: 2, deviation: 'second' }, 'first');
    scaled.first.forEach((value, row) => {
      expect(scaled.lower[row]).toBeCloseTo(value - 2 * scaled.second[row], 4);
      expect(scaled.upper[row]).toBeCloseTo(value + 2 * scaled.second[row], 4);
    });
    const quantiles = await run({ kind: 'quantile', widening: 0.5, outputs: ['first', 'second'] }, 'first');
    quantiles.first.forEach((value, row) => {
      expect(value).toBeCloseTo(x[2 * row] - 0.5, 5);
      expect(quantiles.second[row]).toBeCloseTo(x[2 * row + 1] + 0.5, 5);
    });
  });
});

const DATASETS = process.env.BALLAST_DATASETS;

describe.skipIf(DATASETS === undefined)('on CIFAR-10', () => {
  it('coverage lies within the binomial band over 200 splits', async () => {
    const file = join(DATASETS ?? '', 'calibration-cifar10', 'wideresnet-16-4-cifar-10.npz');
    expect(readFileSync(file).length).toBeGreaterThan(1000);
    const table = await readTable(file, { baseDirectory: process.cwd() });
    const [scores, labels] = [findColumn(table, 'predictions'), findColumn(table, 'label')];
    if (scores?.kind !== 'array' || labels?.kind !== 'category') throw new Error('unexpected columns');
    const target = Int32Array.from(labels.codes, (code) => Number(labels.dictionary[code]));
    const probabilities = Float64Array.from(scores.data, Number);
    const [coverage, rows] = [0.9, 1000];
    const order = Int32Array.from(target, (_, i) => i);
    let outside = 0;
    for (let split = 0; split < 200; split++) {
      derive(split, 'cifar-split').shuffle(order);
      const part = (from: number) => {
        const chosen = order.subarray(from, from + rows);
        return {
          classes: 10,
          target: Int32Array.from(chosen, (row) => target[row]),
          probabilities: Float64Array.from(
            { length: rows * 10 },
            (_, i) => probabilities[chosen[Math.floor(i / 10)] * 10 + (i % 10)],
          ),
        };
      };
      const map = fitConformalSets('lac', part(0), coverage);
      const fresh = part(rows);
      const sets = predictionSets(map, fresh.probabilities, 10);
      const covered = fresh.target.reduce((sum, code, row) => sum + sets[row * 10 + code], 0);
      // Both halves vary: twice the variance of one.
      const [low, high] = [0.025, 0.975].map(
        (q) => rows * coverage + Math.SQRT2 * (binomialQuantile(q, rows, coverage) - rows * coverage),
      );
      if (covered < low || covered > high) outside++;
    }
    // 5 % are expected outside; 10 % would be beyond chance over 200 dependent splits.
    expect(outside / 200).toBeLessThan(0.1);
  });
});

function identity(width: number): Model {
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'test', version: '1' },
    metadata: new Map(),
    graph: {
      name: 'identity',
      inputs: [{ name: 'x', type: 'float32', shape: ['rows', width] }],
      outputs: [{ name: 'p', type: 'float32', shape: ['rows', width] }],
      initializers: new Map(),
      nodes: [{ name: 'same', opType: 'Identity', domain: '', inputs: ['x'], outputs: ['p'], attributes: {} }],
      valueInfo: new Map(),
    },
  };
}

/** Two outputs, the columns of its input. */
function twoColumns(): Model {
  const shape = ['rows', 1];
  const base = identity(2);
  return {
    ...base,
    graph: {
      ...base.graph,
      outputs: ['first', 'second'].map((name) => ({ name, type: 'float32' as const, shape })),
      nodes: [
        {
          name: 'split',
          opType: 'Split',
          domain: '',
          inputs: ['x'],
          outputs: ['first', 'second'],
          attributes: { axis: int(1), num_outputs: int(2) },
        },
      ],
    },
  };
}
