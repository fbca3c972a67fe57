import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { penalizedRoles } from '../options.js';
import { defineRegularizer, penalizes } from '../regularizer.js';

/**
 * prox of t |w|: sign(w) max(|w| - t, 0). Weights below the threshold become exactly zero.
 *
 * @param threshold a scalar, or one a weight
 */
export function softThreshold(b: GraphBuilder, w: Value, threshold: Operand): Value {
  // w - clip(w, -t, t): two passes, and exact zeros.
  const t = typeof threshold === 'number' ? b.scalar(threshold, w.type) : threshold;
  return b.sub(w, b.maximum(b.minimum(w, t), b.neg(t)));
}

export const l1 = defineRegularizer({
  type: 'l1',
  title: 'L1 (lasso)',
  technique: 'T1',
  summary:
    'Adds lambda times the sum of absolute weights, by a proximal step after each update: weights become exactly zero.',
  strength: { unit: 'coefficient lambda', default: 1e-4, range: [1e-6, 1e-1], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({ include: penalizedRoles }),
  hooks: {
    proximal: (context, { include }, { parameter }, proposed) =>
      penalizes(parameter, include)
        ? softThreshold(context.b, proposed, context.b.mul(context.stepSize, context.strength))
        : proposed,
  },
  cost: {
    training: 'four element-wise passes over the weights a step (about 1 ns a weight)',
    inference: 'none; zeros save bytes only when packed',
  },
  fails: [
    'Correlated features: it keeps one of a group at random and drops the rest (elastic-net keeps them together).',
    'Too strong: useful features are removed (X17).',
    'Adaptive optimizers: the threshold of a weight is large where its gradients are small, so that rarely used features are the first to go.',
  ],
  dataSize: 'Strongest effect where features outnumber rows.',
  references: [
    'Tibshirani, Regression Shrinkage and Selection via the Lasso, JRSS B 1996',
    'Parikh and Boyd, Proximal Algorithms, 2014, section 6.5.2',
    'Yun, Lozano and Yang, Adaptive Proximal Gradient Methods for Structured Neural Networks, NeurIPS 2021 (the threshold of a weight under Adam)',
    'scikit-learn Lasso: its alpha is our strength when the loss is half the mean squared error',
  ],
});
