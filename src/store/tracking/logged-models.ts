import { randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import { BallastError } from '../../errors.js';
import { isAtOrBelow, openContent, storeContent } from '../artifacts.js';
import { batches } from '../batches.js';
import type { StoreContext } from '../context.js';
import { encodeJson } from '../json.js';
import { toRows } from '../metrics.js';
import { requireRun } from '../run-rows.js';
import type { StoreSchema } from '../schema.js';
import { checkName, storableText } from '../text.js';
import { experimentDeleted, experimentNotFound, tagNotFound } from './experiments.js';
import { loggedModelsOf, searchLoggedModels } from './logged-model-queries.js';
import type { LoggedModelStore } from './types.js';

/** The {@link LoggedModelStore} part of a store. */
export function loggedModelStore(context: StoreContext): LoggedModelStore {
  const { db, folder } = context;

  async function get(modelId: string, { deletedToo = false } = {}) {
    const [model] = await loggedModelsOf(db, [modelId], { deletedToo });
    if (model === undefined) throw loggedModelNotFound(modelId);
    return model;
  }

  async function touch(transaction: Kysely<StoreSchema>, modelId: string): Promise<void> {
    const { numUpdatedRows } = await transaction
      .updateTable('logged_model')
      .set({ updated_at: Date.now() })
      .where('id', '=', modelId)
      .where('deleted_at', 'is', null)
      .executeTakeFirstOrThrow();
    if (numUpdatedRows === 0n) throw loggedModelNotFound(modelId);
  }

  const artifacts = (modelId: string) =>
    db
      .selectFrom('logged_model_artifact')
      .innerJoin('blob', 'blob.sha256', 'logged_model_artifact.sha256')
      .where('model_id', '=', modelId)
      .select(['path', 'blob.sha256', 'size', 'media_type as mediaType', 'logged_model_artifact.created_at']);

  return {
    getLoggedModel: get,
    searchLoggedModels: (query) => searchLoggedModels(context, query),

    async createLoggedModel({ experimentId, name, modelType, sourceRunId, params, tags }) {
      const id = `m-${randomBytes(16).toString('hex')}`;
      const now = Date.now();
      await db.transaction().execute(async (transaction) => {
        const experiment = await transaction
          .selectFrom('experiment')
          .select('deleted_at')
          .where('id', '=', experimentId)
          .executeTakeFirst();
        if (experiment === undefined) throw experimentNotFound(experimentId);
        if (experiment.deleted_at !== null) throw experimentDeleted(experimentId);
        if (sourceRunId !== undefined) await requireRun(transaction, sourceRunId);
        await transaction
          .insertInto('logged_model')
          .values({
            id,
            experiment_id: experimentId,
            source_run_id: sourceRunId ?? null,
            name: checkName(name, 'model name'),
            model_type: storableText(modelType),
            status: 'pending',
            created_at: now,
            updated_at: now,
            deleted_at: null,
          })
          .execute();
        await putTexts(transaction, 'logged_model_parameter', id, params);
        await putTexts(transaction, 'logged_model_tag', id, tags);
      });
      return get(id);
    },

    async setLoggedModelStatus(modelId, status) {
      await get(modelId);
      await db.updateTable('logged_model').set({ status, updated_at: Date.now() }).where('id', '=', modelId).execute();
    },

    async deleteLoggedModel(modelId) {
      await get(modelId);
      await db.updateTable('logged_model').set({ deleted_at: Date.now() }).where('id', '=', modelId).execute();
    },

    async logModelParams(modelId, params) {
      await db.transaction().execute(async (transaction) => {
        await touch(transaction, modelId);
        await putTexts(transaction, 'logged_model_parameter', modelId, params);
      });
    },

    async setLoggedModelTags(modelId, tags) {
      await db.transaction().execute(async (transaction) => {
        await touch(transaction, modelId);
        await putTexts(transaction, 'logged_model_tag', modelId, tags);
      });
    },

    async removeLoggedModelTag(modelId, name) {
      await get(modelId);
      const { numDeletedRows } = await db
        .deleteFrom('logged_model_tag')
        .where('model_id', '=', modelId)
        .where('name', '=', name)
        .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) throw tagNotFound(name, modelId);
    },

    async logModelMetrics(metrics) {
      if (metrics.length === 0) return;
      const points = toRows(metrics);
      const rows = metrics.map(({ modelId, runId, datasetName = '', datasetDigest = '' }, i) => {
        const { name, step, timestamp, value, is_nan } = points[i];
        return {
          model_id: modelId,
          run_id: runId,
          name,
          step,
          timestamp,
          value,
          is_nan,
          dataset_name: storableText(datasetName),
          dataset_digest: storableText(datasetDigest),
        };
      });
      await db.transaction().execute(async (transaction) => {
        for (const modelId of new Set(rows.map(({ model_id }) => model_id))) await touch(transaction, modelId);
        for (const batch of batches(rows)) {
          await transaction
            .insertInto('logged_model_metric')
            .values(batch)
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
      });
    },

    async logInputs(runId, datasets) {
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        const { experiment_id } = await transaction
          .selectFrom('run')
          .select('experiment_id')
          .where('id', '=', runId)
          .executeTakeFirstOrThrow();
        for (const { dataset, tags } of datasets) {
          const values = {
            source_type: storableText(dataset.sourceType),
            source: storableText(dataset.source),
            schema: dataset.schema === undefined ? null : storableText(dataset.schema),
            profile: dataset.profile === undefined ? null : storableText(dataset.profile),
          };
          const { id } = await transaction
            .insertInto('dataset')
            .values({
              experiment_id,
              name: checkName(dataset.name, 'data set name'),
              digest: checkName(dataset.digest, 'digest'),
              ...values,
            })
            .onConflict((conflict) => conflict.columns(['experiment_id', 'name', 'digest']).doUpdateSet(values))
            .returning('id')
            .executeTakeFirstOrThrow();
          const encoded = encodeJson(tags, 'tags');
          await transaction
            .insertInto('run_dataset')
            .values({ run_id: runId, dataset_id: id, tags: encoded })
            .onConflict((conflict) => conflict.columns(['run_id', 'dataset_id']).doUpdateSet({ tags: encoded }))
            .execute();
        }
      });
    },

    async logRunModels(runId, models) {
      await db.transaction().execute(async (transaction) => {
        await requireRun(transaction, runId);
        for (const { modelId, direction, step } of models) {
          await touch(transaction, modelId);
          await transaction
            .insertInto('run_model')
            .values({ run_id: runId, model_id: modelId, direction, step })
            .onConflict((conflict) => conflict.doNothing())
            .execute();
        }
      });
    },

    async putModelArtifact(modelId, path, source, { mediaType = 'application/octet-stream' } = {}) {
      const { sha256, size, createdAt } = await storeContent(context, path, source, async (transaction, content) => {
        await touch(transaction, modelId);
        const row = { sha256: content.sha256, media_type: mediaType, created_at: content.createdAt };
        await transaction
          .insertInto('logged_model_artifact')
          .values({ model_id: modelId, path, ...row })
          .onConflict((conflict) => conflict.columns(['model_id', 'path']).doUpdateSet(row))
          .execute();
      });
      return { path, sha256, size, mediaType, createdAt: new Date(createdAt) };
    },

    async listModelArtifacts(modelId) {
      await get(modelId, { deletedToo: true });
      const rows = await artifacts(modelId).orderBy('path').execute();
      return rows.map(({ created_at, ...row }) => ({ ...row, createdAt: new Date(created_at) }));
    },

    async openModelArtifact(modelId, path) {
      await get(modelId, { deletedToo: true });
      const row = await artifacts(modelId).where('path', '=', path).executeTakeFirst();
      if (row === undefined) {
        throw new BallastError(`The model has no artifact "${path}"`, {
          code: 'ARTIFACT_NOT_FOUND',
          kind: 'not-found',
          place: `models:/${modelId}`,
          remedy: 'List its artifacts to see what there is.',
        });
      }
      const { created_at, ...record } = row;
      return openContent(folder, { ...record, createdAt: new Date(created_at) });
    },

    async deleteModelArtifacts(modelId, path) {
      await get(modelId);
      const { numDeletedRows } = await db
        .deleteFrom('logged_model_artifact')
        .where('model_id', '=', modelId)
        .where(isAtOrBelow(path))
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

async function putTexts(
  db: Kysely<StoreSchema>,
  table: 'logged_model_parameter' | 'logged_model_tag',
  modelId: string,
  texts: Readonly<Record<string, string>>,
): Promise<void> {
  const rows = Object.entries(texts).map(([name, value]) => ({
    model_id: modelId,
    name: checkName(name, table === 'logged_model_tag' ? 'tag name' : 'parameter name'),
    value: storableText(value),
  }));
  for (const batch of batches(rows)) {
    await db
      .insertInto(table)
      .values(batch)
      .onConflict((conflict) =>
        conflict.columns(['model_id', 'name']).doUpdateSet(({ ref }) => ({ value: ref('excluded.value') })),
      )
      .execute();
  }
}

function loggedModelNotFound(modelId: string): BallastError {
  return new BallastError(`Logged model with ID '${modelId}' not found.`, {
    code: 'LOGGED_MODEL_NOT_FOUND',
    kind: 'not-found',
    remedy: 'Search the logged models to see their ids.',
  });
}
