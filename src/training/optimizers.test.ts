import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeStep, stepperOf } from '../../test/support/stepper.js';
import { FEATURES, problem } from '../../test/support/training-problem.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32, int64 } from '../graph/tensor.js';
import { adam, type Optimizer, sgd } from './optimizers.js';
import type { TrainingProblem } from './problem.js';
import { initialPlateau, learningRateAt, observePlateau, type ScheduleOptions } from './schedules.js';
import type { StepDescription } from './step.js';

interface Goldens {
  readonly batch: number;
  readonly hidden: number;
  readonly classWeights: number[];
  readonly data: { x: number[][]; labels: number[]; y: number[][]; weights: number[] };
  readonly initial: Record<string, number[]>;
  readonly initialOne: Record<string, number[]>;
  readonly cases: Record<string, { losses: number[]; parameters: Record<string, Record<string, number[]>> }>;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly rate: number;
  readonly schedules: Record<string, { options: Partial<ScheduleOptions>; rates: number[] }>;
  readonly plateaus: { options: Partial<ScheduleOptions>; losses: (number | null)[]; rates: number[] }[];
}

const goldens = JSON.parse(readFileSync(new URL('./goldens/optimizers.json', import.meta.url), 'utf8')) as Goldens;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

interface Case {
  readonly optimizer: Optimizer;
  readonly rate: number;
  readonly regularizers?: readonly Record<string, unknown>[];
  readonly task?: 'regression';
  readonly weighted?: boolean;
  readonly more?: Partial<StepDescription>;
}

const SGD = (momentum = 0, nesterov = false): Optimizer => sgd({ momentum, nesterov });
const ADAM = (beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8): Optimizer => adam('adam', { beta1, beta2, epsilon });
const ALL = ['weight', 'bias'];
const { classWeights } = goldens;

/** The runs of make_optimizers.py, said in Ballast's terms. */
const CASES: Record<string, Case> = {
  sgd: { optimizer: SGD(), rate: 0.1 },
  'sgd momentum': { optimizer: SGD(0.9), rate: 0.05 },
  'sgd nesterov': { optimizer: SGD(0.8, true), rate: 0.05 },
  'sgd l2': { optimizer: SGD(0.9), rate: 0.05, regularizers: [{ type: 'l2', strength: 0.1 }] },
  adam: { optimizer: ADAM(), rate: 0.02 },
  'adam betas': { optimizer: ADAM(0.7, 0.95, 1e-3), rate: 0.02 },
  'adam l2': { optimizer: ADAM(), rate: 0.02, regularizers: [{ type: 'l2', strength: 0.1 }] },
  adamw: { optimizer: ADAM(), rate: 0.02, regularizers: [{ type: 'weight-decay', strength: 0.3 }] },
  'adamw all': {
    optimizer: ADAM(),
    rate: 0.02,
    regularizers: [{ type: 'weight-decay', strength: 0.3, include: ALL }],
  },
  clip: { optimizer: SGD(0.9), rate: 0.2, more: { gradientClip: 0.3 } },
  'clip high': { optimizer: SGD(0.9), rate: 0.05, more: { gradientClip: 1000 } },
  'clip adam': { optimizer: ADAM(), rate: 0.02, more: { gradientClip: 0.1 } },
  'row weights': { optimizer: SGD(), rate: 0.1, weighted: true },
  'class weights': { optimizer: SGD(), rate: 0.1, more: { classWeights } },
  'class weights smoothed': {
    optimizer: SGD(),
    rate: 0.1,
    more: { classWeights },
    regularizers: [{ type: 'label-smoothing', strength: 0.2 }],
  },
  'row and class weights': { optimizer: ADAM(), rate: 0.02, weighted: true, more: { classWeights } },
  regression: { optimizer: SGD(0.5), rate: 0.1, task: 'regression' },
  'regression weighted': { optimizer: ADAM(), rate: 0.02, task: 'regression', weighted: true },
};

function problemOf({ task, weighted, regularizers = [] }: Case): TrainingProblem {
  const { x, labels, y, weights } = goldens.data;
  const base = problem({
    inputs: [{ ...FEATURES[0], shape: [x[0].length] }],
    model: { type: 'mlp', hidden: [goldens.hidden], activation: 'tanh' },
    regularizers,
    ...(task === undefined ? {} : { task }),
    rows: x.length,
    validation: 0,
    training: { batchSize: goldens.batch },
  });
  return {
    ...base,
    data: {
      ...base.data,
      inputs: { features: float32([x.length, x[0].length], x.flat()) },
      target: task === 'regression' ? float32([y.length, 1], y.flat()) : int64([labels.length], labels),
      weights: weighted === true ? Float32Array.from(weights) : undefined,
    },
  };
}

