import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeModel } from '../../graph/format/encode.js';
import type { Model } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/index.js';
import { applyCalibration } from './apply.js';
import { withCalibration } from './calibrated-model.js';
import {
  CALIBRATION_METHODS,
  type CalibrationMap,
  type CalibrationRows,
  type ClassMap,
  scoresOf,
  softmaxRows,
} from './calibrator.js';
import { crossFit, fitCalibration } from './fit.js';
import { calibrate } from './report.js';

interface Golden {
  readonly classes: number;
  readonly scores: readonly number[];
  readonly target: readonly number[];
  readonly weights: readonly number[] | null;
  readonly temperature: number;
  readonly vector: readonly number[];
  readonly vectorLoss: number;
  readonly grid: readonly number[];
  readonly perClass: readonly {
    readonly isotonic: readonly number[];
    readonly platt: { readonly slope: number; readonly intercept: number; readonly sklearn: readonly [number, number] };
  }[];
}

const goldens = JSON.parse(readFileSync(new URL('./goldens/calibrators.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
  beta: { readonly coefficients: readonly [number, number, number] };
};

const rowsOf = ({ classes, scores, target, weights }: Golden): CalibrationRows => ({
  rows: target.length,
  classes,
  scores: Float64Array.from(scores),
  target: Int32Array.from(target),
  weights: weights === null ? undefined : Float64Array.from(weights),
});

const classMaps = (map: CalibrationMap): readonly ClassMap[] => (map.kind === 'classes' ? map.maps : []);

/** Rows of overconfident scores: the truth is softmax(scores / 2). */
function overconfident(rows: number, classes: number, seed = 1): CalibrationRows {
  const stream = derive(seed, 'overconfident');
  const scores = Float64Array.from({ length: rows * classes }, () => 3 * stream.normal());
  const truth = softmaxRows(
    scores.map((z) => z / 2),
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
  return { rows, classes, scores, target, weights: undefined };
}

describe.each(goldens.cases.map((golden, i) => ({ i, golden })))(
  'case $i against SciPy and scikit-learn',
  ({ golden }) => {
    it('finds the temperature of least log loss', () => {
      const map = fitCalibration('temperature', rowsOf(golden));
      expect(map).toMatchObject({ kind: 'temperature' });
      expect((map as { temperature: number }).temperature / golden.temperature - 1).toBeCloseTo(0, 6);
    });

    it('scales every class by the least log loss', () => {
      const map = fitCalibration('vector', rowsOf(golden)) as Extract<CalibrationMap, { kind: 'vector' }>;
      [...map.scale, ...map.shift].forEach((value, i) => {
        expect(value).toBeCloseTo(golden.vector[i], 3);
      });
    });

    it("is scikit-learn's isotonic regression", () => {
      const maps = classMaps(fitCalibration('isotonic', rowsOf(golden)));
      expect(maps).toHaveLength(golden.perClass.length);
      maps.forEach((map, k) => {
        golden.grid.forEach((p, i) => {
          // The map of one class alone, seen through a problem of two.
          const two: CalibrationMap = { kind: 'classes', maps: [map] };
          const [, q] = applyCalibration(two, [Math.log(1 - p), Math.log(p)], 2);
          expect(Math.abs(q - golden.perClass[k].isotonic[i])).toBeLessThan(1e-6);
        });
      });
    });

    it("is Platt's sigmoid as scikit-learn fits it", () => {
      classMaps(fitCalibration('platt', rowsOf(golden))).forEach((map, k) => {
        const { slope, intercept, sklearn } = golden.perClass[k].platt;
        expect(map).toMatchObject({ kind: 'sigmoid' });
        const fitted = map as Extract<ClassMap, { kind: 'sigmoid' }>;
        expect(Math.abs(fitted.slope - slope)).toBeLessThan(1e-6);
        expect(Math.abs(fitted.intercept - intercept)).toBeLessThan(1e-6);
        // Where scikit-learn's own optimizer stops.
        expect(Math.abs(fitted.slope - sklearn[0])).toBeLessThan(1e-3);
        expect(Math.abs(fitted.intercept - sklearn[1])).toBeLessThan(1e-3);
      });
    });
  },
);

describe('beta calibration', () => {
  it('is a logistic regression on ln p and -ln(1 - p)', () => {
    const [map] = classMaps(fitCalibration('beta', rowsOf(goldens.cases[0])));
    const { a, b, c } = map as Extract<ClassMap, { kind: 'beta' }>;
    const [first, second, third] = goldens.beta.coefficients;
    // The reference is unconstrained: it is the same map where both are positive, as here.
    expect(Math.min(first, second)).toBeGreaterThan(0);
    expect(a).toBeCloseTo(first, 4);
    expect(b).toBeCloseTo(second, 4);
    expect(c).toBeCloseTo(third, 4);
  });

  it('never decreases', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [map] = classMaps(fitCalibration('beta', overconfident(40, 2, seed)));
      const { a, b } = map as Extract<ClassMap, { kind: 'beta' }>;
      expect(Math.min(a, b)).toBeGreaterThanOrEqual(0);
    }
  });
});

describe('every method', () => {
  it.each(CALIBRATION_METHODS)('%s gives distributions, whatever the scores', (method) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 4 }),
        fc.array(fc.double({ min: -60, max: 60, noNaN: true }), { minLength: 4, maxLength: 4 }),
        (classes, extreme) => {
          const map = fitCalibration(method, overconfident(60, classes));
          const probabilities = applyCalibration(map, extreme.slice(0, classes), classes);
          expect(probabilities.every((p) => p >= 0 && p <= 1)).toBe(true);
          expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
        },
      ),
      { numRuns: 30 },
    );
  });

  it.each(CALIBRATION_METHODS)('%s lowers the log loss of overconfident scores on fresh rows', (method) => {
    const fresh = overconfident(4000, 3, 2);
    const map = fitCalibration(method, overconfident(2000, 3, 1));
    const loss = (probabilities: Float64Array): number =>
      fresh.target.reduce((sum, k, row) => sum - Math.log(Math.max(1e-9, probabilities[row * 3 + k])), 0) / fresh.rows;
    expect(loss(applyCalibration(map, fresh.scores, 3))).toBeLessThan(loss(softmaxRows(fresh.scores, 3)) - 0.05);
  });

  it.each(CALIBRATION_METHODS.flatMap((method) => [2, 3].map((classes) => ({ method, classes }))))(
    '$method of $classes classes says the same inside an ONNX graph, of logits and of probabilities',
    async ({ method, classes }) => {
      const data = overconfident(300, classes);
      const map = fitCalibration(method, data);
      const runtime = await openRuntime();
      for (const kind of ['logits', 'probabilities'] as const) {
        const model = withCalibration(identity('scores', classes), { name: 'scores', kind }, map, classes);
        const session = await runtime.load(writeModel(model));
        const fed = kind === 'logits' ? data.scores : softmaxRows(data.scores, classes);
        const expected = applyCalibration(map, kind === 'logits' ? fed : scoresOf(fed), classes);
        const { scores } = await session.run({ x: float32([data.rows, classes], Float32Array.from(fed)) });
        session.release();
        const answered = kind === 'logits' ? softmaxRows(scores.data as Float32Array, classes) : scores.data;
        const worst = expected.reduce((most, p, i) => Math.max(most, Math.abs(p - Number(answered[i]))), 0);
        expect(worst).toBeLessThan(1e-4);
      }
    },
  );

  it.each([['logits', [300]] as const, ['probabilities', [300, 1]] as const])(
    'takes a single column of %s for the second class',
    async (kind, shape) => {
      const data = overconfident(300, 2);
      const map = fitCalibration('isotonic', data);
      const expected = applyCalibration(map, data.scores, 2);
      const difference = Float32Array.from({ length: 300 }, (_, i) => data.scores[2 * i + 1] - data.scores[2 * i]);
      const fed = kind === 'logits' ? difference : difference.map((z) => 1 / (1 + Math.exp(-z)));
      const single = shape.length === 1 ? ['rows'] : ['rows', 1];
      const model = withCalibration(identity('scores', 1, single), { name: 'scores', kind }, map, 2);
      const session = await (await openRuntime()).load(writeModel(model));
      const { scores } = await session.run({ x: float32(shape, fed) });
      session.release();
      expect(scores.shape).toEqual(shape);
      scores.data.forEach((value, i) => {
        const p = kind === 'logits' ? 1 / (1 + Math.exp(-Number(value))) : Number(value);
        expect(Math.abs(p - expected[2 * i + 1])).toBeLessThan(1e-4);
      });
    },
  );
});

