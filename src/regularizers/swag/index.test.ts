import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { difference, validationOutput } from '../../../test/support/predictive.js';
import { FEATURES, openRuntimes, problem, trained, weightsOf } from '../../../test/support/training-problem.js';
import type { Graph } from '../../graph/model.js';
import { derive } from '../../numeric/random.js';
import { collect, drawWeights, type Moments } from './posterior.js';

const golden = JSON.parse(readFileSync(new URL('./goldens/swag.json', import.meta.url), 'utf8')) as {
  rank: number;
  cases: { seen: number[][]; mean: number[]; covariance: number[][] }[];
};

describe.each(golden.cases)('$seen.length weights', ({ seen, mean, covariance }) => {
  const size = mean.length;
  /** Two tensors, as the reference has weight and bias. */
  const parts = [
    [0, 6],
    [6, 8],
  ];
  const tensors = new Map(
    parts.map(([from, to], i): [string, Moments] => {
      const length = to - from;
      const moments = {
        mean: new Float32Array(length).fill(9),
        spread: new Float32Array(length).fill(9),
        deviations: new Float32Array(golden.rank * length),
      };
      seen.forEach((weights, k) => {
        collect(moments, Float32Array.from(weights.slice(from, to)), k + 1);
      });
      return [`tensor ${i}`, moments];
    }),
  );
  const flat = (weights: ReadonlyMap<string, Float32Array>): number[] =>
    [...weights.values()].flatMap((values) => Array.from(values));

  it("have the reference implementation's mean", () => {
    const means = new Map([...tensors].map(([name, moments]) => [name, moments.mean]));
    expect(difference(flat(means), mean)).toBeLessThan(1e-6);
  });

  it("are drawn with the reference implementation's covariance, halved", () => {
    const draws = 40_000;
    const stream = derive('swag draws', seen.length);
    const sums = new Float64Array(size * size);
    for (let k = 0; k < draws; k++) {
      const drawn = flat(drawWeights(tensors, { count: seen.length, scale: 1, stream }));
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) sums[i * size + j] += (drawn[i] - mean[i]) * (drawn[j] - mean[j]);
      }
    }
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        // The deviation of a covariance of normal numbers: sqrt((vi vj + cij^2) / draws).
        const error = Math.sqrt((covariance[i][i] * covariance[j][j] + covariance[i][j] ** 2) / draws);
        expect(Math.abs(sums[i * size + j] / draws - covariance[i][j])).toBeLessThan(5 * error);
      }
    }
  });
});

describe('swag in a run', () => {
  const MLP = { type: 'mlp', hidden: [5], activation: 'tanh' };
  const training = { epochs: 6, optimizer: { type: 'sgd', learningRate: 0.1 } };

  it('evaluates the mean of the weights at the ends of the last epochs, as swa does', async () => {
    const { ffi } = await openRuntimes();
    const options = { inputs: FEATURES, model: MLP, training };
    const averaged = await trained(ffi, problem({ ...options, regularizers: [{ type: 'swa', strength: 0.5 }] }));
    const swag = await trained(ffi, problem({ ...options, regularizers: [{ type: 'swag', samples: 2 }] }));
    expect(swag.history.at(-1)!.validation.logLoss).toBeCloseTo(averaged.history.at(-1)!.validation.logLoss, 5);
    // Hardly any covariance: every network drawn is the mean.
    const narrow = [{ type: 'swag', strength: 1e-12, samples: 2 }];
    const { outputs } = await trained(ffi, problem({ ...options, regularizers: narrow }));
    const logs = (all: Float32Array): number[] =>
      Array.from(all, (value, i) => {
        const row = all.subarray(i - (i % 3), i - (i % 3) + 3);
        return value - Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
      });
    expect(difference(logs(outputs.validation), logs(averaged.outputs.validation))).toBeLessThan(1e-4);
  });

  it('collects as often in an epoch as it is told, and draws other networks by another seed', async () => {
    const { ffi } = await openRuntimes();
    const of = async (options: Record<string, unknown>, seed = 1): Promise<number[]> => {
      const regularizers = [{ type: 'swag', samples: 2, ...options }];
      const run = problem({ inputs: FEATURES, model: MLP, training, regularizers, seed });
      return Array.from((await trained(ffi, run)).outputs.validation);
    };
    const once = await of({});
    expect(await of({ perEpoch: 5 })).not.toEqual(once);
    expect(await of({}, 2)).not.toEqual(once);
    // More than there are steps is every step.
    expect(await of({ perEpoch: 1000 })).toEqual(await of({ perEpoch: 5 }));
  });

  it('takes running statistics anew for every network that it draws, and stores frozen weights once', async () => {
    const { ffi } = await openRuntimes();
    const run = problem({
      inputs: FEATURES,
      model: { ...MLP, hidden: [5, 4], normalization: 'batch' },
      training,
      regularizers: [{ type: 'swag', samples: 3 }],
    });
    const { graph } = await trained(ffi, { ...run, frozen: ['dense1'] });
    const tensors = [...graph.initializers].filter(([name]) => name.endsWith('norm4.mean'));
    expect(tensors).toHaveLength(3);
    expect(new Set(tensors.map(([, { data }]) => (data as Float32Array).join())).size).toBe(3);
    const firsts = [...graph.initializers.keys()].filter((name) => name.endsWith('dense1.weight'));
    expect(firsts).toEqual(['dense1.weight']);
    // What stands before any drawn weight has one set of statistics.
    expect([...graph.initializers.keys()].filter((name) => name.endsWith('norm2.mean'))).toHaveLength(3);
    const information = await validationOutput(ffi, run, graph, 'mutualInformation');
    expect(Math.max(...information)).toBeGreaterThan(0);
  });

  it('masks what is drawn as the network is masked', async () => {
    const { ffi } = await openRuntimes();
    const regularizers = [
      { type: 'pruning', strength: 0.5, start: 0, every: 1 },
      { type: 'swag', samples: 2 },
    ];
    const { graph } = await trained(ffi, problem({ inputs: FEATURES, model: MLP, training, regularizers }));
    const zeros = (name: string): number => {
      const data = (graph as Graph).initializers.get(name)!.data as Float32Array;
      return data.filter((value) => value === 0).length / data.length;
    };
    expect(zeros('sample.0.dense1.weight')).toBeGreaterThan(0.3);
    expect(zeros('sample.1.dense1.weight')).toBe(zeros('sample.0.dense1.weight'));
  });

  it('says when training ended before there was a posterior', async () => {
    const { ffi } = await openRuntimes();
    const regularizers = [{ type: 'swag' }, { type: 'early-stopping', patience: 1, minDelta: 10 }];
    const result = await trained(ffi, problem({ training: { epochs: 20 }, regularizers }));
    expect(result.findings.map(({ code }) => code)).toContain('SWAG_NOT_REACHED');
    expect(weightsOf(result).every(Number.isFinite)).toBe(true);
    expect([...result.graph.initializers.keys()].some((name) => name.startsWith('sample.'))).toBe(false);
  });
});
