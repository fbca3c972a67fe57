import type { Conflict, SiteDescription } from './regularizer.js';

/**
 * Dropping values at random adds to their variance while training, not in inference; a batch normalization after it keeps
 * the training variance in its running statistics (X14).
 *
 * @param sites where the regularizer acts
 */
export function varianceShift(type: string, sites: readonly SiteDescription[], remedy: string): Conflict[] {
  if (!sites.some(({ beforeBatchNorm }) => beforeBatchNorm)) return [];
  return [
    {
      code: `${type.toUpperCase().replaceAll('-', '_')}_BEFORE_BATCH_NORM`,
      severity: 'warning',
      message: `${type} stands before a batch normalization: the variance it sees in training is not that of inference`,
      remedy,
    },
  ];
}
