import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { sideBySide } from '../members.js';
import { defineRegularizer } from '../regularizer.js';
import { withoutWarmUp } from '../small-loss/index.js';
import { keepSmallest } from '../small-loss/ranks.js';

/**
 * Half the mean of each network's losses over the rows that the other finds smallest, as one loss a row: [batch].
 *
 * @param share of the batch that each network drops
 */
export function crossLosses(b: GraphBuilder, [first, second]: readonly Value[], share: Operand): Value {
  const chosen = [first, second].map((losses) => keepSmallest(b, losses, share));
  const sum = b.add(b.mul(chosen[1], first), b.mul(chosen[0], second));
  return b.div(sum, b.mul(b.sub(1, share), 2));
}

export const coTeaching = defineRegularizer({
  type: 'co-teaching',
  title: 'Co-teaching',
  technique: 'T13',
  summary:
    'Trains two networks side by side, each on the rows that the other finds easiest, so that neither confirms its own mistakes.',
  strength: { unit: 'share dropped', default: 0.2, range: [0.05, 0.5], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({}),
  hooks: {
    architecture: (context, _options, graph) => sideBySide(graph, 2, context),
    memberLosses: ({ b, strength }, _options, losses) => crossLosses(b, losses, strength),
  },
  needs: { classes: true, labels: true },
  conflicts: (self) => withoutWarmUp(self),
  cost: {
    training: 'two networks and two sorts a step: twice the plain step',
    inference: 'two networks: twice the model',
  },
  fails: [
    'Clean labels: the rows dropped are the hard and rare ones, from which there is most to learn.',
    'From the first step on: losses say nothing yet; give it a schedule.',
    'Late in training the two networks agree, and it becomes small-loss selection: stop early.',
    'A share far from that of the wrong labels: too small learns them, too large loses hard rows.',
  ],
  dataSize: 'Most with many rows and label noise of 20 % and more.',
  references: [
    'Han et al., Co-teaching: Robust Training of Deep Neural Networks with Extremely Noisy Labels, NeurIPS 2018',
    'bhanML/Co-teaching (forget rate = noise rate, linear over 10 epochs)',
  ],
});
