import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { worstOf } from '../../../test/support/attack-goldens.js';
import { computed } from '../../../test/support/computed.js';
import { openRuntimes, PICTURES, problem, SMALL_CNN, trained } from '../../../test/support/training-problem.js';
import { gradients } from '../../graph/gradients.js';
import { float64 } from '../../graph/tensor.js';
import { maskedWeight } from './index.js';
import { cubicSparsity, writeMasks } from './masks.js';

interface Goldens {
  readonly tensors: readonly { readonly shape: readonly number[]; readonly weight: readonly number[] }[];
  readonly cases: readonly {
    readonly scope: 'global' | 'layer';
    readonly structure: 'weights' | 'channels';
    readonly sparsity: number;
    readonly masks: readonly (readonly number[])[];
  }[];
  readonly movement: Readonly<
    Record<'x' | 'w' | 'scores' | 'mask' | 'gradientOfWeight' | 'gradientOfScores', readonly number[]>
  >;
}

const GOLDENS = JSON.parse(readFileSync(new URL('goldens/pruning.json', import.meta.url), 'utf8')) as Goldens;

describe('the schedule', () => {
  it("is Zhu and Gupta's: s_f - s_f (1 - (t - t0) / n)^3", () => {
    const schedule = { start: 2, end: 10, final: 0.9 };
    expect(cubicSparsity(1.99, schedule)).toBe(0);
    for (const t of [2, 3, 5, 8, 10]) {
      expect(cubicSparsity(t, schedule)).toBeCloseTo(0.9 + (0 - 0.9) * (1 - (t - 2) / 8) ** 3, 12);
    }
    expect(cubicSparsity(11, schedule)).toBe(0.9);
    expect(cubicSparsity(0, { start: 0, end: 0, final: 0.5 })).toBe(0.5);
  });
});

describe('what is pruned', () => {
  it.each(
    GOLDENS.cases.map((golden) => ({ ...golden, title: `${golden.structure} ${golden.scope} ${golden.sparsity}` })),
  )('is what torch.nn.utils.prune chooses: $title', ({ scope, structure, sparsity, masks }) => {
    const tensors = GOLDENS.tensors.map(({ shape, weight }) => ({
      shape,
      unitAxis: 0,
      worth: Float32Array.from(weight, Math.abs),
      mask: new Float32Array(weight.length),
    }));
    writeMasks(tensors, sparsity, { scope, structure });
    tensors.forEach(({ mask }, t) => {
      expect(Array.from(mask)).toEqual(masks[t]);
    });
  });

  it('leaves every layer something', () => {
    const small = { shape: [2, 2], worth: new Float32Array(4).fill(0.1), mask: new Float32Array(4) };
    const large = { shape: [2, 2], worth: new Float32Array(4).fill(1), mask: new Float32Array(4) };
    writeMasks([small, large], 0.75, { scope: 'global', structure: 'weights' });
    expect(small.mask.reduce((a, b) => a + b)).toBe(1);
    expect(large.mask.reduce((a, b) => a + b)).toBe(2);
  });

  it('has the gradients of movement pruning in PyTorch', async () => {
    const { x, w, scores, mask, gradientOfWeight, gradientOfScores } = GOLDENS.movement;
    const feeds = {
      x: float64([7, 6], x),
      w: float64([6, 4], w),
      s: float64([6, 4], scores),
      m: float64([6, 4], mask),
    };
    const found = await computed(feeds, ({ b, inputs }) => {
      const y = b.tanh(b.matMul(inputs.x, maskedWeight(b, inputs.w, inputs.m, inputs.s)));
      const [gw, gs] = gradients(b, b.reduceSum(b.mul(y, y)), [inputs.w, inputs.s]);
      return { w: gw!, s: gs! };
    });
    expect(worstOf(found.w, gradientOfWeight)).toBeLessThan(1e-10);
    expect(worstOf(found.s, gradientOfScores)).toBeLessThan(1e-10);
  });
});

describe('a pruned run', () => {
  const zerosOf = (values: Float32Array): number => values.filter((value) => value === 0).length / values.length;

  it.each(['magnitude', 'movement'])('exports exactly the share of zeros asked for: %s', async (criterion) => {
    const { ffi } = await openRuntimes();
    const given = problem({
      regularizers: [{ type: 'pruning', strength: 0.7, criterion, every: 3 }],
      training: { epochs: 8 },
      model: { type: 'mlp', hidden: [12, 10] },
    });
    const { graph, findings } = await trained(ffi, given);
    const weights = [...graph.initializers].filter(([name]) => name.endsWith('.weight'));
    const total = weights.reduce((sum, [, { data }]) => sum + data.length, 0);
    const zeros = weights.reduce((sum, [, { data }]) => sum + zerosOf(data as Float32Array) * data.length, 0);
    expect(zeros / total).toBeCloseTo(0.7, 2);
    expect(findings.map(({ code }) => code)).toContain('PRUNED');
  });

  it('removes whole channels but those of the last layer', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({
      inputs: PICTURES,
      model: SMALL_CNN,
      regularizers: [{ type: 'pruning', strength: 0.5, structure: 'channels', scope: 'layer' }],
      training: { epochs: 4 },
    });
    const { graph, findings } = await trained(ffi, given);
    const conv = graph.initializers.get('conv1.weight')!;
    const size = conv.data.length / conv.shape[0];
    const units = Array.from({ length: conv.shape[0] }, (_, c) =>
      zerosOf((conv.data as Float32Array).subarray(c * size, (c + 1) * size)),
    );
    expect(units.sort()).toEqual([0, 0, 1, 1]);
    expect(zerosOf(graph.initializers.get('output.weight')!.data as Float32Array)).toBe(0);
    // Units are counted, not weights: four of the convolution and six of the hidden layer.
    const [found] = findings.filter(({ code }) => code.startsWith('PRUN'));
    expect(found).toMatchObject({
      code: 'PRUNED',
      message: 'pruning: 50.0 % of 10 units before the last layer are zero, and 50.0 % were wanted',
    });
    expect(found.remedy).not.toMatch(/structure: channels/);
  });
});
