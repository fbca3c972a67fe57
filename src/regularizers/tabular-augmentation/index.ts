import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { RandomSite } from '../../graph/random.js';
import { int64 } from '../../graph/tensor.js';
import { defineRegularizer } from '../regularizer.js';

/** Which values are swapped: drawn for each, or once for all features of a group. */
function swaps(
  b: GraphBuilder,
  dice: RandomSite,
  shape: readonly number[],
  groups: readonly number[] | undefined,
  strength: Value,
): Value {
  if (groups === undefined) return dice.occurs(shape, strength);
  const drawn = dice.occurs([shape[0], Math.max(...groups) + 1], strength);
  return b.detached(() => b.gather(drawn, b.constant(int64([groups.length], groups)), 1));
}

export const tabularAugmentation = defineRegularizer({
  type: 'tabular-augmentation',
  title: 'Tabular augmentation (swap noise and jitter)',
  technique: 'T8',
  summary:
    'Replaces values of columns by those of another row of the batch, so that every value stays one that occurs, and jitters them.',
  strength: {
    unit: 'probability that a value is swapped',
    default: 0.1,
    range: [0.02, 0.4],
    scale: 'linear',
    limits: [0, 1],
  },
  options: z.strictObject({
    jitter: z
      .number()
      .min(0)
      .max(2)
      .default(0)
      .describe('Standard deviation of added noise, in those of the features, scaled by the strength'),
  }),
  augments: true,
  hooks: {
    batch: ({ b, batchSize, inputs, strength, random }, { jitter }, batch) => {
      const augmented = { ...batch.inputs };
      for (const { name, groups } of inputs.filter(({ content }) => content === 'tabular')) {
        let features = batch.inputs[name];
        const dice = random(name);
        if (batchSize > 1) {
          const [first, rest] = b.split(features, [1, batchSize - 1], 0);
          features = b.where(swaps(b, dice, features.shape, groups, strength), b.concat([rest, first], 0), features);
        }
        if (jitter > 0) features = b.add(features, b.mul(dice.normal(features.shape), b.mul(strength, jitter)));
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
  references: ['Vincent et al., Stacked Denoising Autoencoders, JMLR 2010 (masking noise)', 'Jahrer, swap noise, 2017'],
});
