import { z } from 'zod';
import { defineRegularizer } from '../regularizer.js';

export const tabularAugmentation = defineRegularizer({
  type: 'tabular-augmentation',
  title: 'Tabular augmentation (swap noise and jitter)',
  technique: 'T8',
  summary:
    'Replaces feature values by those of another row of the batch, so that every value stays one that occurs, and jitters them.',
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
  hooks: {
    batch: ({ b, batchSize, inputs, strength, random }, { jitter }, batch) => {
      const augmented = { ...batch.inputs };
      for (const { name } of inputs.filter(({ content }) => content === 'tabular')) {
        let features = batch.inputs[name];
        const dice = random(name);
        if (batchSize > 1) {
          const [first, rest] = b.split(features, [1, batchSize - 1], 0);
          features = b.where(dice.occurs(features.shape, strength), b.concat([rest, first], 0), features);
        }
        if (jitter > 0) features = b.add(features, b.mul(dice.normal(features.shape), b.mul(strength, jitter)));
        augmented[name] = features;
      }
      return { inputs: augmented, target: batch.target };
    },
  },
  conflicts: (_self, { inputs }) =>
    inputs.some(({ content }) => content === 'tabular')
      ? []
      : [
          {
            code: 'TABULAR_AUGMENTATION_NEEDS_COLUMNS',
            severity: 'error',
            message: 'tabular-augmentation needs tabular columns, and there are none',
            remedy: 'Remove it, or use image-augmentation',
          },
        ],
  cost: { training: 'one 32-bit hash and one selection a feature value (about 8 ns)', inference: 'none' },
  fails: [
    'Features that only mean something together (a date split in three): swapping one makes rows that cannot exist.',
    'Near strength 1 rows keep their label and little else: that is label noise.',
  ],
  dataSize: 'Helps with few rows; neutral with many.',
  references: ['Vincent et al., Stacked Denoising Autoencoders, JMLR 2010 (masking noise)', 'Jahrer, swap noise, 2017'],
});
