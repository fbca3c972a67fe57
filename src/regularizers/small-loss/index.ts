import { z } from 'zod';
import type { Conflict, StrengthSchedule } from '../regularizer.js';
import { defineRegularizer } from '../regularizer.js';
import { keepSmallest } from './ranks.js';

export const smallLoss = defineRegularizer({
  type: 'small-loss',
  title: 'Small-loss selection',
  technique: 'T13',
  summary: 'Trains each step on the rows of the batch with the smallest losses: networks learn wrong labels last.',
  strength: { unit: 'share dropped', default: 0.2, range: [0.05, 0.5], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({
    within: z
      .enum(['batch', 'class'])
      .default('batch')
      .describe('Whether rows compete with the whole batch, or with those of their own class'),
  }),
  hooks: {
    rowWeights({ b, strength }, { within }, weights, { losses, batch }) {
      const members = within === 'class' ? batch.target : undefined;
      return b.mul(weights, keepSmallest(b, losses, strength, members));
    },
  },
  needs: { classes: true, labels: true },
  conflicts: (self) => withoutWarmUp(self),
  cost: { training: 'one sort of the losses of a batch', inference: 'none' },
  fails: [
    'Clean labels: the rows dropped are the hard and rare ones, from which there is most to learn.',
    'From the first step on: losses say nothing yet; give it a schedule.',
    'Minority classes: their losses are large at first; take within: class.',
    'Its own mistakes: what it drops once, it learns to find unlikely; co-teaching lets two networks choose for each other.',
  ],
  dataSize: 'Most with many rows, of which a known share is labelled wrong.',
  references: [
    'Jiang et al., MentorNet: Learning Data-Driven Curriculum for Very Deep Neural Networks, ICML 2018 (self-paced baseline)',
    'Shen and Sanghavi, Learning with Bad Training Data via Iterative Trimmed Loss Minimization, ICML 2019',
    'Han et al., Co-teaching, NeurIPS 2018 (share kept, R(T))',
  ],
});

/** Without a schedule, rows are dropped by losses of a network that knows nothing. */
export function withoutWarmUp({
  regularizer: { type },
  schedule,
}: {
  readonly regularizer: { readonly type: string };
  readonly schedule: StrengthSchedule | undefined;
}): Conflict[] {
  if (schedule !== undefined && schedule.from < schedule.to) return [];
  return [
    {
      code: `${type.toUpperCase().replaceAll('-', '_')}_WITHOUT_WARM_UP`,
      severity: 'warning',
      message: `${type} drops rows from the first step on, by the losses of a network that knows nothing`,
      remedy: 'Give it a schedule, for instance schedule: { from: 0, to: 1, over: 10 }',
    },
  ];
}