describe('cross-fitting', () => {
  it('finds out a flexible method that learns few rows by heart', () => {
    const few = overconfident(60, 3, 5);
    const map = fitCalibration('isotonic', few);
    const inSample = applyCalibration(map, few.scores, 3);
    const loss =
      few.target.reduce((sum, k, row) => sum - Math.log(Math.max(1e-15, inSample[row * 3 + k])), 0) / few.rows;
    expect(crossFit('isotonic', few).logLoss).toBeGreaterThan(loss + 0.1);
  });

  it('chooses the temperature where nothing else is clearly better', () => {
    const { target, scores } = overconfident(500, 3);
    expect(calibrate({ task: 'classification', target, logits: scores }).method).toBe('temperature');
  });

  it('gives the same for the same seed', () => {
    const data = overconfident(200, 3);
    expect(crossFit('platt', data, { seed: 3 })).toEqual(crossFit('platt', data, { seed: 3 }));
  });

  it.each([
    ['too few rows', { ...overconfident(10, 3) }, 'CALIBRATION_ROWS'],
    ['one class', { ...overconfident(40, 3), target: new Int32Array(40) }, 'CALIBRATION_ONE_CLASS'],
  ])('refuses %s', (_title, data, code) => {
    expect(() => fitCalibration('temperature', data)).toThrow(expect.objectContaining({ code }));
  });
});

/** A model whose output is its input. */
function identity(output: string, width: number, shape: readonly (string | number)[] = ['rows', width]): Model {
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'test', version: '1' },
    metadata: new Map(),
    graph: {
      name: 'identity',
      inputs: [{ name: 'x', type: 'float32', shape }],
      outputs: [{ name: output, type: 'float32', shape }],
      initializers: new Map(),
      nodes: [{ name: 'same', opType: 'Identity', domain: '', inputs: ['x'], outputs: [output], attributes: {} }],
      valueInfo: new Map(),
    },
  };
}
