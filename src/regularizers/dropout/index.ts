import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { RandomSite } from '../../graph/random.js';
import { defineRegularizer } from '../regularizer.js';

/**
 * Inverted dropout: each element is kept with probability 1 - rate and scaled by 1 / (1 - rate). `shape` is that of the
 * mask and broadcasts to x: x's own for element dropout, [batch, channels, 1, 1] for whole channels.
 */
function dropElements(b: GraphBuilder, x: Value, rate: Value, random: RandomSite, shape = x.shape): Value {
  const scale = b.reciprocal(b.sub(1, rate));
  // The mask times its scale is small beside x where whole channels are dropped, and a product is faster than a choice.
  const factor = b.detached(() => b.mul(random.bernoulli(shape, b.sub(1, rate)), scale));
  return b.mul(x, factor);
}

export const dropout = defineRegularizer({
  type: 'dropout',
  title: 'Dropout',
  technique: 'T6',
  summary: 'Zeroes activations at random while training, elements or whole channels, and scales the rest up.',
  strength: { unit: 'drop probability', default: 0.2, range: [0.05, 0.7], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({
    mode: z
      .enum(['element', 'spatial'])
      .default('element')
      .describe(
        'element: single activations after dense layers and blocks; spatial: whole channels after convolutions',
      ),
  }),
  hooks: {
    forward: ({ b, strength, random }, { mode }, site) => {
      const { shape } = site.value;
      const hasPositions = shape.length >= 3;
      if (mode === 'spatial') {
        if (shape.length < 4) return site.value;
        const channels = [shape[0], shape[1], ...shape.slice(2).map(() => 1)];
        return dropElements(b, site.value, strength, random(site.name), channels);
      }
      // Single pixels of a feature map are so correlated that dropping them hides nothing (Tompson et al., 2015).
      if (hasPositions && shape.length >= 4) return site.value;
      return dropElements(b, site.value, strength, random(site.name));
    },
  },
  conflicts: (self, { operators }) => {
    const found = [];
    const lastNorm = operators.lastIndexOf('BatchNormalization');
    const site = operators.indexOf('Dropout');
    const spatial = self.options.mode === 'spatial';
    if (lastNorm >= 0 && site >= 0 && site < lastNorm && (spatial || operators.indexOf('Conv') < 0)) {
      found.push({
        code: 'DROPOUT_BEFORE_BATCH_NORM',
        severity: 'warning' as const,
        message:
          'dropout stands before a batch normalization: the variance it sees in training is not that of inference',
        remedy: 'Drop only after the last normalization, or use layer or group normalization (X14)',
      });
    }
    return found;
  },
  cost: { training: 'one 32-bit hash and two passes an activation (about 5 ns an element)', inference: 'none' },
  fails: [
    'Before batch normalization: training and inference variance differ (X14).',
    'Small networks, or data plentiful for the capacity: it underfits.',
    'With aggressive pruning: both remove capacity.',
  ],
  dataSize: 'Helps with few rows for the capacity; costs epochs otherwise.',
  references: [
    'Srivastava et al., Dropout, JMLR 2014',
    'Tompson et al., Efficient Object Localization Using Convolutional Networks, CVPR 2015 (spatial)',
    'Li et al., Understanding the Disharmony between Dropout and Batch Normalization, CVPR 2019',
  ],
});