describe.each([
  { precision: 'float64', double: true, tolerance: 1e-9 },
  { precision: 'float32', double: false, tolerance: 2e-5 },
])('twenty steps in $precision against PyTorch', ({ double, tolerance }) => {
  it('has a case for every golden', () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(goldens.cases).sort());
  });

  it.each(Object.keys(CASES))('%s', async (name) => {
    const test = CASES[name];
    const golden = goldens.cases[name];
    const given = problemOf(test);
    const stepper = await stepperOf(runtime, given, describeStep(given, test.optimizer, test.more), double);
    const start = test.task === 'regression' ? goldens.initialOne : goldens.initial;
    let state = stepper.stateOf(new Map(Object.entries(start).map(([key, v]) => [key, Float64Array.from(v)])));
    for (let step = 1; step <= golden.losses.length; step++) {
      const rows = Array.from({ length: goldens.batch }, (_, i) => ((step - 1) * goldens.batch + i) % 24);
      const result = await stepper.run(state, { step, rate: test.rate, rows });
      state = result.state;
      expect(Math.abs(result.loss / golden.losses[step - 1] - 1)).toBeLessThan(tolerance);
      for (const [parameter, expected] of Object.entries(golden.parameters[step] ?? {})) {
        const found = stepper.parametersOf(state).get(parameter)!;
        const scale = Math.max(...expected.map(Math.abs));
        const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(found[i] - value)), 0);
        expect(worst / scale).toBeLessThan(tolerance);
      }
    }
    stepper.release();
  });
});

const complete = (options: Partial<ScheduleOptions>): ScheduleOptions => ({
  type: 'constant',
  warmUp: 0,
  every: 10,
  factor: 0.1,
  floor: 0,
  ...options,
});

describe('learning rates against torch.optim.lr_scheduler', () => {
  const { rate: baseRate, stepsPerEpoch, epochs } = goldens;

  it.each(Object.keys(goldens.schedules))('%s', (name) => {
    const { options, rates } = goldens.schedules[name];
    rates.forEach((expected, step) => {
      const found = learningRateAt(complete(options), { baseRate, stepsPerEpoch, epochs }, step, initialPlateau());
      expect(Math.abs(found - expected)).toBeLessThan(1e-12);
    });
  });

  it.each(goldens.plateaus.map((golden, i) => ({ i, golden })))(
    'plateau $i, ties within the threshold and an undefined loss included',
    ({ golden: { options, losses, rates } }) => {
      const schedule = complete(options);
      let plateau = initialPlateau();
      losses.forEach((loss, epoch) => {
        const found = learningRateAt(schedule, { baseRate, stepsPerEpoch: 1, epochs: losses.length }, epoch, plateau);
        expect(Math.abs(found / rates[epoch] - 1)).toBeLessThan(1e-9);
        plateau = observePlateau(schedule, plateau, loss ?? Number.NaN);
      });
      expect(plateau.drops).toBeGreaterThan(1);
    },
  );
});

describe('schedules at their edges', () => {
  it.each(['constant', 'step', 'cosine', 'one-cycle', 'plateau'] as const)(
    '%s is finite, positive or 0, and never above the base rate, for any lengths',
    (type) => {
      for (const warmUp of [0, 0.3, 0.5, 1, 2.5, 10]) {
        for (const [stepsPerEpoch, epochs] of [
          [1, 1],
          [1, 2],
          [3, 1],
          [5, 4],
          [7, 3],
        ]) {
          for (let step = 0; step < stepsPerEpoch * epochs + 3; step++) {
            const context = { baseRate: 0.1, stepsPerEpoch, epochs };
            const rate = learningRateAt(complete({ type, warmUp }), context, step, initialPlateau());
            expect(rate).toBeGreaterThanOrEqual(0);
            expect(rate).toBeLessThanOrEqual(0.1 + 1e-15);
          }
        }
      }
    },
  );

  it('warms up linearly to the base rate, in whole steps', () => {
    const context = { baseRate: 1, stepsPerEpoch: 5, epochs: 3 };
    const rates = Array.from({ length: 6 }, (_, step) =>
      learningRateAt(complete({ warmUp: 0.7 }), context, step, initialPlateau()),
    );
    expect(rates).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  });
});
