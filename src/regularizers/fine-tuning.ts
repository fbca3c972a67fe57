import type { Conflict, Setting } from './regularizer.js';

/**
 * Rates above which fine-tuning is known to overwrite what a network has learnt: a tenth of what a training from random
 * weights usually takes, the advice of Li et al. (2018) and of Howard and Ruder (2018).
 */
const HIGH_RATES: Readonly<Record<string, number>> = { sgd: 0.01, adam: 5e-4, adamw: 5e-4 };

/** What holds a fine-tuned network near what it knows, or its weights small. */
const HOLDS = new Set(['weight-decay', 'l2', 'l2-sp', 'elastic-net', 'freezing', 'layer-wise-rates']);

/**
 * Fine-tuning at a high rate with nothing that holds the weights: the network forgets what it was taken for and overfits
 * the new rows (X23).
 */
export function fineTuningConflicts({ start, optimizer, active }: Setting): Conflict[] {
  if (start?.pretrained !== true) return [];
  const high = HIGH_RATES[optimizer] ?? 1e-3;
  const held = active.some(({ regularizer, strength }) => strength > 0 && HOLDS.has(regularizer.type));
  if (start.learningRate <= high || held) return [];
  return [
    {
      code: 'FINE_TUNING_RATE_WITHOUT_DECAY',
      severity: 'warning',
      message: `a trained network is fine-tuned at a learning rate of ${start.learningRate} with nothing that holds its weights: it tends to forget what it knows and to overfit the new rows (X23)`,
      remedy: `Lower training.optimizer.learningRate to ${high} or less, or add l2-sp, weight-decay, layer-wise-rates or freezing`,
    },
  ];
}
