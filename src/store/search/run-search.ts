import { sql } from 'kysely';
import type { StoreContext } from '../context.js';
import { checkLimit } from '../run-queries.js';
import { SUMMARY_COLUMNS, toSummary } from '../run-rows.js';
import type { RunSummary } from '../types.js';
import { parseFilter, parseOrder } from './filter.js';
import { runCondition, runOrder } from './run-conditions.js';

/** Which runs to find, in which order. */
export interface RunQuery {
  /** Ids of experiments; none are none. Every experiment where it is not given. */
  readonly experimentIds?: readonly number[];
  /** In the filter language of MLflow's search (`search/filter.ts`). */
  readonly filter?: string;
  /** Keys such as `metrics.loss ASC`; runs without a value come last, equal ones by time, the newest first. */
  readonly orderBy?: readonly string[];
  /** Default `active`. */
  readonly view?: 'active' | 'deleted' | 'all';
  /** At most so many; default 100, at most 50 000. */
  readonly limit?: number;
  /** How many to pass over. */
  readonly offset?: number;
}

/** A run as search finds it. */
export interface FoundRun extends RunSummary {
  readonly experimentId: number;
}

export interface RunSearch {
  /** Runs that a filter lets through. @throws BallastError `FILTER_INVALID` */
  searchRuns(query: RunQuery): Promise<{ readonly runs: readonly FoundRun[]; readonly more: boolean }>;
  /** How many runs a filter lets through. */
  countRuns(query: Omit<RunQuery, 'orderBy' | 'limit' | 'offset'>): Promise<number>;
  /** The names of every metric and parameter that an experiment's runs ever logged, in order. */
  runColumns(experimentId: number): Promise<{ readonly metrics: string[]; readonly params: string[] }>;
}

const DEFAULT_LIMIT = 100;
const LARGEST_LIMIT = 50_000;

/** The {@link RunSearch} part of a store. */
export function runSearch({ db, kind }: StoreContext): RunSearch {
  const matching = ({ experimentIds, filter, view = 'active' }: RunQuery) => {
    let query = db.selectFrom('run').innerJoin('experiment', 'experiment.id', 'run.experiment_id');
    if (experimentIds !== undefined) {
      query =
        experimentIds.length === 0
          ? query.where(sql<boolean>`1 = 0`)
          : query.where('run.experiment_id', 'in', experimentIds);
    }
    if (view === 'active') query = query.where('run.deleted_at', 'is', null);
    if (view === 'deleted') query = query.where('run.deleted_at', 'is not', null);
    for (const clause of parseFilter(filter ?? '')) query = query.where(runCondition(kind, clause));
    return query;
  };

  return {
    async searchRuns(query) {
      const { limit = DEFAULT_LIMIT, offset = 0, orderBy = [] } = query;
      checkLimit(limit, LARGEST_LIMIT);
      let select = matching(query).select(SUMMARY_COLUMNS).select('run.experiment_id');
      for (const text of orderBy) {
        const key = parseOrder(text);
        select = select.orderBy(runOrder(key), (order) => (key.ascending ? order.asc() : order.desc()).nullsLast());
      }
      const rows = await select
        .orderBy('run.started_at', 'desc')
        .orderBy('run.id')
        .limit(limit + 1)
        .offset(offset)
        .execute();
      const runs = rows.slice(0, limit).map((row) => ({ ...toSummary(row), experimentId: row.experiment_id }));
      return { runs, more: rows.length > limit };
    },

    async countRuns(query) {
      const row = await matching(query)
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      return Number(row.count);
    },

    async runColumns(experimentId) {
      const rows = await db
        .selectFrom('experiment_column')
        .where('experiment_id', '=', experimentId)
        .select(['kind', 'name'])
        .orderBy('name')
        .execute();
      const namesOf = (kind: 'metric' | 'param'): string[] =>
        rows.filter((row) => row.kind === kind).map(({ name }) => name);
      return { metrics: namesOf('metric'), params: namesOf('param') };
    },
  };
}
