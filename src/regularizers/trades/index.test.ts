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
import { divergence } from '../threat.js';
import { mostDivergent } from './index.js';

describe('TRADES', () => {
  it.each(ATTACK_GOLDENS.trades.map((golden) => ({ ...golden, title: golden.norm })))(
    "has PyTorch's points, objective and gradients: $title",
    async ({ norm, epsilon, steps, stepSize, beta, points, loss, gradients }) => {
      const found = await computed(ATTACK_FEEDS, ({ b, inputs }) => {
        const network = goldenNetwork(b, inputs);
        const options = { norm, epsilon, steps, stepSize };
        const worst = mostDivergent({ b, network }, options, { x: inputs.x }, () => inputs.noise);
        const there = network(worst).logits;
        const objective = b.mul(b.reduceMean(divergence(b, network({ x: inputs.x }).logits, there)), beta);
        return { points: worst.x, loss: objective, ...parameterGradients(b, objective, inputs) };
      });
      // PyTorch's renorm divides by the length plus 1e-7.
      const tolerance = norm === 'l2' ? 1e-5 : 1e-9;
      expect(worstOf(found.points, points)).toBeLessThan(tolerance);
      expect(found.loss[0] / loss).toBeCloseTo(1, norm === 'l2' ? 5 : 9);
      PARAMETER_NAMES.forEach((name, i) => {
        expect(worstOf(found[name], gradients[i])).toBeLessThan(tolerance);
      });
    },
  );
});
