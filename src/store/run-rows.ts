import type { Kysely, Selectable } from 'kysely';
import { BallastError } from '../errors.js';
import { decodeJson } from './json.js';
import { isAtWork } from './process-identity.js';
import type { RunStatus } from './run-status.js';
import type { RunTable, StoreSchema } from './schema.js';
import type { Run, RunSummary } from './types.js';

/** The columns of a {@link RunSummary}. */
export const SUMMARY_COLUMNS = [
  'run.sequence',
  'run.id',
  'experiment.name as experiment',
  'run.name',
  'run.kind',
  'run.role',
  'run.status',
  'run.attempt',
  'run.seed',
  'run.dataset_name',
  'run.data_version',
  'run.regularizer_id',
  'run.code_commit',
  'run.parent_run_id',
  'run.group_id',
  'run.started_at',
  'run.ended_at',
  'run.error',
  'run.deleted_at',
  'run.host',
  'run.pid',
  'run.process_started',
  'run.heartbeat_at',
] as const;

/** The columns of a {@link Run}. */
export const RUN_COLUMNS = [...SUMMARY_COLUMNS, 'run.spec', 'run.manifest', 'run.environment'] as const;

type Documents = 'spec' | 'manifest' | 'environment';
type SummaryRow = Omit<Selectable<RunTable>, Documents | 'experiment_id'> & { experiment: string };
type RunRow = SummaryRow & Pick<Selectable<RunTable>, Documents>;

/** A run's row as its readers know it. */
export function toSummary(row: SummaryRow): RunSummary {
  return {
    id: row.id,
    experiment: row.experiment,
    name: row.name,
    kind: row.kind,
    role: row.role ?? undefined,
    status: shownStatus(row),
    attempt: row.attempt,
    seed: row.seed ?? undefined,
    datasetName: row.dataset_name ?? undefined,
    dataVersion: row.data_version ?? undefined,
    regularizerId: row.regularizer_id ?? undefined,
    codeCommit: row.code_commit ?? undefined,
    parentRunId: row.parent_run_id ?? undefined,
    groupId: row.group_id ?? undefined,
    startedAt: new Date(row.started_at),
    endedAt: toDate(row.ended_at),
    heartbeatAt: new Date(row.heartbeat_at),
    error: row.error ?? undefined,
    deletedAt: toDate(row.deleted_at),
  };
}

/** A run's row with its documents. */
export function toRun(row: RunRow): Run {
  return {
    ...toSummary(row),
    spec: decodeJson(row.spec),
    manifest: decodeJson(row.manifest),
    environment: decodeJson(row.environment),
  };
}

type Liveness = Pick<Selectable<RunTable>, 'status' | 'host' | 'pid' | 'process_started' | 'heartbeat_at'>;

/** `interrupted` for a run stored as running whose process is gone. */
export function shownStatus({ status, host, pid, process_started, heartbeat_at }: Liveness): RunStatus {
  if (status !== 'running' || host === null || pid === null) return status;
  return isAtWork({ host, pid, started: process_started }, heartbeat_at, Date.now()) ? 'running' : 'interrupted';
}

/**
 * Checks that a run exists and, unless said otherwise, that it is not deleted.
 *
 * @throws BallastError `RUN_NOT_FOUND`, `RUN_DELETED`
 */
export async function requireRun(
  db: Kysely<StoreSchema>,
  runId: string,
  { deletedToo = false }: { deletedToo?: boolean } = {},
): Promise<void> {
  const row = await db.selectFrom('run').select('deleted_at').where('id', '=', runId).executeTakeFirst();
  if (row === undefined) throw runNotFound(runId);
  if (row.deleted_at !== null && !deletedToo) throw runDeleted(runId);
}

export function runNotFound(reference: string): BallastError {
  return new BallastError('There is no such run in this store', {
    code: 'RUN_NOT_FOUND',
    kind: 'not-found',
    value: reference,
    remedy: 'List the runs to see their ids, or check which store is used.',
  });
}

export function runDeleted(runId: string): BallastError {
  return new BallastError('This run is deleted', {
    code: 'RUN_DELETED',
    kind: 'conflict',
    place: `runs:/${runId}`,
    remedy: 'Restore it first.',
  });
}

function toDate(time: number | null): Date | undefined {
  return time === null ? undefined : new Date(time);
}
