import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { defineRegularizer } from '../regularizer.js';

/** The class of largest probability, one-hot, and 1 where that probability is at least the confidence, else 0. */
export function confidentLabels(
  b: GraphBuilder,
  logits: Value,
  confidence: number,
): { labels: Value; accepted: Value } {
  const probabilities = b.softmax(logits);
  const largest = b.reduceMax(probabilities, [1], true);
  const hot = b.cast(b.equal(probabilities, largest), 'float32');
  return {
    labels: b.div(hot, b.reduceSum(hot, [1], true)),
    accepted: b.squeeze(b.cast(b.greaterOrEqual(largest, confidence), 'float32'), [1]),
  };
}

/** How much of an earlier step's count is left after each step. */
const MEMORY = 0.99;

export const pseudoLabels = defineRegularizer({
  type: 'pseudo-labels',
  title: 'Pseudo-labels',
  technique: 'T9',
  summary: 'Trains rows without a label towards the class that the network itself is confident of.',
  strength: { unit: 'weight of the unlabelled loss', default: 1, range: [0.1, 10], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({
    confidence: z
      .number()
      .min(0)
      .max(1)
      .default(0.95)
      .describe('Least probability of the class for a row to take part in the step'),
  }),
  hooks: {
    state: ({ unlabelled = 0 }) =>
      unlabelled === 0 ? [] : [{ name: 'counts', shape: [2], initial: new Float32Array(2), writer: 'graph' }],
    objective: (context, { confidence }, _weights, view) => {
      const { b, strength, labelled, network, lossesOf, own, next } = context;
      const known = labelled();
      if (known === undefined) return undefined;
      const unknown = b.sub(1, known);
      // What the network says of the rows without dropout, while the loss is taken with it.
      const { labels, accepted } = b.detached(() => confidentLabels(b, network(view.batch.inputs).logits, confidence));
      const taken = b.detached(() => b.mul(unknown, accepted));
      const count = b.reduceSum(unknown);
      next(
        'counts',
        b.detached(() =>
          b.add(b.mul(own('counts'), MEMORY), b.concat([b.reshape(b.reduceSum(taken), [1]), b.reshape(count, [1])], 0)),
        ),
      );
      const losses = b.mul(lossesOf(view.logits, labels), taken);
      return b.mul(b.div(b.reduceSum(losses), b.maximum(count, 1)), strength);
    },
    findings: ({ own }, { confidence }) => {
      const [accepted, seen] = own.get('counts') ?? [0, 0];
      if (!(seen > 0)) return [];
      const share = accepted / seen;
      const unusual = share < 0.05 || share > 0.999;
      return [
        {
          code: 'PSEUDO_LABELS_TAKEN',
          severity: share < 0.05 ? ('warning' as const) : ('info' as const),
          message: `pseudo-labels: of the last rows without a label ${(100 * share).toFixed(1)} % were predicted with a probability of ${confidence} or more and trained on`,
          remedy: unusual
            ? 'Lower its confidence where hardly any row takes part; raise it where all do and the validation loss grows'
            : 'Nothing to mend',
        },
      ];
    },
  },
  needs: { classes: true },
  conflicts: (_self, { unlabelled }) =>
    (unlabelled ?? 0) > 0
      ? []
      : [
          {
            code: 'PSEUDO_LABELS_NEEDS_UNLABELLED',
            severity: 'error',
            message: 'pseudo-labels needs rows without a label, and every training row has one',
            remedy: 'Set data.unlabelled: keep and give rows whose target is missing, or remove pseudo-labels',
          },
        ],
  cost: { training: 'a second forward pass of the batch', inference: 'none' },
  fails: [
    'A network that is wrong and sure of it: it learns its own errors, more so the longer it trains.',
    'Rows of classes that the labelled rows do not have: they are forced into those classes.',
    'The target domain lies far off: confident labels there are no better than chance (align the domains first).',
  ],
  dataSize: 'Helps with few labelled and many unlabelled rows of the same kind; nothing with many labelled ones.',
  references: [
    'Lee, Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural Networks, ICML Workshops 2013 (ramp the weight up by a schedule)',
    'Sohn et al., FixMatch, NeurIPS 2020, equation 4 (a confidence of 0.95, a weight of 1, the mean over all unlabelled rows)',
  ],
});
