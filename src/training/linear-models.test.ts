import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { FEATURES, problem, trained } from '../../test/support/training-problem.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32, int64 } from '../graph/tensor.js';
import type { TrainingProblem } from './problem.js';

interface Golden {
  readonly title: string;
  readonly entry: Record<string, unknown>;
  readonly weighted?: boolean;
  readonly coefficients: readonly number[] | readonly (readonly number[])[];
  readonly intercept: number | readonly number[];
}

interface Goldens {
  readonly X: number[][];
  readonly y: number[];
  readonly weights: number[];
  readonly labels: number[];
  readonly regression: readonly Golden[];
  readonly classification: readonly Golden[];
}

const goldens = JSON.parse(readFileSync(new URL('./goldens/linear-models.json', import.meta.url), 'utf8')) as Goldens;
const ROWS = goldens.X.length;
const FEATURE_COUNT = goldens.X[0].length;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

/** Full batches until the weights no longer move. */
function problemOf(
  { entry, weighted }: Golden,
  task: 'regression' | 'classification',
  optimizer: object,
): TrainingProblem {
  const base = problem({
    inputs: [{ ...FEATURES[0], shape: [FEATURE_COUNT] }],
    model: { type: task === 'regression' ? 'linear' : 'logistic' },
    task,
    regularizers: [entry],
    rows: ROWS,
    validation: 0,
    training: { epochs: 'schedule' in optimizer ? 3000 : 2000, batchSize: ROWS, checkpointSeconds: 1000, optimizer },
  });
  return {
    ...base,
    data: {
      ...base.data,
      inputs: { features: float32([ROWS, FEATURE_COUNT], goldens.X.flat()) },
      target: task === 'regression' ? float32([ROWS, 1], goldens.y) : int64([ROWS], goldens.labels),
      weights: weighted === true ? Float32Array.from(goldens.weights) : undefined,
    },
    // Nothing follows them here, and they would cost more than the steps.
    metrics: Object.assign(() => ({ loss: 0 }), { primary: 'loss', loss: 'loss', higherIsBetter: () => false }),
  };
}

async function expectCoefficients(
  golden: Golden,
  task: 'regression' | 'classification',
  optimizer: object,
  tolerance: number,
): Promise<void> {
  const { graph } = await trained(runtime, problemOf(golden, task, optimizer));
  const found = Array.from(graph.initializers.get('output.weight')!.data as Float32Array);
  const expected = golden.coefficients.flat();
  expect(found).toHaveLength(expected.length);
  const distance = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
  expect(distance(found, expected)).toBeLessThan(tolerance);
  const bias = Array.from(graph.initializers.get('output.bias')!.data as Float32Array);
  expect(distance(bias, [golden.intercept].flat())).toBeLessThan(tolerance);
  // Not small: zero.
  expect(found.map((value) => value === 0)).toEqual(expected.map((value) => value === 0));
}

const SGD = { type: 'sgd', learningRate: 0.2, momentum: 0 };
/** Under plain SGD everything; under the others what their own scale of the step could break. */
const OPTIMIZERS: [string, object, RegExp][] = [
  ['SGD', SGD, /./],
  ['SGD with momentum', { type: 'sgd', learningRate: 0.05, momentum: 0.9 }, /Lasso|Elastic/],
  ['Adam', { type: 'adam', learningRate: 0.02, schedule: { type: 'cosine' } }, /0\.1$|0\.05|weighted/],
];

describe.each(OPTIMIZERS)(
  'linear regression by %s has the coefficients of scikit-learn',
  (_name, optimizer, titles) => {
    const chosen = goldens.regression.filter(({ title }) => titles.test(title));
    it.each(chosen.map((golden) => ({ title: golden.title, golden })))('$title', async ({ golden }) => {
      await expectCoefficients(golden, 'regression', optimizer, 1e-4);
    });
  },
);

describe('softmax regression has the coefficients of scikit-learn', () => {
  it.each(goldens.classification.map((golden) => ({ title: golden.title, golden })))('$title', async ({ golden }) => {
    const optimizer = { type: 'sgd', learningRate: 0.1, momentum: 0.9 };
    await expectCoefficients(golden, 'classification', optimizer, 1e-4);
  });
});

describe('what the regularizers of a linear model are not', () => {
  it('decoupled weight decay under momentum is not ridge of the same strength', async () => {
    const ridge = goldens.regression.find(({ title }) => title === 'Ridge 0.1')!;
    const decay = { ...ridge, entry: { type: 'weight-decay', strength: 0.1 } };
    await expectCoefficients(decay, 'regression', SGD, 1e-4);
    await expect(expectCoefficients(decay, 'regression', OPTIMIZERS[1][1], 1e-3)).rejects.toThrow();
  });
});
