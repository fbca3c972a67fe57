import { BallastError } from '../errors.js';
import { milliseconds } from '../spec/duration-text.js';
import type { NewRolloutDecision, Store, StoredObservation, StoredRollout } from '../store/index.js';
import { begin, type Command, command, isOver, look, type Transition } from './look.js';
import { announce } from './page.js';
import { signalsOf } from './signals.js';
import { courseOf } from './steps.js';
import { applyWeights } from './traffic.js';
import type { Decision, RolloutConfig, RolloutState } from './types.js';

/** A rollout with what its config and state are. */
export interface Rollout extends Omit<StoredRollout, 'config' | 'state'> {
  readonly config: RolloutConfig;
  readonly state: RolloutState;
}

export function asRollout(stored: StoredRollout): Rollout {
  return { ...stored, config: stored.config as RolloutConfig, state: stored.state as RolloutState };
}

/** Begins a rollout and gives the candidate its first traffic. @throws BallastError `ROLLOUT_UNDER_WAY` and those of traffic */
export async function startRollout(
  store: Store,
  config: RolloutConfig,
  { cursor, by }: { readonly cursor: RolloutState['cursor']; readonly by: string },
): Promise<Rollout> {
  const { state, decisions } = begin(config, cursor, by);
  const { model, baseline, candidate } = config;
  const stored = await store.createRollout(
    { model, baseline, candidate, phase: state.phase, config, state },
    decisions.map(toStored),
  );
  await applyWeights(store, asRollout(stored));
  return asRollout(stored);
}

/** How long after a moment everything that came before it is written. */
const SETTLE_MS = 2000;
/** Rows read at once. */
const PAGE = 4000;
/** More rows than this are left to the next look. */
const LARGEST_PAGE = 64_000;

/**
 * Takes every look of a rollout that is due. Looks stand at fixed times, and each weighs what came before its own: a controller that
 * was dead for some time, or killed in the middle, takes the looks that it missed, one by one, and decides as if it had never been
 * away. State and decisions are kept in one transaction; then the traffic follows.
 *
 * @param now ms since the epoch
 */
export async function advanceRollout(store: Store, id: string, now: number): Promise<Rollout> {
  for (;;) {
    const rollout = await settle(store, id);
    if (rollout.closedAt !== undefined) return rollout;
    const { config, state } = rollout;
    const every = milliseconds(config.every);
    const due = (after: number): number =>
      config.startedAt + (Math.floor((after - config.startedAt) / every) + 1) * every;
    if (due(state.at) > now - SETTLE_MS) return rollout;
    const signals = await signalsOf(store, config.model, config.candidate, now);
    let limit = PAGE;
    let inputs = await read(store, config.model, state.cursor, limit);
    while (!inputs.reaches(due(state.at)) && limit < LARGEST_PAGE) {
      limit *= 4;
      inputs = await read(store, config.model, state.cursor, limit);
    }
    let next: Transition = { state, decisions: [] };
    do {
      const at = due(next.state.at);
      const late = now - at > LATE_LOOKS * every + SETTLE_MS;
      next = look(config, next.state, { at, signals, ...inputs.before(at), ...(late ? { actsAt: now } : {}) });
    } while (
      next.decisions.length === 0 &&
      due(next.state.at) <= now - SETTLE_MS &&
      inputs.reaches(due(next.state.at))
    );
    await keep(store, rollout, next);
  }
}

/** A decision that comes so many looks late begins its step when it is carried out, not when it was due. */
const LATE_LOOKS = 3;

/** Does what an operator asks. @throws BallastError `ROLLOUT_STATE` where it does not fit, `ROLLOUT_NOT_FOUND` */
export async function commandRollout(
  store: Store,
  id: string,
  asked: Command,
  { at, by, reason }: { readonly at: number; readonly by: string; readonly reason: string },
): Promise<Rollout> {
  for (;;) {
    const rollout = asRollout(await store.getRollout(id));
    const made =
      rollout.closedAt === undefined
        ? command(rollout.config, rollout.state, asked, { at, by, reason })
        : 'it is closed';
    if (typeof made === 'string') {
      throw new BallastError(`This rollout cannot be told to ${asked}: ${made}`, {
        code: 'ROLLOUT_STATE',
        kind: 'conflict',
        place: id,
        remedy: `ballast rollout status ${id} shows where it stands`,
      });
    }
    if (!(await keep(store, rollout, made))) continue;
    return settle(store, id);
  }
}

/**
 * Makes the traffic what was decided, tells who has to know, and closes what is over. Whoever is killed in the middle, or before it,
 * does it when they come back: that a decision is not told yet is kept with the decision.
 */
async function settle(store: Store, id: string): Promise<Rollout> {
  const rollout = asRollout(await store.getRollout(id));
  if (rollout.closedAt !== undefined) return rollout;
  await applyWeights(store, rollout);
  const { untold = 0, ...state } = rollout.state;
  if (untold > 0) await announce(store, rollout, (await store.rolloutDecisions(id)).slice(-untold));
  if (untold === 0 && !isOver(state)) return rollout;
  await store.changeRollout(id, rollout.revision, { phase: state.phase, state, decisions: [], close: isOver(state) });
  return asRollout(await store.getRollout(id));
}

async function keep(store: Store, rollout: Rollout, { state, decisions }: Transition): Promise<boolean> {
  const { config, id, revision } = rollout;
  const guarded = state.completedAt !== undefined && state.at - state.completedAt >= milliseconds(config.guard);
  const revised = await store.changeRollout(id, revision, {
    phase: state.phase,
    state: decisions.length === 0 ? state : { ...state, untold: (state.untold ?? 0) + decisions.length },
    decisions: decisions.map(toStored),
    close: guarded && decisions.length === 0,
    ...(state.looks === rollout.state.looks
      ? {}
      : {
          look: {
            number: state.looks,
            at: state.at,
            step: rollout.state.step,
            slis: courseOf(config, state, rollout.state.step),
          },
        }),
  });
  return revised !== undefined;
}

function toStored({ at, kind, step, reason, by, ...evidence }: Decision): NewRolloutDecision {
  return { at, kind, step, reason, by, evidence };
}

/** What came after a cursor, in pages. */
async function read(store: Store, model: string, cursor: RolloutState['cursor'], limit: number) {
  const observations = await store.observationsAfter(model, cursor.observations, limit);
  const labelled = await store.labelledAfter(model, cursor.labels, limit);
  const taken = { observations: 0, labelled: 0 };
  const before = (
    rows: readonly StoredObservation[],
    from: number,
    at: number,
    timeOf: (row: StoredObservation) => number,
  ): StoredObservation[] => {
    let to = from;
    while (to < rows.length && timeOf(rows[to]) < at) to++;
    return rows.slice(from, to);
  };
  const known = (row: StoredObservation): number => row.label?.knownAt ?? 0;
  const isWhole = (rows: readonly StoredObservation[], at: number, timeOf: (row: StoredObservation) => number) =>
    rows.length < limit || timeOf(rows[rows.length - 1]) >= at;
  return {
    /** Whether all that a look at this time reads is here. */
    reaches: (at: number): boolean => isWhole(observations, at, (row) => row.at) && isWhole(labelled, at, known),
    /** What comes before this time and was not read yet. */
    before(at: number) {
      const found = {
        observations: before(observations, taken.observations, at, (row) => row.at),
        labelled: before(labelled, taken.labelled, at, known),
      };
      taken.observations += found.observations.length;
      taken.labelled += found.labelled.length;
      return found;
    },
  };
}
