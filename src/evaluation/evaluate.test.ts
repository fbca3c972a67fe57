import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTable } from '../data/read/read.js';
import { findColumn } from '../data/table.js';
import { derive } from '../numeric/index.js';
import { cheapMetrics } from './cheap.js';
import { evaluate } from './evaluate.js';
import type { ClassificationInput, PredictionInput } from './input.js';
import { reliabilityBins } from './reliability.js';
import { prepareSample } from './sample.js';
import { simulateClassification } from './simulate.fixture.js';

const golden = JSON.parse(readFileSync(new URL('./goldens/metrics.json', import.meta.url), 'utf8')) as {
  classification: {
    target: number[];
    probabilities: number[];
    weights: number[] | null;
    values: Record<string, number>;
    reliability?: { accuracy: number[]; confidence: number[] };
  }[];
};

/** Every number in a value that JSON would lose. */
function notFinite(value: unknown, place = ''): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [place];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => notFinite(inner, `${place}.${key}`));
}

describe('evaluate', () => {
  it('gives every figure of a classification an interval around its value and a named method', () => {
    const evaluation = evaluate({ ...simulateClassification(derive(1), 300, 3), metrics: ['accuracy'] });
    expect(Object.keys(evaluation.metrics)).toEqual(
      expect.arrayContaining(['accuracy', 'logLoss', 'brier', 'rocAuc', 'prAuc', 'f1', 'ece']),
    );
    for (const { value, interval, method } of Object.values(evaluation.metrics)) {
      expect(interval[0]).toBeLessThanOrEqual(value);
      expect(interval[1]).toBeGreaterThanOrEqual(value);
      expect(interval[1]).toBeGreaterThan(interval[0]);
      expect(method.length).toBeGreaterThan(3);
    }
    expect(evaluation.omitted).toEqual({ costWeighted: 'no cost matrix was given' });
    expect(Object.keys(evaluation.perClass)).toEqual(['0', '1', '2']);
    expect(evaluation.perClass['1'].recall?.method).toBe('Wilson');
    expect(evaluation.perClass['1'].rocAuc?.method).toContain('DeLong');
    expect(evaluation.confusion?.counts.flat().reduce((a, b) => a + b)).toBe(300);
    expect(evaluation.reliability?.reduce((total, { count }) => total + count, 0)).toBe(300);
  });

  it('repeats itself from the seed', () => {
    const input = simulateClassification(derive(2), 200, 2);
    expect(evaluate({ ...input, seed: 5 })).toEqual(evaluate({ ...input, seed: 5 }));
    expect(evaluate({ ...input, seed: 5 }).metrics.f1.interval).not.toEqual(
      evaluate({ ...input, seed: 6 }).metrics.f1.interval,
    );
  });

  it('widens with the level', () => {
    const input = simulateClassification(derive(2), 200, 2);
    const [narrow, wide] = [0.8, 0.99].map((level) => evaluate({ ...input, level }).metrics);
    for (const [name, { interval }] of Object.entries(narrow)) {
      expect(wide[name].interval[0]).toBeLessThanOrEqual(interval[0] + 1e-9);
      expect(wide[name].interval[1]).toBeGreaterThanOrEqual(interval[1] - 1e-9);
    }
  });

  it('agrees between the bootstrap and the large-sample intervals', () => {
    const input = simulateClassification(derive(3), 1500, 3);
    const bootstrapped = evaluate({ ...input, bootstrap: { resamples: 1000, maxRows: 2000 } }).metrics;
    const normal = evaluate({ ...input, bootstrap: { maxRows: 100 } }).metrics;
    for (const name of ['logLoss', 'brier', 'f1', 'mcc', 'balancedAccuracy']) {
      const width = normal[name].interval[1] - normal[name].interval[0];
      for (const end of [0, 1] as const) {
        expect(Math.abs(bootstrapped[name].interval[end] - normal[name].interval[end])).toBeLessThan(0.15 * width);
      }
    }
  });

  it('evaluates slices as their rows alone', () => {
    const input = simulateClassification(derive(4), 400, 2);
    const codes = Int32Array.from(input.target, (_, row) => (row % 5) - 1);
    const { slices } = evaluate({
      ...input,
      slices: [{ name: 'site', codes, dictionary: ['a', 'b', 'c', 'unseen', 'd'] }],
    });
    expect(slices.map(({ value, rows }) => [value, rows])).toEqual([
      [undefined, 80],
      ['a', 80],
      ['b', 80],
      ['c', 80],
      ['unseen', 80],
    ]);
    const rows = Array.from(codes.keys()).filter((row) => codes[row] === 1);
    const alone: ClassificationInput = {
      task: 'classification',
      target: rows.map((row) => input.target[row]),
      logits: rows.flatMap((row) => [input.logits![2 * row], input.logits![2 * row + 1]]),
    };
    const expected = evaluate(alone).metrics;
    for (const [name, { value }] of Object.entries(slices[2].metrics))
      expect(value).toBeCloseTo(expected[name].value, 12);
  });

  it('gives each class the calibration error of its own probability; their mean is the class-wise error', () => {
    const probabilities = [0.7, 0.2, 0.1, 0.2, 0.5, 0.3, 0.1, 0.3, 0.6, 0.4, 0.35, 0.25];
    const { perClass, metrics } = evaluate({
      task: 'classification',
      target: [0, 1, 2, 1],
      probabilities,
      classes: ['a', 'b', 'c'],
      metrics: ['eceClasswise'],
    });
    const errors = ['a', 'b', 'c'].map((name) => perClass[name].ece!.value);
    expect(errors.reduce((sum, error) => sum + error, 0) / 3).toBeCloseTo(metrics.eceClasswise.value, 12);
  });

  it('leaves out what is undefined, with the reason', () => {
    const { metrics, omitted, perClass } = evaluate({
      task: 'classification',
      target: [1, 1, 1],
      probabilities: [0.4, 0.6, 0.7],
    });
    expect(omitted.rocAuc).toBe('the targets hold one class only');
    expect(omitted.fpr).toBe('no row is of another class');
    expect(metrics.recall.value).toBeCloseTo(2 / 3);
    expect(perClass['0']).toEqual({
      rows: 0,
      precision: expect.anything(),
      f1: expect.anything(),
      fpr: expect.anything(),
    });
    const labels = evaluate({ task: 'classification', target: [0, 1, 1], predictions: [0, 1, 0] });
    expect(labels.omitted.logLoss).toBe('it needs probabilities');
    expect(labels.reliability).toBeUndefined();
    const constant = evaluate({ task: 'regression', target: [0.1, 0.1, 0.1], predictions: [0, 1, 2] });
    expect(constant.omitted).toEqual({ r2: 'the target is constant' });
    const zero = evaluate({ task: 'regression', target: [0, 1], predictions: [1, 2] });
    expect(zero.omitted.mape).toBe('a target is 0');
  });

  it('keeps an honest interval at a bound', () => {
    const perfect = evaluate({ task: 'classification', target: [0, 1, 0, 1, 1, 0], predictions: [0, 1, 0, 1, 1, 0] });
    for (const name of ['accuracy', 'f1', 'mcc', 'balancedAccuracy']) {
      expect(perfect.metrics[name].value).toBe(1);
      expect(perfect.metrics[name].interval[0]).toBeLessThan(0.7);
      expect(perfect.metrics[name].interval[1]).toBe(1);
    }
    const separated = evaluate({ task: 'classification', target: [0, 0, 1, 1], probabilities: [0.1, 0.2, 0.8, 0.9] });
    expect(separated.metrics.rocAuc.interval[0]).toBeLessThan(0.5);
  });

  it('never holds a number that JSON cannot, whatever the rows', () => {
    const weights = fc.option(fc.constantFrom(0, 0.5, 1, 3));
    const row = fc.tuple(
      fc.nat(2),
      fc.array(fc.constantFrom(-40, -1, 0, 0, 1, 40), { minLength: 3, maxLength: 3 }),
      weights,
    );
    const classification = fc.array(row, { minLength: 1, maxLength: 12 }).map(
      (rows): PredictionInput => ({
        task: 'classification',
        target: rows.map(([code]) => code),
        logits: rows.flatMap(([, logits]) => logits),
        weights: rows.map(([, , weight], i) => weight ?? (i === 0 ? 1 : 0.1)),
        cost: [
          [0, 1, 2],
          [1, 0, 1],
          [5, 1, 0],
        ],
      }),
    );
    const value = fc.constantFrom(-1e6, -1, 0, 1e-9, 1, 2, 1e6);
    const regression = fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 12 }).map(
      (rows): PredictionInput => ({
        task: 'regression',
        target: rows.map(([y]) => y),
        predictions: rows.map(([, p]) => p),
      }),
    );
    fc.assert(
      fc.property(fc.oneof(classification, regression), (input) => {
        fc.pre(input.weights === undefined || Array.from(input.weights).some((weight) => weight > 0));
        const codes = Array.from(input.target, (_, i) => (i % 3) - 1);
        const column = { name: 'site', codes, dictionary: ['a', 'b'] };
        const evaluation = evaluate({ ...input, slices: [column], sensitive: [column], bootstrap: { resamples: 60 } });
        expect(notFinite(evaluation)).toEqual([]);
        expect(notFinite(cheapMetrics(input))).toEqual([]);
        for (const { value: center, interval } of Object.values(evaluation.metrics)) {
          expect(interval[0]).toBeLessThanOrEqual(center);
          expect(interval[1]).toBeGreaterThanOrEqual(center);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('summarizes residuals', () => {
    const target = [1, 2, 3, 4];
    const { residuals } = evaluate({ task: 'regression', target, predictions: [1, 1, 5, 4] });
    expect(residuals?.mean).toBe(-0.25);
    expect(residuals?.quantiles.map(({ value }) => value)).toEqual(
      [-2, -1.7, -0.5, 0, 0.25, 0.85, 1].map((v) => expect.closeTo(v, 9)),
    );
    expect(residuals?.histogram.counts.reduce((a, b) => a + b)).toBe(4);
    expect(residuals?.points).toContainEqual({ predicted: 5, residual: -2 });
  });

  it.each([
    ['no rows', { task: 'classification', target: [], logits: [] }, /no rows/],
    ['lengths', { task: 'regression', target: [1, 2], predictions: [1] }, /2 targets but 1 predictions/],
    ['a missing label', { task: 'classification', target: [0, -1], probabilities: [0.5, 0.5] }, /class code/],
    [
      'logits as probabilities',
      { task: 'classification', target: [0], probabilities: [2.5, -1.5] },
      /outside \[0, 1\]/,
    ],
    ['scores that do not sum to 1', { task: 'classification', target: [0], probabilities: [0.9, 0.9] }, /sum to 1/],
    ['NaN logits', { task: 'classification', target: [0], logits: [Number.NaN, 1] }, /not a finite/],
    ['uneven scores', { task: 'classification', target: [0, 1], logits: [1, 2, 3] }, /do not make/],
    ['nothing predicted', { task: 'classification', target: [0, 1] }, /needs probabilities/],
    ['a missing target', { task: 'regression', target: [Number.NaN], predictions: [1] }, /missing or infinite/],
    ['weights', { task: 'regression', target: [1], predictions: [1], weights: [0] }, /Weights/],
    ['a cost matrix', { task: 'classification', target: [0], predictions: [0], cost: [[1]] }, /cost matrix/],
    ['an unknown class', { task: 'classification', target: [0], predictions: [0], positive: 'spam' }, /positive class/],
    ['equal names', { task: 'classification', target: [0], predictions: [0], classes: ['a', 'a'] }, /must differ/],
  ] as [string, PredictionInput, RegExp][])('rejects %s', (_name, input, message) => {
    expect(() => evaluate(input)).toThrow(message);
  });

  it('rejects options that do not fit', () => {
    const input = { task: 'classification', target: [0, 1], predictions: [0, 1] } as const;
    expect(() => evaluate({ ...input, level: 95 })).toThrow(/between 0 and 1/);
    expect(() => evaluate({ ...input, primary: 'rmse' })).toThrow(/metric of regression/);
    expect(() => evaluate({ ...input, metrics: ['accurracy'] })).toThrow(/no such metric/);
    expect(() => evaluate({ ...input, bins: 0 })).toThrow(/bins/);
    expect(() => evaluate({ ...input, slices: [{ name: 's', codes: [0], dictionary: ['a'] }] })).toThrow(/2 rows/);
    expect(() => evaluate({ ...input, slices: [{ name: 's', codes: [0, 7], dictionary: ['a'] }] })).toThrow(
      /dictionary/,
    );
  });
});

describe('cheap metrics', () => {
  it('are the values of the full evaluation', () => {
    for (const classes of [2, 4]) {
      const input = simulateClassification(derive(5), 150, classes);
      const { metrics } = evaluate(input);
      const { loss, ...values } = cheapMetrics(input, ['f1']);
      expect(loss).toBe(values.logLoss);
      expect(Object.keys(values).sort()).toEqual(
        ['accuracy', 'brier', 'ece', 'f1', 'logLoss', ...(classes === 2 ? ['rocAuc'] : [])].sort(),
      );
      for (const [name, value] of Object.entries(values)) expect(value).toBeCloseTo(metrics[name].value, 12);
    }
    expect(cheapMetrics({ task: 'regression', target: [1, 2, 4], predictions: [1, 2, 3] })).toEqual({
      loss: expect.closeTo(1 / 3, 12),
      rmse: expect.closeTo(Math.sqrt(1 / 3), 12),
      mae: expect.closeTo(1 / 3, 12),
      r2: expect.closeTo(1 - 1 / (14 / 3), 12),
    });
  });

  it('leave out what is undefined', () => {
    expect(cheapMetrics({ task: 'classification', target: [0, 0], predictions: [0, 1] })).toEqual({ accuracy: 0.5 });
  });
});

describe('reliability', () => {
  it("agrees with scikit-learn's calibration_curve", () => {
    for (const { target, probabilities, reliability } of golden.classification) {
      if (reliability === undefined) continue;
      const sample = prepareSample({ task: 'classification', target, probabilities });
      if (sample.task !== 'classification') continue;
      const bins = reliabilityBins(sample, { of: 1 });
      expect(bins.map(({ accuracy }) => accuracy)).toEqual(reliability.accuracy.map((v) => expect.closeTo(v, 11)));
      expect(bins.map(({ confidence }) => confidence)).toEqual(
        reliability.confidence.map((v) => expect.closeTo(v, 11)),
      );
      for (const { accuracy, interval, confidence, lower, upper } of bins) {
        expect(interval[0] <= accuracy && accuracy <= interval[1]).toBe(true);
        expect(lower <= confidence + 1e-12 && confidence <= upper + 1e-12).toBe(true);
      }
      const mass = reliabilityBins(sample, { bins: 'mass' }).map(({ count }) => count);
      expect(mass.reduce((a, b) => a + b)).toBe(target.length);
    }
  });

  it.skipIf(!process.env.BALLAST_DATASETS)(
    'finds the known calibration error of a wide residual net on CIFAR-10',
    async () => {
      const file = join(process.env.BALLAST_DATASETS ?? '', 'calibration-cifar10', 'wideresnet-16-4-cifar-10.npz');
      const table = await readTable(file);
      const scores = findColumn(table, 'predictions');
      const truth = findColumn(table, 'label');
      if (scores?.kind !== 'array' || truth?.kind !== 'category') throw new Error('the archive has other columns');
      const target = truth.codes.map((code) => Number(truth.dictionary[code]));
      const evaluation = evaluate({
        task: 'classification',
        target,
        probabilities: scores.data,
      });
      expect(evaluation.metrics.accuracy.value).toBeCloseTo(0.9109, 4);
      expect(evaluation.metrics.ece.value).toBeCloseTo(0.0537, 4);
      expect(evaluation.metrics.ece.interval[0]).toBeGreaterThan(0.045);
      expect(evaluation.metrics.ece.interval[1]).toBeLessThan(0.062);
    },
  );
});

describe('speed', () => {
  it('evaluates 100,000 rows with all metrics and intervals in bounded time', () => {
    const input = simulateClassification(derive(6), 100_000, 2);
    const start = process.cpuUsage();
    evaluate(input);
    // Processor time, because the test machine is shared; it is about 0.4 s on an idle core.
    expect(process.cpuUsage(start).user / 1e6).toBeLessThan(4);
  });
});
