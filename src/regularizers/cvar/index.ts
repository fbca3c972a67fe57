import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { defineRegularizer } from '../regularizer.js';
import { ranksOf } from '../small-loss/ranks.js';

/**
 * 1 for the (1 - level) of the rows with the largest losses, the last of them in part, else 0: [batch]. The mean of the
 * losses under these weights is their conditional value at risk.
 */
export function tailWeights(b: GraphBuilder, losses: Value, level: Operand): Value {
  return b.detached(() => {
    const [count] = losses.shape;
    const fromTop = b.sub(count - 1, ranksOf(b, losses));
    return b.clip(b.sub(b.mul(b.sub(1, level), count), fromTop), 0, 1);
  });
}

export const cvar = defineRegularizer({
  type: 'cvar',
  title: 'CVaR',
  technique: 'T24',
  summary:
    'Trains on the worst part of each batch (conditional value at risk): for whoever is served badly, known or not.',
  strength: { unit: 'level', default: 0.5, range: [0.1, 0.95], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({}),
  hooks: {
    rowWeights: ({ b, strength }, _options, weights, { losses }) => b.mul(weights, tailWeights(b, losses, strength)),
  },
  needs: { labels: true },
  cost: { training: 'one sort of the losses of a batch', inference: 'none' },
  fails: [
    'Wrong labels and outliers are the tail: it trains on little else.',
    'High levels with small batches: a few rows lead, and steps are noisy.',
    'Average quality and calibration fall; probabilities are drawn to the middle.',
    'Where groups are known, group-dro asks more precisely.',
  ],
  dataSize: 'Most where a minority without a name is served badly and rows are many.',
  references: [
    'Rockafellar and Uryasev, Optimization of Conditional Value-at-Risk, Journal of Risk 2000',
    'Levy et al., Large-Scale Methods for Distributionally Robust Optimization, NeurIPS 2020 (mini-batch estimator)',
  ],
});
