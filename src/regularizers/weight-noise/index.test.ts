import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { expectNormal } from '../../../test/support/normal-numbers.js';
import { FEATURES, openRuntimes, problem, SMOOTH_MLP, trained } from '../../../test/support/training-problem.js';
import { float32, sizeOf } from '../../graph/tensor.js';
import type { Parameter, Setting } from '../regularizer.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { weightNoise } from './index.js';

type Entry = Readonly<Record<string, unknown>>;

const optionsOf = (entry: Entry): never => resolveEntry({ type: 'weight-noise', ...entry }, 'here').options as never;

/** A weight of 2 everywhere, as the network sees it. */
async function noisy(
  entry: Entry,
  { role = 'weight' as Parameter['role'], phase = 'training' as 'training' | 'inference', strength = 0.3 } = {},
): Promise<number[]> {
  const parameter: Parameter = { name: 'w', role, shape: [200, 100] };
  const { y } = await computed(
    { w: float32(parameter.shape, new Float32Array(sizeOf(parameter.shape)).fill(2)), s: float32([], [strength]) },
    (computation) => ({
      y: weightNoise.hooks.weight!(
        stepContext(computation, computation.inputs.s, { inputs: [], batchSize: 1, phase }),
        optionsOf(entry),
        { parameter, value: computation.inputs.w },
      ),
    }),
  );
  return y;
}

describe('weight-noise', () => {
  it('is normal: of the strength, or of the strength times the weight', async () => {
    expectNormal(await noisy({}), { mean: 2, deviation: 0.3, lags: [1, 100, 101] });
    expectNormal(await noisy({ kind: 'multiplicative' }), { mean: 2, deviation: 0.6, lags: [1, 100, 101] });
  });

  it('touches what is included, and in training only', async () => {
    const still = new Set([2]);
    for (const role of ['bias', 'norm', 'embedding'] as const) {
      expect(new Set(await noisy({}, { role }))).toEqual(still);
      expect(new Set(await noisy({ include: ['weight', role] }, { role })).size).toBeGreaterThan(1000);
    }
    expect(new Set(await noisy({ include: ['weight', 'bias'] }, { role: 'auxiliary' }))).toEqual(still);
    expect(new Set(await noisy({}, { phase: 'inference' }))).toEqual(still);
  });
});

/** Values of `of` at many draws of one row of weights, [draws]. */
async function draws(
  entry: Entry,
  weights: readonly number[],
  x: readonly number[],
  strength: number,
  of: (outputs: readonly number[]) => number[],
): Promise<{ mean: number; error: number }> {
  const count = 200_000;
  const columns = weights.flatMap((weight) => new Array<number>(count).fill(weight));
  const parameter: Parameter = { name: 'w', role: 'weight', shape: [weights.length, count] };
  const { y } = await computed(
    { x: float32([1, x.length], x), w: float32(parameter.shape, columns), s: float32([], [strength]) },
    (computation) => {
      const { b, inputs } = computation;
      const context = stepContext(computation, inputs.s, { inputs: [], batchSize: 1 });
      const value = weightNoise.hooks.weight!(context, optionsOf(entry), { parameter, value: inputs.w });
      return { y: b.matMul(inputs.x, value) };
    },
  );
  const values = of(y);
  const mean = values.reduce((a, b) => a + b) / count;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count);
  return { mean, error: spread / Math.sqrt(count) };
}

describe('the loss that weight-noise expects', () => {
  const [x, w, target, s] = [[1.5, -0.5, 2], [0.3, -1.2, 0.4], 0.7, 0.6];
  const clean = x.reduce((sum, value, i) => sum + value * w[i], 0) - target;
  const squared = (outputs: readonly number[]): number[] => outputs.map((value) => (value - target) ** 2);

  it.each([
    ['additive', x.reduce((sum, value) => sum + value ** 2, 0)],
    ['multiplicative', x.reduce((sum, value, i) => sum + (value * w[i]) ** 2, 0)],
  ])('of a linear layer under squared error has the closed form: %s', async (kind, squares) => {
    const { mean, error } = await draws({ kind }, w, x, s, squared);
    expect(s ** 2 * squares).toBeGreaterThan(100 * error);
    expect(Math.abs(mean - (clean ** 2 + s ** 2 * squares))).toBeLessThan(5 * error);
  });

  const { cases } = JSON.parse(readFileSync(new URL('./goldens/weight-noise.json', import.meta.url), 'utf8')) as {
    cases: { kind: string; weight: number; x: number; deviation: number; loss: number; clean: number }[];
  };
  it.each(cases)("is scipy's integral of the logistic loss: $kind $deviation", async (golden) => {
    const { mean, error } = await draws(
      { kind: golden.kind },
      [golden.weight],
      [golden.x],
      golden.deviation,
      (outputs) => outputs.map((value) => Math.log1p(Math.exp(-value))),
    );
    expect(golden.loss - golden.clean).toBeGreaterThan(20 * error);
    expect(Math.abs(mean - golden.loss)).toBeLessThan(5 * error);
  });
});

describe('weight-noise in a run', () => {
  const STILL = { epochs: 1, optimizer: { type: 'sgd', learningRate: 1e-30, momentum: 0 } };

  it('evaluates and exports the weights themselves', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({ regularizers: [{ type: 'weight-noise', strength: 1 }], training: STILL });
    const still = await trained(ffi, given);
    expect(still.outputs).toEqual((await trained(ffi, { ...given, regularizers: [] })).outputs);
    expect(still.graph.nodes).toEqual(given.graph.nodes);
  });

  it('takes running statistics of the weights themselves', async () => {
    const { ffi } = await openRuntimes();
    const model = { ...SMOOTH_MLP, normalization: 'batch' };
    const statistics = async (strength: number): Promise<number[]> => {
      const regularizers = [{ type: 'weight-noise', strength }];
      const { graph } = await trained(ffi, problem({ inputs: FEATURES, model, regularizers, training: STILL }));
      return [...graph.initializers].flatMap(([name, { data }]) =>
        /\.(mean|variance)$/.test(name) ? Array.from(data, Number) : [],
      );
    };
    const [little, much] = [await statistics(1e-6), await statistics(2)];
    expect(little.length).toBe(12);
    much.forEach((value, i) => {
      expect(value).toBeCloseTo(little[i], 5);
    });
  });
});

describe('conflicts of weight-noise', () => {
  const codes = (entry: Entry, setting: Partial<Setting>): string[] =>
    findConflicts({
      active: [resolveEntry({ type: 'weight-noise', ...entry }, 'here')],
      task: 'classification',
      inputs: [],
      columns: [],
      operators: [],
      parameters: [],
      ...setting,
    } as unknown as Setting).map(({ code }) => code);

  it('are normalizations that undo it, and linear regression that does not feel it', () => {
    const normalized = { operators: ['Gemm', 'BatchNormalization', 'Relu', 'Gemm'] };
    expect(codes({}, normalized)).toEqual(['WEIGHT_NOISE_BEFORE_NORMALIZATION']);
    expect(codes({ kind: 'multiplicative' }, normalized)).toEqual([]);
    expect(codes({}, { task: 'regression', operators: ['Gemm'], sites: [] })).toEqual([
      'WEIGHT_NOISE_ON_LINEAR_REGRESSION',
    ]);
    expect(codes({ kind: 'multiplicative' }, { task: 'regression', operators: ['Gemm'], sites: [] })).toEqual([]);
    expect(codes({}, { operators: ['Gemm', 'Relu', 'Gemm'] })).toEqual([]);
  });
});
