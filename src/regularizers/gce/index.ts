import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { defineRegularizer } from '../regularizer.js';

/** Below this size of q log p the difference 1 - p^q loses digits, and the series is exact to the last of float32. */
const SERIES_BELOW = 0.1;

/** (e^x - 1) / x, 1 at 0. */
function relativeGrowth(b: GraphBuilder, x: Value): Value {
  const small = b.less(b.abs(x), SERIES_BELOW);
  // Each side sees only arguments at which it and its derivative are finite.
  const inside = b.where(small, x, 0);
  const outside = b.where(small, 1, x);
  let series: Value = b.add(b.div(inside, 8), 1);
  for (const n of [7, 6, 5, 4, 3, 2]) series = b.add(b.mul(series, b.div(inside, n)), 1);
  return b.where(small, series, b.div(b.sub(b.exp(outside), 1), outside));
}

/**
 * sum_c t_c (1 - p_c^q) / q of each row, p = softmax(logits): [batch]. Cross-entropy at q = 0, the mean absolute error
 * of the probability at q = 1.
 */
function gceLosses(b: GraphBuilder, logits: Value, targets: Value, q: Operand): Value {
  const logP = b.logSoftmax(logits);
  return b.neg(b.reduceSum(b.mul(targets, b.mul(logP, relativeGrowth(b, b.mul(logP, q)))), [1]));
}

export const gce = defineRegularizer({
  type: 'gce',
  title: 'Generalized cross-entropy',
  technique: 'T13',
  summary:
    'Takes (1 - p^q) / q for the loss of a row: between cross-entropy and absolute error, so that wrong labels pull less.',
  strength: { unit: 'exponent q', default: 0.7, range: [0.1, 1], scale: 'linear', limits: [0, 1] },
  options: z.strictObject({}),
  hooks: {
    losses: ({ b, strength }, _options, _losses, { logits, targets }) => gceLosses(b, logits, targets, strength),
  },
  needs: { classes: true },
  cost: { training: 'some twenty passes over the logits a step', inference: 'none' },
  fails: [
    'Clean labels: rows that are hard but right are given up like wrong ones.',
    'Many classes with q near 1: gradients are so small at the start that training hardly begins.',
    'Minority classes: their rows start with large losses and are the first to be given up.',
  ],
  dataSize: 'Most with many rows and symmetric label noise of 20 % and more.',
  references: [
    'Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, NeurIPS 2018 (q = 0.7)',
  ],
});
