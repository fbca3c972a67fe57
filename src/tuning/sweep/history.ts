import type { Trial } from '../../search/trial.js';
import type { StoredTrial } from '../../store/sweep-types.js';

import type { TrialOutcome, TrialProgress } from './outcome.js';

/** A trial of the store as samplers and pruners see it. */
export function trialOf(stored: StoredTrial): Trial {
  const outcome = stored.outcome as TrialOutcome | undefined;
  const progress = outcome ?? (stored.progress as TrialProgress | undefined);
  return {
    number: stored.number,
    point: stored.point,
    state: stored.state === 'queued' ? 'running' : stored.state,
    reports: progress?.reports ?? [],
    units: (progress?.units ?? []).map(({ losses }) => losses),
    ...(outcome?.losses === undefined ? {} : { losses: outcome.losses }),
    ...(outcome?.violations === undefined ? {} : { violations: outcome.violations }),
    ...(stored.tag === undefined ? {} : { tag: stored.tag }),
  };
}
