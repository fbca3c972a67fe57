import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { RandomSite } from '../../graph/random.js';
import { int64 } from '../../graph/tensor.js';
import { defineRegularizer } from '../regularizer.js';

/** Which values are changed: drawn for each, or once for all features of a group. */
function changed(
  b: GraphBuilder,
  dice: RandomSite,
  shape: readonly number[],
  groups: readonly number[] | undefined,
  probability: Value,
): Value {
  if (groups === undefined) return dice.occurs(shape, probability);
  const drawn = dice.occurs([shape[0], Math.max(...groups) + 1], probability);
  return b.detached(() => b.gather(drawn, b.constant(int64([groups.length], groups)), 1));
}

export const tabularAugmentation = defineRegularizer({
  type: 'tabular-augmentation',
  title: 'Tabular augmentation (swap noise, feature dropout and jitter)',
  technique: 'T8',
  summary:
    'Replaces values of columns by those of another row of the batch, so that every value stays one that occurs, drops them, or jitters them.',
  strength: {
    unit: 'probability that a value is swapped',
    default: 0.1,
    range: [0.02, 0.4],
    scale: 'linear',
    limits: [0, 1],
  },
  options: z.strictObject({
    swap: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe('Probability that a value is swapped, as a share of the strength'),
    dropout: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .describe(
        'Probability that a feature is dropped, as a share of the strength: to 0, the mean of a standardised number and no category',
      ),
    jitter: z
      .number()
      .min(0)
      .max(2)
      .default(0)
      .describe('Standard deviation of added noise, in those of the features, scaled by the strength'),
  }),
  augments: true,
  hooks: {
    batch: ({ b, batchSize, inputs, strength, random }, { swap, dropout, jitter }, batch) => {
      const augmented = { ...batch.inputs };
      const shareOf = (share: number): Value => (share === 1 ? strength : b.mul(strength, share));
      for (const { name, groups } of inputs.filter(({ content }) => content === 'tabular')) {
        let features = batch.inputs[name];
        const dice = random(name);
        const hit = (share: number): Value => changed(b, dice, features.shape, groups, shareOf(share));
        if (batchSize > 1 && swap > 0) {
          const [first, rest] = b.split(features, [1, batchSize - 1], 0);
          features = b.where(hit(swap), b.concat([rest, first], 0), features);
        }
        if (dropout > 0) features = b.where(hit(dropout), b.scalar(0, features.type), features);
        if (jitter > 0) features = b.add(features, b.mul(dice.normal(features.shape), shareOf(jitter)));
        augmented[name] = features;
      }
      return { inputs: augmented, target: batch.target };
    },
  },
  needs: { content: ['tabular'] },
  cost: { training: 'one 32-bit hash and one selection a feature value (about 8 ns)', inference: 'none' },
  fails: [
    'Columns that only mean something together (latitude and longitude): swapping one makes rows that cannot exist.',
    'Near strength 1 rows keep their label and little else: that is label noise.',
  ],
  dataSize: 'Helps with few rows; neutral with many.',
  references: [
    'Vincent et al., Stacked Denoising Autoencoders, JMLR 2010 (masking noise: feature dropout)',
    'Jahrer, swap noise, 2017',
  ],
});
