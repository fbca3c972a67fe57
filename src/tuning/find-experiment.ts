import { BallastError } from '../errors.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { RunSummary, Store } from '../store/types.js';
import { specOfRun } from './run-rows.js';

/** Runs that are looked through, newest first. */
const MOST_RUNS = 10_000;
/** Experiments that a message names. */
const MOST_NAMED = 5;
/** Digits that name an experiment in messages. */
const SHOWN = 8;

/**
 * The id of an experiment to go on with.
 *
 * @param reference its id or the beginning of it, the id of one of its runs, or `latest`: the newest of that name
 * @param name of the spec; `latest` is of any name where it is not known
 * @throws BallastError EXPERIMENT_NOT_FOUND naming the unfinished ones, EXPERIMENT_AMBIGUOUS
 */
export async function findExperiment(store: Store, reference: string, name?: string): Promise<string> {
  const runs = (await store.listRuns({ kind: 'train', limit: MOST_RUNS })).filter(hasGroup);
  const wanted = reference.replace(/^runs:\/{1,2}/, '').toLowerCase();
  const matching =
    wanted === 'latest'
      ? runs.filter(({ experiment }) => name === undefined || experiment === name).slice(0, 1)
      : runs.filter(({ id, groupId }) => wanted !== '' && (groupId.startsWith(wanted) || id.startsWith(wanted)));
  const [found, ...others] = [...new Set(matching.map(({ groupId }) => groupId))];
  if (found === undefined) {
    throw new BallastError(
      wanted === 'latest'
        ? `there is no experiment ${name === undefined ? '' : `"${name}" `}to resume`
        : `there is no experiment ${reference} to resume`,
      { code: 'EXPERIMENT_NOT_FOUND', kind: 'not-found', place: '--resume', remedy: unfinishedOf(runs) },
    );
  }
  if (others.length > 0) {
    throw new BallastError(`several experiments begin with ${reference}`, {
      code: 'EXPERIMENT_AMBIGUOUS',
      place: '--resume',
      remedy: `Give more digits: ${[found, ...others].slice(0, MOST_NAMED).join(', ')}`,
    });
  }
  return found;
}

/** The spec that an experiment was begun with, from its record, with the folder that its paths start at. */
export async function specOfExperiment(store: Store, reference: string): Promise<ResolvedSpec> {
  const [run] = await store.listRuns({ groupId: await findExperiment(store, reference), limit: 1 });
  return specOfRun(await store.getRun(run.id));
}

type GroupedRun = RunSummary & { readonly groupId: string };

function hasGroup(run: RunSummary): run is GroupedRun {
  return run.groupId !== undefined;
}

function unfinishedOf(runs: readonly GroupedRun[]): string {
  const unfinished = runs.filter(({ status }) => ['interrupted', 'cancelled', 'failed'].includes(status));
  const named = new Map(
    unfinished.map(({ groupId, experiment, status }) => [
      groupId,
      `${groupId.slice(0, SHOWN)} (${experiment}, ${status})`,
    ]),
  );
  if (named.size === 0) return 'No experiment of this store is unfinished: train anew without --resume';
  return `Unfinished are ${[...named.values()].slice(0, MOST_NAMED).join(', ')}`;
}
