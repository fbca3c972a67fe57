import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { entropyOf } from '../confidence-penalty/index.js';
import { defineRegularizer } from '../regularizer.js';

/** -log of the largest probability of each row of logits: [batch]. */
function largestLoss(b: GraphBuilder, logits: Value): Value {
  return b.neg(b.reduceMax(b.logSoftmax(logits), [1]));
}

export const bootstrapping = defineRegularizer({
  type: 'bootstrapping',
  title: 'Bootstrapping',
  technique: 'T13',
  summary:
    "Takes part of each target from the network's own prediction, so that it need not follow labels it has reason to doubt.",
  strength: { unit: 'share 1 - beta', default: 0.05, range: [0.02, 0.5], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({
    mode: z
      .enum(['soft', 'hard'])
      .default('soft')
      .describe('What is believed of the prediction: all probabilities, or the largest class'),
  }),
  hooks: {
    // -sum_c (beta t_c + (1 - beta) q_c) log p_c, q = p (whose gradient counts) or the class of its maximum.
    losses({ b, strength }, { mode }, losses, { logits }) {
      const own = mode === 'soft' ? entropyOf(b, logits) : largestLoss(b, logits);
      return b.add(b.mul(losses, b.sub(1, strength)), b.mul(own, strength));
    },
  },
  needs: { classes: true },
  cost: { training: 'four passes over the logits a step', inference: 'none' },
  fails: [
    'From the first step on: the network believes itself before it knows anything; give it a schedule.',
    'It makes predictions sharper, whether they are right or not: look at the reliability diagram.',
    'Noise that depends on the class: the network learns it and then believes itself.',
  ],
  dataSize: 'Most with many rows and label noise of 20 % and more.',
  references: [
    'Reed et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, ICLR workshop 2015 (beta 0.95 soft, 0.8 hard)',
  ],
});
