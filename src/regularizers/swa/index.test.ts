import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { describeStep } from '../../../test/support/stepper.js';
import { FEATURES, MIXED, openRuntimes, problem, trained, weightsOf } from '../../../test/support/training-problem.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import { sgd } from '../../training/optimizers.js';
import { boundData } from '../../training/preparation.js';
import { StepProgram } from '../../training/program.js';
import { RunningStatistics } from '../../training/statistics.js';
import { epochsBefore, rateFactor } from './index.js';

interface Goldens extends Readonly<Record<'x' | 'weight' | 'bias' | 'mean' | 'variance', number[]>> {
  readonly rows: number;
  readonly batch: number;
}

const golden = JSON.parse(readFileSync(new URL('./goldens/statistics.json', import.meta.url), 'utf8')) as Goldens;
const BATCH_NORM = { type: 'mlp', hidden: [5], normalization: 'batch' };

describe('when to average', () => {
  it('is the last share of the epochs, one at least', () => {
    expect(epochsBefore(100, 0.25)).toBe(75);
    expect(epochsBefore(3, 0.1)).toBe(2);
    expect(epochsBefore(8, 1)).toBe(0);
  });

  it('goes to the rate of averaging by a cosine, as SWALR', () => {
    // torch.optim.swa_utils.SWALR(swa_lr=0.5, anneal_epochs=4) from a rate of 1: its rates by epoch.
    const options = { factor: 0.5, anneal: 4 };
    const rates = [0, 1, 2, 3, 4, 9].map((done) => Number(rateFactor(done, options).toFixed(6)));
    expect(rates).toEqual([1, 0.926777, 0.75, 0.573223, 0.5, 0.5]);
    expect(rateFactor(-1, options)).toBe(1);
  });
});

describe('running statistics taken anew', () => {
  it("are those of PyTorch's update_bn", async () => {
    const { ffi } = await openRuntimes();
    const base = problem({
      inputs: FEATURES,
      model: BATCH_NORM,
      rows: golden.rows,
      validation: 0,
      training: { batchSize: golden.batch },
    });
    const weights: [string, Tensor][] = [
      ['dense1.weight', float32([7, 5], golden.weight)],
      ['dense1.bias', float32([5], golden.bias)],
    ];
    const given = {
      ...base,
      graph: { ...base.graph, initializers: new Map([...base.graph.initializers, ...weights]) },
      data: { ...base.data, inputs: { features: float32([golden.rows, 7], golden.x) } },
    };
    const description = describeStep(given, sgd({ momentum: 0, nesterov: false }));
    const bound = boundData(ffi, given.data);
    const context = { data: bound, seed: 1, strengthAt: () => 0, rateAt: () => 1 };
    const { program, state } = await StepProgram.create(ffi, description, context, { threads: 1 });
    const statistics = await RunningStatistics.create(ffi, description, bound, state, { threads: 1 });
    const found = await statistics.over(given.data.train, () => 0);
    golden.mean.forEach((value, i) => {
      expect(found.get('norm2.mean')![i]).toBeCloseTo(value, 5);
    });
    golden.variance.forEach((value, i) => {
      expect(found.get('norm2.variance')![i]).toBeCloseTo(value, 5);
    });
    for (const part of [statistics, program, state]) part.release();
  });
});

describe('swa in a run', () => {
  it('takes statistics of the real rows where a batch holds more than there are of them', async () => {
    const { ffi } = await openRuntimes();
    const { outcome, history } = await trained(
      ffi,
      problem({
        inputs: FEATURES,
        model: BATCH_NORM,
        rows: 24,
        training: { batchSize: 64 },
        regularizers: [
          { type: 'gaussian-copula', strength: 2 },
          { type: 'swa', strength: 1 },
        ],
      }),
    );
    expect(outcome).toBe('completed');
    expect(Number.isFinite(history.at(-1)!.train.logLoss)).toBe(true);
  });

  const training = { epochs: 4, checkpointSeconds: 0 };

  it('is the mean of the weights at the ends of the last epochs', async () => {
    const { ffi } = await openRuntimes();
    const options = { inputs: MIXED, training };
    const ends = await Promise.all(
      [3, 4].map(async (epochs) =>
        weightsOf(await trained(ffi, problem({ ...options, training: { ...training, epochs } }))),
      ),
    );
    const averaged = await trained(ffi, problem({ ...options, regularizers: [{ type: 'swa', strength: 0.5 }] }));
    weightsOf(averaged).forEach((value, i) => {
      expect(value).toBeCloseTo((ends[0][i] + ends[1][i]) / 2, 6);
    });
  });

  it('says when training ended before there was anything to average', async () => {
    const { ffi } = await openRuntimes();
    const regularizers = [
      { type: 'swa', strength: 0.25 },
      { type: 'early-stopping', patience: 1, minDelta: 10 },
    ];
    const { findings } = await trained(ffi, problem({ training: { epochs: 20 }, regularizers }));
    expect(findings.map(({ code }) => code)).toContain('SWA_NOT_REACHED');
  });
});
