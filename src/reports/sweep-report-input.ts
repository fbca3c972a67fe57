import { valuesOf } from '../search/space.js';
import type { StoredTrial } from '../store/sweep-types.js';
import type { OpenSweep } from '../tuning/sweep/definition.js';
import type { TrialOutcome } from '../tuning/sweep/outcome.js';
import type { BestTrial, SweepResult } from '../tuning/sweep/result.js';
import { type SweepStanding, standingOf } from '../tuning/sweep/standing.js';

/** A trial as the report shows it. */
export interface ReportedTrial {
  readonly number: number;
  readonly state: StoredTrial['state'];
  readonly run: string | undefined;
  /** By name of the parameter, as they stand in the spec. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Objectives and other figures, where it is complete. */
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** Why it failed. */
  readonly error: string | undefined;
}

export interface SweepReportInput {
  readonly title: string;
  readonly sweepId: string;
  /** The first is what the best is chosen by. */
  readonly objectives: readonly { readonly name: string; readonly direction: 'higher' | 'lower' }[];
  readonly parameters: readonly { readonly name: string; readonly log: boolean }[];
  readonly trials: readonly ReportedTrial[];
  readonly counts: SweepStanding['trials'];
  readonly importance: Readonly<Record<string, number>>;
  readonly best: BestTrial | undefined;
  /** The last look at whether what is left to gain can be told from chance, or why there is no telling. */
  readonly stop: SweepResult['stop'];
  /** Numbers of the trials on the Pareto front. */
  readonly front: readonly number[];
  readonly createdAt: Date;
  readonly seconds: number;
}

/** What a sweep's trials tell, with the best as it was last worked out. */
export function sweepReportInput(
  sweepId: string,
  sweep: Pick<OpenSweep, 'space' | 'definition'>,
  stored: readonly StoredTrial[],
  known: Partial<Pick<SweepResult, 'best' | 'stop' | 'importance'>> & { readonly seconds: number },
): SweepReportInput {
  const { space, definition } = sweep;
  const standing = standingOf(sweep, stored);
  const { trials, front = [] } = standing;
  const { best, stop, seconds, importance: told = {} } = known;
  // With few trials nothing was told.
  const importance = Object.keys(told).length > 0 ? told : standing.importance;
  return {
    title: definition.spec.name,
    sweepId,
    objectives: definition.objectives,
    parameters: space.parameters.map(({ name, dimension }) => ({
      name,
      log: dimension.kind !== 'choice' && dimension.log,
    })),
    trials: stored.map(({ number, state, runId, point, outcome }) => {
      const { figures = {}, seconds: spent = 0, error } = (outcome ?? {}) as Partial<TrialOutcome>;
      return {
        ...{ number, state, run: runId, values: valuesOf(space, point) },
        ...{ figures, seconds: spent, error: error?.message },
      };
    }),
    counts: trials,
    importance,
    best,
    stop,
    front: front.map(({ number }) => number),
    createdAt: new Date(),
    seconds,
  };
}
