import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { defineRegularizer } from '../regularizer.js';

/** Entropy -sum p log p of each row of logits, in nats: [batch]. */
export function entropyOf(b: GraphBuilder, logits: Value): Value {
  const logP = b.logSoftmax(logits);
  return b.neg(b.reduceSum(b.mul(b.exp(logP), logP), [1]));
}

export const confidencePenalty = defineRegularizer({
  type: 'confidence-penalty',
  title: 'Confidence penalty',
  technique: 'T11',
  summary: 'Takes lambda times the entropy of the prediction off the loss, so that the network pays for being sure.',
  strength: { unit: 'coefficient lambda', default: 0.1, range: [0.01, 2], scale: 'log', limits: [0, 100] },
  options: z.strictObject({
    threshold: z
      .number()
      .gt(0)
      .optional()
      .describe('Entropy in nats above which a row pays nothing; all rows pay unless given'),
  }),
  hooks: {
    objective: ({ b, strength }, { threshold }, _weights, { logits }) => {
      const entropy = entropyOf(b, logits);
      const price = threshold === undefined ? b.neg(entropy) : b.relu(b.sub(threshold, entropy));
      return b.mul(b.reduceMean(price), strength);
    },
  },
  needs: { classes: true },
  cost: { training: 'four passes over the logits a step', inference: 'none' },
  fails: [
    'Well calibrated models become underconfident: look at the reliability diagram.',
    'With label-smoothing it does the same twice.',
    'Rows are not told apart: mislabelled and hard rows are made no less sure than easy ones.',
  ],
  dataSize: 'Reported small but steady at any size.',
  references: [
    'Pereyra et al., Regularizing Neural Networks by Penalizing Confident Output Distributions, ICLR workshop 2017 (0.1 on MNIST; the threshold)',
  ],
});
