import { describe, expect, it } from 'vitest';
import {
  ATTACK_FEEDS,
  ATTACK_GOLDENS,
  goldenNetwork,
  PARAMETER_NAMES,
  parameterGradients,
  worstOf,
} from '../../../test/support/attack-goldens.js';
import { computed } from '../../../test/support/computed.js';
import { openRuntimes, problem, trained, weightBytes } from '../../../test/support/training-problem.js';
import { detachedCopy } from '../../evaluation/attacks/perturb.js';
import { float64 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { divergence } from '../threat.js';
import { virtualAdversarial } from './index.js';

describe('virtual adversarial training', () => {
  it.each(ATTACK_GOLDENS.vat.map((golden) => ({ ...golden, title: `${golden.iterations} iterations` })))(
    "has PyTorch's points, objective and gradients: $title",
    async ({ epsilon, iterations, xi, alpha, points, loss, gradients }) => {
      const found = await computed(ATTACK_FEEDS, ({ b, inputs }) => {
        const network = goldenNetwork(b, inputs);
        const { logits } = detachedCopy(b, { logits: network({ x: inputs.x }).logits });
        const given = { epsilon, iterations, xi };
        const near = virtualAdversarial({ b, network }, given, { x: inputs.x }, logits, { x: inputs.noise });
        const objective = b.mul(b.reduceMean(divergence(b, logits, network(near).logits)), alpha);
        return { points: near.x, loss: objective, ...parameterGradients(b, objective, inputs) };
      });
      expect(worstOf(found.points, points)).toBeLessThan(1e-8);
      expect(found.loss[0] / loss).toBeCloseTo(1, 8);
      PARAMETER_NAMES.forEach((name, i) => {
        expect(worstOf(found[name], gradients[i])).toBeLessThan(1e-8);
      });
    },
  );

  it('finds the dominant eigenvector of the Fisher matrix of a linear model', async () => {
    // The Hessian of KL(p(x) || p(x + r)) at r = 0 is W (diag p - p p') W'.
    const [width, classes] = [6, 4];
    const stream = derive('virtual-adversarial');
    const w = Array.from({ length: width * classes }, () => stream.normal());
    const x = Array.from({ length: width }, () => stream.normal());
    const logits = Array.from({ length: classes }, (_, c) => x.reduce((sum, v, d) => sum + v * w[d * classes + c], 0));
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    const p = logits.map((z) => Math.exp(z) / total);
    const fisher = (v: readonly number[]): number[] => {
      const u = p.map((_, c) => v.reduce((sum, value, d) => sum + value * w[d * classes + c], 0));
      const mean = u.reduce((sum, value, c) => sum + p[c] * value, 0);
      return v.map((_, d) => p.reduce((sum, share, c) => sum + w[d * classes + c] * share * (u[c] - mean), 0));
    };
    let top = x.slice();
    for (let i = 0; i < 500; i++) {
      const next = fisher(top);
      top = next.map((value) => value / Math.hypot(...next));
    }
    const feeds = {
      x: float64([1, width], x),
      w: float64([width, classes], w),
      d: float64(
        [1, width],
        Array.from({ length: width }, () => stream.normal()),
      ),
    };
    const { found } = await computed(feeds, ({ b, inputs }) => {
      const network = ({ x: at }: Record<string, typeof inputs.x>) => ({
        logits: b.matMul(at, inputs.w),
        activations: [],
        features: undefined,
        members: [],
      });
      const given = { epsilon: 1, iterations: 30, xi: 1e-4 };
      const clean = b.matMul(inputs.x, inputs.w);
      const near = virtualAdversarial({ b, network }, given, { x: inputs.x }, clean, { x: inputs.d });
      return { found: b.sub(near.x, inputs.x) };
    });
    expect(Math.abs(found.reduce((sum, value, d) => sum + value * top[d], 0))).toBeGreaterThan(1 - 1e-4);
  });

  it('acts on rows without a label: those of weight 0', async () => {
    const { ffi } = await openRuntimes();
    const weights = Float32Array.from({ length: 60 }, () => 0);
    const given = problem({ weights, regularizers: [{ type: 'virtual-adversarial', strength: 1 }] });
    const smoothed = weightBytes(await trained(ffi, given));
    expect(smoothed).not.toEqual(weightBytes(await trained(ffi, { ...given, regularizers: [] })));
  });
});
