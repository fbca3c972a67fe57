import { PLACEMENT } from './interactions/placement.js';
import type { Conflict, SiteDescription } from './regularizer.js';

/**
 * Dropping values at random adds to their variance while training, not in inference; a batch normalization after it keeps
 * the training variance in its running statistics (X14).
 *
 * @param sites where the regularizer acts
 */
export function varianceShift(type: string, sites: readonly SiteDescription[]): Conflict[] {
  if (!sites.some(({ beforeBatchNorm }) => beforeBatchNorm)) return [];
  return PLACEMENT.filter(({ first }) => first === type).map(({ code, reason, remedy }) => ({
    code,
    severity: 'warning',
    message: reason,
    remedy,
  }));
}
