import { randomBytes } from 'node:crypto';
import { BallastError } from '../../errors.js';
import type { StoreContext } from '../context.js';
import { insertPoints, toPoint, toRows } from '../metrics.js';
import { insertParameters, upsertTags } from '../parameters.js';
import { requireRun, runDeleted, runNotFound, shownStatus } from '../run-rows.js';
import { NAME_TAG } from '../search/run-attributes.js';
import { checkName } from '../text.js';
import { experimentDeleted, experimentNotFound, tagNotFound } from './experiments.js';
import { runDocuments } from './run-documents.js';
import type { RemoteRunStore } from './types.js';

const PARENT_TAG = 'mlflow.parentRunId';
const COMMIT_TAG = 'mlflow.source.git.commit';

/** The {@link RemoteRunStore} part of a store. */
export function remoteRunStore(context: StoreContext): RemoteRunStore {
  const { db } = context;
  return {
    runDocuments: (ids) => runDocuments(context, ids),

    async createRemoteRun({ experimentId, name, tags, startedAt }) {
      const id = randomBytes(16).toString('hex');
      const { [NAME_TAG]: named, ...rest } = tags;
      const now = Date.now();
      await db.transaction().execute(async (transaction) => {
        const experiment = await transaction
          .selectFrom('experiment')
          .select('deleted_at')
          .where('id', '=', experimentId)
          .executeTakeFirst();
        if (experiment === undefined) throw experimentNotFound(experimentId);
        if (experiment.deleted_at !== null) throw experimentDeleted(experimentId);
        const parent = rest[PARENT_TAG];
        const known =
          parent === undefined
            ? undefined
            : await transaction.selectFrom('run').select('id').where('id', '=', parent).executeTakeFirst();
        await transaction
          .insertInto('run')
          .values({
            id,
            experiment_id: experimentId,
            name: checkName(name === '' ? (named ?? id.slice(0, 8)) : name, 'run name'),
            kind: 'logged',
            role: null,
            status: 'running',
            attempt: 1,
            spec: 'null',
            manifest: 'null',
            environment: 'null',
            code_commit: rest[COMMIT_TAG] ?? null,
            parent_run_id: known?.id ?? null,
            started_at: startedAt.getTime(),
            heartbeat_at: now,
          })
          .execute();
        await upsertTags(transaction, id, rest);
      });
      return id;
    },

    async updateRemoteRun(runId, { name, status, endedAt }) {
      await db.transaction().execute(async (transaction) => {
        const row = await transaction
          .selectFrom('run')
          .select(['status', 'deleted_at', 'host', 'pid', 'process_started', 'heartbeat_at'])
          .where('id', '=', runId)
          .executeTakeFirst();
        if (row === undefined) throw runNotFound(runId);
        if (row.deleted_at !== null) throw runDeleted(runId);
        if (status !== undefined && status !== row.status && row.host !== null && shownStatus(row) === 'running') {
          throw new BallastError('This run is at work in a process of its own', {
            code: 'RUN_AT_WORK',
            kind: 'conflict',
            place: `runs:/${runId}`,
            remedy: 'Let that process end it.',
          });
        }
        const ended = status === 'running' ? null : (endedAt?.getTime() ?? Date.now());
        await transaction
          .updateTable('run')
          .set({
            heartbeat_at: Date.now(),
            ...(name === undefined ? {} : { name: checkName(name, 'run name') }),
            ...(status === undefined ? {} : { status, ended_at: ended }),
            ...(status === undefined && endedAt !== undefined ? { ended_at: endedAt.getTime() } : {}),
          })
          .where('id', '=', runId)
          .execute();
      });
    },

    async logBatch(runId, { metrics = [], params = {}, tags = {} }) {
      const rows = toRows(metrics);
      const { [NAME_TAG]: name, ...rest } = tags;
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        await insertParameters(transaction, runId, params);
        await insertPoints(transaction, runId, rows);
        await upsertTags(transaction, runId, rest);
        if (name === undefined) return;
        await transaction
          .updateTable('run')
          .set({ name: checkName(name, 'run name') })
          .where('id', '=', runId)
          .execute();
      });
    },

    async metricPage(runId, name, { limit, offset }) {
      await requireRun(db, runId, { deletedToo: true });
      const rows = await db
        .selectFrom('metric_series')
        .innerJoin('metric_point', 'metric_point.series_id', 'metric_series.id')
        .where('metric_series.run_id', '=', runId)
        .where('metric_series.name', '=', name)
        .select(['name', 'step', 'timestamp', 'value', 'is_nan'])
        .orderBy('step')
        .orderBy('timestamp')
        .orderBy('value')
        .orderBy('is_nan')
        .limit(limit)
        .offset(offset)
        .execute();
      return rows.map(toPoint);
    },

    async removeTag(runId, name) {
      await requireRun(db, runId);
      const { numDeletedRows } = await db
        .deleteFrom('run_tag')
        .where('run_id', '=', runId)
        .where('name', '=', name)
        .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw tagNotFound(name, `runs:/${runId}`);
    },

    async appendToTag(runId, name, document) {
      const item = parsed(document, name);
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        const row = await transaction
          .selectFrom('run_tag')
          .select('value')
          .where('run_id', '=', runId)
          .where('name', '=', name)
          .executeTakeFirst();
        const before = row === undefined ? [] : parsed(row.value, name);
        await upsertTags(transaction, runId, { [name]: JSON.stringify([before, item].flat()) });
      });
    },

    async experimentOfRun(runId) {
      const row = await db.selectFrom('run').select('experiment_id').where('id', '=', runId).executeTakeFirst();
      if (row === undefined) throw runNotFound(runId);
      return row.experiment_id;
    },
  };
}

function parsed(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BallastError('This text is not JSON', { code: 'STORE_JSON_INVALID', place, cause: error });
  }
}
