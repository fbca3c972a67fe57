import { BallastError } from '../../errors.js';
import type { RegularizationPath } from '../path.js';

/** Refuses to go on with a path that was interrupted. @throws BallastError INTERRUPTED */
export function refuseInterrupted({ stopped }: Pick<RegularizationPath, 'stopped'>): void {
  if (stopped?.reason !== 'interrupted') return;
  throw new BallastError('interrupted before every model was fitted', { code: 'INTERRUPTED', kind: 'cancelled' });
}
