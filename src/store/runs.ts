import { randomBytes } from 'node:crypto';
import type { Insertable, Kysely } from 'kysely';
import { BallastError } from '../errors.js';
import type { StoreContext } from './context.js';
import { experimentId } from './experiments.js';
import type { Heartbeats } from './heartbeats.js';
import { encodeJson } from './json.js';
import { insertLineage } from './lineage.js';
import { removeLaterPoints } from './metrics.js';
import { thisProcess } from './process-identity.js';
import { runQueries } from './run-queries.js';
import { requireRun, runDeleted, runNotFound, shownStatus } from './run-rows.js';
import { checkResumable, type FinalStatus } from './run-status.js';
import type { RunTable, StoreSchema } from './schema.js';
import { checkName, storableText } from './text.js';
import type { LineageEdge, NewRun, RunStore } from './types.js';

const LONGEST_ERROR = 10_000;

/** The {@link RunStore} part of a store. */
export function runStore({ db }: StoreContext, beats: Heartbeats): RunStore {
  const queries = runQueries(db);

  return {
    ...queries,

    async createRun(run) {
      const row = newRow(run);
      await db.transaction().execute(async (transaction) => {
        if (run.parentRunId !== undefined) await requireRun(transaction, run.parentRunId);
        const experiment_id = await experimentId(transaction, run.experiment ?? 'default');
        const { numInsertedOrUpdatedRows = 0n } = await transaction
          .insertInto('run')
          .values({ ...row, experiment_id })
          .$if(run.id !== undefined, (query) => query.onConflict((conflict) => conflict.column('id').doNothing()))
          .executeTakeFirstOrThrow();
        if (numInsertedOrUpdatedRows > 0n) await insertLineage(transaction, originsOf(row.id, run));
      });
      if (run.attached !== false) beats.attach(row.id, row.attempt);
      return row.id;
    },

    async finishRun(runId, status, { error } = {}) {
      const attempt = beats.attemptOf(runId);
      const { numUpdatedRows } = await db
        .updateTable('run')
        .set({ status, ended_at: Date.now(), error: error === undefined ? null : errorText(error) })
        .where('id', '=', runId)
        .where('status', '=', 'running')
        .where('deleted_at', 'is', null)
        .$if(attempt !== undefined, (query) => query.where('attempt', '=', attempt ?? 0))
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) await explainUnfinished(db, runId, status, attempt);
      beats.detach(runId);
    },

    async resumeRun(runId, { afterStep } = {}) {
      const attempt = await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .selectFrom('run')
          .select(['status', 'attempt', 'deleted_at', 'host', 'pid', 'process_started', 'heartbeat_at'])
          .where('id', '=', runId)
          .executeTakeFirst();
        if (row === undefined) throw runNotFound(runId);
        if (row.deleted_at !== null) throw runDeleted(runId);
        checkResumable(runId, shownStatus(row));
        const { numUpdatedRows } = await transaction
          .updateTable('run')
          .set({ status: 'running', attempt: row.attempt + 1, ended_at: null, error: null, ...owner(true) })
          .where('id', '=', runId)
          .where('attempt', '=', row.attempt)
          .where('status', '=', row.status)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) throw takenOver(runId);
        if (afterStep !== undefined) await removeLaterPoints(transaction, runId, afterStep);
        return row.attempt + 1;
      });
      beats.attach(runId, attempt);
      return queries.getRun(runId);
    },

    async heartbeat(runId) {
      await requireRun(db, runId);
      await beats.beat(runId);
    },
  };
}

/** An id that no other run has. */
export function newRunId(): string {
  return randomBytes(16).toString('hex');
}

function newRow(run: NewRun): Omit<Insertable<RunTable>, 'experiment_id'> & { id: string; attempt: number } {
  if (run.seed !== null && !Number.isSafeInteger(run.seed)) {
    throw new BallastError('The seed of a run must be an integer below 2^53', {
      code: 'RUN_SEED_INVALID',
      place: 'seed',
      value: run.seed,
    });
  }
  return {
    id: run.id ?? newRunId(),
    name: checkName(run.name, 'run name'),
    kind: checkName(run.kind, 'kind of run'),
    role: run.role ?? null,
    status: 'running',
    attempt: 1,
    seed: run.seed,
    dataset_name: run.datasetName === null ? null : checkName(run.datasetName, 'data set name'),
    data_version: run.dataVersion === null ? null : checkName(run.dataVersion, 'data version'),
    regularizer_id: run.regularizerId === null ? null : checkName(run.regularizerId, 'regularizer id'),
    manifest: encodeJson(run.manifest, 'manifest'),
    spec: encodeJson(run.spec, 'spec'),
    environment: encodeJson(run.environment, 'environment'),
    code_commit: run.codeCommit === undefined ? null : checkName(run.codeCommit, 'code commit'),
    parent_run_id: run.parentRunId ?? null,
    group_id: run.groupId === undefined ? null : checkName(run.groupId, 'group id'),
    started_at: Date.now(),
    ...owner(run.attached !== false),
  };
}

function owner(attached: boolean): Pick<Insertable<RunTable>, 'host' | 'pid' | 'process_started' | 'heartbeat_at'> {
  const { host, pid, started } = thisProcess();
  return {
    host: attached ? host : null,
    pid: attached ? pid : null,
    process_started: attached ? started : null,
    heartbeat_at: Date.now(),
  };
}

function originsOf(runId: string, { datasetName, dataVersion, parentRunId }: NewRun): LineageEdge[] {
  const to = { kind: 'run', id: runId } as const;
  const edges: LineageEdge[] = [];
  if (datasetName !== null && dataVersion !== null) {
    edges.push({ from: { kind: 'data', id: `${datasetName}@${dataVersion}` }, to, relation: 'used-by' });
  }
  if (parentRunId !== undefined) edges.push({ from: { kind: 'run', id: parentRunId }, to, relation: 'parent-of' });
  return edges;
}

/** Says why a run could not be given a status; returns when it has that status already. */
async function explainUnfinished(
  db: Kysely<StoreSchema>,
  runId: string,
  status: FinalStatus,
  attempt: number | undefined,
): Promise<void> {
  const row = await db
    .selectFrom('run')
    .select(['status', 'attempt', 'deleted_at'])
    .where('id', '=', runId)
    .executeTakeFirst();
  if (row === undefined) throw runNotFound(runId);
  if (row.deleted_at !== null) throw runDeleted(runId);
  if (attempt !== undefined && row.attempt !== attempt) throw takenOver(runId);
  if (row.status === status) return;
  throw new BallastError(`This run has already ended as ${row.status}`, {
    code: 'RUN_ENDED',
    kind: 'conflict',
    place: `runs:/${runId}`,
    value: status,
    remedy: 'Start or resume a run before ending it.',
  });
}

function takenOver(runId: string): BallastError {
  return new BallastError('Another process has resumed this run', {
    code: 'RUN_TAKEN_OVER',
    kind: 'conflict',
    place: `runs:/${runId}`,
    remedy: 'Leave the run to that process.',
  });
}

function errorText(error: string): string {
  const text = storableText(error);
  return text.length > LONGEST_ERROR ? `${text.slice(0, LONGEST_ERROR - 3)}...` : text;
}
