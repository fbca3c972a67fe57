import type { Kysely } from 'kysely';
import { BallastError } from '../errors.js';
import { RUN_COLUMNS, runNotFound, SUMMARY_COLUMNS, toRun, toSummary } from './run-rows.js';
import type { RunStatus, StoredStatus } from './run-status.js';
import type { StoreSchema } from './schema.js';
import { trainingOutcomes } from './training-outcomes.js';
import type { Run, RunFilter, RunStore, RunSummary } from './types.js';

const SHORTEST_PREFIX = 4;
const DEFAULT_LIMIT = 100;
/** How many candidates an ambiguous id names. */
const SHOWN_CANDIDATES = 5;

/** The reading half of {@link RunStore}. */
export function runQueries(
  db: Kysely<StoreSchema>,
): Pick<RunStore, 'getRun' | 'findRun' | 'listRuns' | 'trainingOutcomes'> {
  const runs = () => db.selectFrom('run').innerJoin('experiment', 'experiment.id', 'run.experiment_id');

  async function getRun(runId: string): Promise<Run> {
    const row = await runs().select(RUN_COLUMNS).where('run.id', '=', runId).executeTakeFirst();
    if (row === undefined) throw runNotFound(runId);
    return toRun(row);
  }

  async function sequenceOf(runId: string): Promise<number> {
    const row = await db.selectFrom('run').select('sequence').where('id', '=', runId).executeTakeFirst();
    if (row === undefined) throw runNotFound(runId);
    return row.sequence;
  }

  return {
    getRun,
    trainingOutcomes: trainingOutcomes(db),

    async findRun(reference) {
      const id = runIdIn(reference);
      if (id.length === 32) return getRun(id);
      const candidates = await db
        .selectFrom('run')
        .select(['id', 'name'])
        .where('id', 'like', `${id}%`)
        .where('deleted_at', 'is', null)
        .orderBy('sequence', 'desc')
        .limit(SHOWN_CANDIDATES)
        .execute();
      const [first, second] = candidates;
      if (first === undefined) throw runNotFound(reference);
      if (second === undefined) return getRun(first.id);
      throw new BallastError('Several runs have an id that begins so', {
        code: 'RUN_AMBIGUOUS',
        value: reference,
        remedy: `Give more digits: ${candidates.map((run) => `${run.id.slice(0, id.length + 8)} (${run.name})`).join(', ')}.`,
      });
    },

    async listRuns(filter = {}) {
      const { order = 'newest', limit = DEFAULT_LIMIT } = filter;
      checkLimit(limit);
      const shown = filter.status === undefined ? undefined : new Set([filter.status].flat());
      const base = filtered(filter, shown);
      const before = filter.before === undefined ? undefined : await sequenceOf(filter.before);
      const after = filter.after === undefined ? undefined : await sequenceOf(filter.after);
      let [low, high] = [after, before];
      const found: RunSummary[] = [];
      // Whether a run is interrupted is decided here, not in the database, so that a page may need several readings.
      for (;;) {
        const [above, below] = [low, high];
        const rows = await base
          .$if(above !== undefined, (query) => query.where('run.sequence', '>', above ?? 0))
          .$if(below !== undefined, (query) => query.where('run.sequence', '<', below ?? 0))
          .orderBy('run.sequence', order === 'newest' ? 'desc' : 'asc')
          .limit(limit)
          .execute();
        found.push(...rows.map(toSummary).filter((run) => shown?.has(run.status) ?? true));
        const last = rows.at(-1);
        if (found.length >= limit || rows.length < limit || last === undefined) return found.slice(0, limit);
        if (order === 'newest') high = last.sequence;
        else low = last.sequence;
      }
    },
  };

  function filtered(filter: RunFilter, shown: ReadonlySet<RunStatus> | undefined) {
    let query = runs().select(SUMMARY_COLUMNS);
    if (filter.includeDeleted !== true) query = query.where('run.deleted_at', 'is', null);
    if (filter.experiment !== undefined) query = query.where('experiment.name', '=', filter.experiment);
    if (filter.kind !== undefined) query = query.where('run.kind', '=', filter.kind);
    if (filter.role !== undefined) query = query.where('run.role', '=', filter.role);
    if (filter.groupId !== undefined) query = query.where('run.group_id', '=', filter.groupId);
    if (filter.parentRunId !== undefined) query = query.where('run.parent_run_id', '=', filter.parentRunId);
    if (shown !== undefined) query = query.where('run.status', 'in', [...shown].map(storedAs));
    return query;
  }
}

function storedAs(status: RunStatus): StoredStatus {
  return status === 'interrupted' ? 'running' : status;
}

/** The id, or its beginning, in `runs:/ID` or `ID`. */
function runIdIn(reference: string): string {
  const id = reference.replace(/^runs:\/{1,2}/, '').toLowerCase();
  if (/^[0-9a-f]+$/.test(id) && id.length >= SHORTEST_PREFIX && id.length <= 32) return id;
  throw new BallastError('This is not the id of a run', {
    code: 'RUN_ID_INVALID',
    value: reference,
    remedy: `Give runs:/ID or the first ${SHORTEST_PREFIX} to 32 hexadecimal digits of the id.`,
  });
}

/** Checks the length of a page. */
export function checkLimit(limit: number, largest = 10_000): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= largest) return;
  throw new BallastError(`The limit of a list must be 1 to ${largest}`, {
    code: 'STORE_LIMIT_INVALID',
    place: 'limit',
    value: limit,
  });
}
