import { z } from 'zod';
import { defineRegularizer, type EpochMonitor } from '../regularizer.js';

export interface EarlyStoppingOptions {
  patience: number;
  minDelta: number;
  metric?: string | undefined;
  restoreBest: boolean;
}

/**
 * Stops after `patience` epochs in a row in which the metric did not improve on its best by more than `minDelta`: the rule
 * of Keras' EarlyStopping. An undefined metric (NaN) is no improvement.
 */
export function monitorValidation({ patience, minDelta, metric, restoreBest }: EarlyStoppingOptions): EpochMonitor {
  let best = Number.NaN;
  // Epochs count from 1: a run whose metric is never defined has waited since before the first.
  let bestEpoch = 0;
  return {
    metric,
    observe(epoch, value, higherIsBetter) {
      const improves = Number.isNaN(best) || (higherIsBetter ? value - minDelta > best : value + minDelta < best);
      const better = improves && !Number.isNaN(value);
      if (better) {
        best = value;
        bestEpoch = epoch;
      }
      return { best: better, stop: epoch - bestEpoch >= patience, restoreBest };
    },
    state: () => ({ best, bestEpoch }),
    restore(state) {
      best = state.best ?? Number.NaN;
      bestEpoch = state.bestEpoch ?? 0;
    },
  };
}

export const earlyStopping = defineRegularizer({
  type: 'early-stopping',
  title: 'Early stopping',
  technique: 'T10',
  summary:
    'Stops when the monitored validation metric has not improved for some epochs, and restores the best weights.',
  strength: {
    unit: '1 / patience in epochs',
    default: 0.2,
    range: [0.02, 0.5],
    scale: 'log',
    limits: [0, 1],
    inverse: {
      option: 'patience',
      toStrength: (patience) => 1 / patience,
      toOption: (strength) => Math.max(1, Math.round(1 / strength)),
    },
  },
  options: z.strictObject({
    patience: z.int().min(1).default(5).describe('Epochs without improvement before it stops; fewer is stronger'),
    minDelta: z.number().min(0).default(0).describe('Improvement that counts, in the metric’s own unit'),
    metric: z.string().optional().describe('Validation metric to follow; logLoss or rmse unless given'),
    restoreBest: z.boolean().default(true).describe('Return to the weights of the best epoch'),
  }),
  hooks: { afterEpoch: monitorValidation },
  cost: { training: 'a copy of the weights at each best epoch; usually saves epochs', inference: 'none' },
  fails: [
    'A noisy validation metric with little patience: it stops on luck (X2). Raise patience or minDelta.',
    'Cyclic or warm-up schedules: quality dips on purpose.',
    'Validation rows used again and again to choose become training rows.',
  ],
  dataSize: 'Strongest where the network can memorize the rows; neutral with abundant data.',
  references: [
    'Prechelt, Early Stopping - But When?, 1998',
    'Bishop, Regularization and Complexity Control in Feed-forward Networks, 1995',
  ],
});
