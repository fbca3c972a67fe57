import { z } from 'zod';
import { CONTINUOUS } from '../needs.js';
import { mixWithNeighbour } from '../neighbour.js';
import { defineRegularizer } from '../regularizer.js';

export const mixup = defineRegularizer({
  type: 'mixup',
  title: 'Mixup',
  technique: 'T8',
  summary:
    'Trains on convex combinations of pairs of examples and of their targets; the share is drawn from Beta(alpha, alpha).',
  strength: { unit: 'alpha of Beta(alpha, alpha)', default: 0.2, range: [0.05, 2], scale: 'log', limits: [0, 32] },
  options: z.strictObject({}),
  hooks: {
    batch: ({ b, drawn, batchSize }, _options, batch) => {
      // A row alone has no partner.
      if (batchSize < 2) return batch;
      const share = drawn('share', (stream, alpha) => (alpha > 0 ? stream.beta(alpha, alpha) : 1));
      return {
        target: mixWithNeighbour(b, batch.target, share),
        inputs: Object.fromEntries(
          Object.entries(batch.inputs).map(([name, value]) => [name, mixWithNeighbour(b, value, share)]),
        ),
      };
    },
  },
  needs: { labels: true, content: CONTINUOUS },
  conflicts: (_self, { inputs }) =>
    inputs.some(({ content }) => content === 'tokens') && inputs.some(({ content }) => content !== 'tokens')
      ? [
          {
            code: 'MIXUP_NEEDS_CONTINUOUS_INPUTS',
            severity: 'error',
            message: 'mixup averages all inputs, and token indices cannot be averaged',
            remedy: 'Remove mixup for token inputs',
          },
        ]
      : [],
  cost: { training: 'three passes over the batch a step (about 2 ns an element)', inference: 'none' },
  fails: [
    'Labels that are not linear in between: detection, ordinal codes, categorical columns.',
    'Together with label smoothing or strong dropout it underfits.',
    'Training accuracy is measured on mixed examples elsewhere; here train metrics are on clean rows.',
  ],
  dataSize: 'Grows with model capacity; helps small image sets most.',
  references: [
    'Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018 (reference code mixes with a permutation of the batch, one share a batch, as here)',
  ],
});
