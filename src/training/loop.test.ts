import { beforeAll, describe, expect, it } from 'vitest';
import { describeStep, stepperOf } from '../../test/support/stepper.js';
import {
  FEATURES,
  orderOf,
  problem,
  SMOOTH_MLP,
  trained,
  weightBytes,
  weightsOf,
} from '../../test/support/training-problem.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32 } from '../graph/tensor.js';
import { sgd } from './optimizers.js';
import type { TrainingProblem } from './problem.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

const PLAIN_SGD = { type: 'sgd', learningRate: 0.1, momentum: 0 };

/** The same problem with other numbers in one row of its features. */
function withRow(given: TrainingProblem, row: number, value: number): TrainingProblem {
  const { features } = given.data.inputs;
  const data = Float32Array.from(features.data as Float32Array);
  data.fill(value, row * 7, row * 7 + 7);
  return { ...given, data: { ...given.data, inputs: { features: float32(features.shape, data) } } };
}

describe('a diverging run', () => {
  const setting = { inputs: FEATURES, training: { epochs: 6, optimizer: { ...PLAIN_SGD, learningRate: 0.05 } } };

  it('stops, says why, and returns to the weights of the last epoch that was sound', async () => {
    // Row 0 is harmless for two epochs; the other rows follow in the third only, where one of them is extreme.
    const given = withRow(problem({ ...setting, task: 'regression' }), 39, 1e30);
    const linear = { ...given, graph: problem({ ...setting, task: 'regression', model: { type: 'linear' } }).graph };
    const order = (epoch: number): Int32Array =>
      Int32Array.from({ length: 40 }, (_, i) => (epoch < 2 && i === 39 ? 0 : i));
    const result = await trained(runtime, linear, { order });
    expect(result.outcome).toBe('diverged');
    expect(result.bestEpoch).toBe(2);
    expect(result.epochs).toBe(2);
    const sound = await trained(runtime, { ...linear, options: { ...linear.options, epochs: 2 } }, { order });
    expect(sound.outcome).toBe('completed');
    expect(weightBytes(result)).toEqual(weightBytes(sound));
    const [finding] = result.findings;
    expect(finding).toMatchObject({ code: 'TRAINING_DIVERGED', severity: 'warning' });
    expect(finding.message).toMatch(/the loss became (Infinity|NaN) at step 15 \(epoch 3, .*single batch is extreme/);
    expect(result.events.at(-1)).toMatchObject({ type: 'finding', finding });
  });

  it('explains weights that grew beyond bounds under a rate that is too high', async () => {
    const given = problem({
      inputs: FEATURES,
      task: 'regression',
      model: { type: 'linear' },
      training: { epochs: 60, optimizer: { ...PLAIN_SGD, learningRate: 90 } },
    });
    const result = await trained(runtime, given);
    expect(result.outcome).toBe('diverged');
    expect(result.findings[0].message).toMatch(/weights (had grown to|of "output)/);
    expect(result.findings[0].remedy).toMatch(/learningRate/);
    expect(weightsOf(result).every(Number.isFinite)).toBe(true);
    expect([...result.outputs.train, ...result.outputs.validation].every(Number.isFinite)).toBe(true);
  });

  it('keeps the initial weights where the first step already fails', async () => {
    const given = withRow(problem(setting), 0, Number.NaN);
    const order = (): Int32Array => Int32Array.from({ length: 40 }, (_, i) => i);
    const result = await trained(runtime, given, { order });
    expect(result).toMatchObject({ outcome: 'diverged', epochs: 0, bestEpoch: 0 });
    expect(result.findings[0].message).toMatch(/already at the first step/);
    expect(weightBytes(result)).toEqual(weightBytes(given));
  });

  it('notices an update that breaks the weights in the last step of an epoch', async () => {
    const given = problem({
      inputs: FEATURES,
      task: 'regression',
      model: { type: 'linear' },
      rows: 8,
      training: { epochs: 3, batchSize: 8, optimizer: { ...PLAIN_SGD, learningRate: 100 } },
    });
    const huge = withRow(given, 0, 1e18);
    const result = await trained(runtime, huge);
    expect(result).toMatchObject({ outcome: 'diverged', bestEpoch: 0 });
    expect(result.findings[0].message).toMatch(/outputs were no longer finite at step 1/);
    expect(weightBytes(result)).toEqual(weightBytes(given));
  });

  it('returns to the best epoch where something monitors', async () => {
    const regularizers = [{ type: 'early-stopping', patience: 10 }];
    const given = withRow(problem({ ...setting, regularizers }), 39, Number.NaN);
    const order = (epoch: number): Int32Array =>
      Int32Array.from({ length: 40 }, (_, i) => (epoch < 3 && i === 39 ? 0 : i));
    // Train metrics leave out the row that breaks it.
    const result = await trained(runtime, { ...given, options: { ...given.options, trainMetricsRows: 8 } }, { order });
    expect(result.outcome).toBe('diverged');
    const best = result.history.reduce((a, b) => (b.validation.logLoss < a.validation.logLoss ? b : a));
    expect(result.bestEpoch).toBe(best.epoch);
  });
});

describe('early stopping in a run', () => {
  // Few rows and many weights: validation soon gets worse.
  const setting = {
    inputs: FEATURES,
    model: { type: 'mlp', hidden: [32, 32] },
    rows: 16,
    training: { epochs: 60, batchSize: 8, optimizer: { type: 'adam', learningRate: 0.02 } },
  };
  const stopping = (more: object = {}) => ({
    ...setting,
    regularizers: [{ type: 'early-stopping', patience: 4, ...more }],
  });

  it('stops patience epochs after the best and returns to its weights', async () => {
    const result = await trained(runtime, problem(stopping()));
    expect(result.outcome).toBe('stopped-early');
    expect(result.epochs).toBe(result.bestEpoch + 4);
    expect(result.epochs).toBeLessThan(60);
    const losses = result.history.map(({ validation }) => validation.logLoss);
    expect(losses.indexOf(Math.min(...losses)) + 1).toBe(result.bestEpoch);
    const shorter = { ...setting, training: { ...setting.training, epochs: result.bestEpoch } };
    expect(weightBytes(result)).toEqual(weightBytes(await trained(runtime, problem(shorter))));
    const marked = result.events.flatMap((event) => (event.type === 'epoch' && event.best ? [event.record.epoch] : []));
    expect(marked.at(-1)).toBe(result.bestEpoch);
  });

  it('keeps the last weights where it is told to', async () => {
    const result = await trained(runtime, problem(stopping({ restoreBest: false })));
    expect(result.outcome).toBe('stopped-early');
    expect(result.bestEpoch).toBe(result.epochs);
    const shorter = { ...setting, training: { ...setting.training, epochs: result.epochs } };
    expect(weightBytes(result)).toEqual(weightBytes(await trained(runtime, problem(shorter))));
  });

  it('returns to the best epoch of a run that was never stopped', async () => {
    const result = await trained(runtime, problem({ ...stopping({ patience: 100 }) }));
    expect(result.outcome).toBe('completed');
    expect(result.bestEpoch).toBeLessThan(60);
    const shorter = { ...setting, training: { ...setting.training, epochs: result.bestEpoch } };
    expect(weightBytes(result)).toEqual(weightBytes(await trained(runtime, problem(shorter))));
  });

  it('follows the named metric, and refuses one that does not exist', async () => {
    const result = await trained(runtime, problem(stopping({ metric: 'accuracy' })));
    const values = result.history.map(({ validation }) => validation.accuracy);
    expect(values.indexOf(Math.max(...values)) + 1).toBe(result.bestEpoch);
    await expect(trained(runtime, problem(stopping({ metric: 'f1' })))).rejects.toMatchObject({
      code: 'METRIC_UNKNOWN',
      remedy: expect.stringContaining('logLoss') as string,
    });
    await expect(trained(runtime, problem({ ...stopping(), validation: 0 }))).rejects.toMatchObject({
      code: 'METRIC_UNKNOWN',
      remedy: expect.stringContaining('data.split.validation') as string,
    });
  });
});

describe('batches', () => {
  it('are the order cut into pieces, the last one smaller', async () => {
    const given = problem({
      inputs: FEATURES,
      rows: 11,
      training: { epochs: 2, batchSize: 4, optimizer: { ...PLAIN_SGD, momentum: 0.5 } },
    });
    const optimizer = sgd({ momentum: 0.5, nesterov: false });
    const [full, tail] = await Promise.all(
      [4, 3].map((batchSize) => stepperOf(runtime, given, describeStep(given, optimizer, { batchSize }), false)),
    );
    const initial = new Map(
      [...given.graph.initializers].map(([name, { data }]) => [name, Float64Array.from(data as Float32Array)]),
    );
    let state = full.stateOf(initial);
    let step = 0;
    for (const epoch of [0, 1]) {
      const order = orderOf(given)(epoch);
      for (const [from, to] of [
        [0, 4],
        [4, 8],
        [8, 11],
      ]) {
        const stepper = to === 11 ? tail : full;
        state = (await stepper.run(state, { step: ++step, rate: 0.1, rows: order.slice(from, to) })).state;
      }
    }
    const { graph } = await trained(runtime, given);
    for (const [name, values] of full.parametersOf(state)) {
      expect(Array.from(graph.initializers.get(name)!.data as Float32Array)).toEqual(Array.from(values));
    }
  });

  it('are the whole data set where the batch size is larger', async () => {
    const setting = { inputs: FEATURES, rows: 13 };
    const whole = await trained(runtime, problem({ ...setting, training: { batchSize: 13 } }));
    const larger = await trained(runtime, problem({ ...setting, training: { batchSize: 1000 } }));
    expect(weightBytes(larger)).toEqual(weightBytes(whole));
    expect(larger.events.find(({ type }) => type === 'started')).toMatchObject({ stepsPerEpoch: 1 });
  });

  it('of one row train', async () => {
    const result = await trained(
      runtime,
      problem({ inputs: FEATURES, rows: 5, training: { batchSize: 1, epochs: 1 } }),
    );
    expect(result.outcome).toBe('completed');
    expect(weightsOf(result).every(Number.isFinite)).toBe(true);
  });

  it('of weight zero change nothing', async () => {
    const weights = new Float32Array(28);
    weights.fill(1, 0, 4);
    const setting = { inputs: FEATURES, rows: 8, validation: 20, weights };
    const training = { epochs: 1, batchSize: 4, optimizer: PLAIN_SGD };
    const order = (): Int32Array => Int32Array.from({ length: 8 }, (_, i) => i);
    const both = await trained(runtime, problem({ ...setting, training }), { order });
    expect(both.outcome).toBe('completed');
    const first = problem({ ...setting, training });
    const alone = { ...first, data: { ...first.data, train: first.data.train.slice(0, 4) } };
    expect(weightBytes(both)).toEqual(weightBytes(await trained(runtime, alone, { order })));
  });
});

describe('a run', () => {
  it('learns, and tells its history', async () => {
    const given = problem({ training: { epochs: 20, optimizer: { type: 'adam', learningRate: 0.02 } } });
    const { history, outputs, events } = await trained(runtime, given);
    expect(history.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(history.at(-1)!.train.accuracy).toBeGreaterThan(history[0].train.accuracy + 0.2);
    expect(history.at(-1)!.trainLoss).toBeLessThan(history[0].trainLoss / 2);
    for (const { train, validation, gap } of history) expect(gap).toBeCloseTo(train.accuracy - validation.accuracy, 12);
    expect(given.metrics(given.data.train, outputs.train)).toEqual(history.at(-1)!.train);
    expect(given.metrics(given.data.validation, outputs.validation)).toEqual(history.at(-1)!.validation);
    expect(events[0]).toMatchObject({ type: 'started', parameters: 37 * 6 + 6 + 6 * 3 + 3, stepsPerEpoch: 5 });
  });

  it('leaves frozen parameters as they are', async () => {
    const given = { ...problem({ training: { optimizer: PLAIN_SGD } }), frozen: ['dense1'] };
    const before = weightBytes(given);
    const after = weightBytes(await trained(runtime, given));
    expect(after['dense1.weight']).toBe(before['dense1.weight']);
    expect(after['dense1.bias']).toBe(before['dense1.bias']);
    expect(after['output.weight']).not.toBe(before['output.weight']);
  });

  it('stops when it is told to, and goes on from there to the same bytes', async () => {
    const given = problem({ model: SMOOTH_MLP, training: { epochs: 4 } });
    const whole = await trained(runtime, given);
    const controller = new AbortController();
    let epochs = 0;
    const cut = await trained(runtime, given, {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === 'epoch' && ++epochs === 2) controller.abort();
      },
    });
    expect(cut.outcome).toBe('cancelled');
    expect(cut.checkpoints).toHaveLength(1);
    expect(cut.checkpoints[0].progress).toMatchObject({ epoch: 2, batch: 0, step: 10 });
    const resumed = await trained(runtime, given, { resume: cut.checkpoints[0] });
    expect(weightBytes(resumed)).toEqual(weightBytes(whole));
  });

  it('refuses the checkpoint of another run', async () => {
    const training = { checkpointSeconds: 0 };
    const given = problem({ training });
    const [checkpoint] = (await trained(runtime, given)).checkpoints;
    const others = [
      problem({ training, seed: 2 }),
      problem({ training, model: { ...SMOOTH_MLP, hidden: [5] } }),
      problem({ training: { ...training, optimizer: { type: 'sgd' } } }),
      problem({ training, regularizers: [{ type: 'early-stopping' }] }),
    ];
    for (const other of others) {
      await expect(trained(runtime, other, { resume: checkpoint })).rejects.toMatchObject({
        code: 'CHECKPOINT_MISMATCH',
      });
    }
  });
});
