import { z } from 'zod';
import type { LoggedModel } from '../../store/index.js';
import { childrenOf } from './artifact-tree.js';
import {
  decodePage,
  type Endpoint,
  encodePage,
  endpoint,
  experimentId,
  integer,
  listOf,
  pageToken,
  parameter,
  runId,
  tag,
  toDouble,
  toPairs,
  toRecord,
} from './endpoint.js';

const STATUS = {
  pending: 'LOGGED_MODEL_PENDING',
  ready: 'LOGGED_MODEL_READY',
  failed: 'LOGGED_MODEL_UPLOAD_FAILED',
} as const;

const FROM_STATUS = {
  LOGGED_MODEL_PENDING: 'pending',
  LOGGED_MODEL_READY: 'ready',
  LOGGED_MODEL_UPLOAD_FAILED: 'failed',
} as const;

/** The id of a logged model, as the store makes them. */
const modelId = z.string().regex(/^m-[0-9a-f]{32}$/, 'it must be the id of a logged model');

const one = z.object({ model_id: modelId });
const dataset = z.object({
  name: z.string(),
  digest: z.string(),
  source_type: z.string(),
  source: z.string(),
  schema: z.string().optional(),
  profile: z.string().optional(),
});

export const loggedModelEndpoints: readonly Endpoint[] = [
  endpoint(
    'POST',
    'logged-models',
    z.object({
      experiment_id: experimentId,
      name: z.string().default(''),
      model_type: z.string().default(''),
      source_run_id: runId.optional(),
      params: listOf(parameter),
      tags: listOf(tag),
    }),
    async ({ experiment_id, name, model_type, source_run_id, params, tags }, caller) => {
      await caller.requireExperiment(experiment_id, 'edit');
      const model = await caller.store.createLoggedModel({
        experimentId: experiment_id,
        name: name === '' ? 'model' : name,
        modelType: model_type,
        params: toRecord(params),
        tags: toRecord(tags),
        ...(source_run_id === undefined ? {} : { sourceRunId: source_run_id }),
      });
      return { model: toMessage(model) };
    },
  ),

  endpoint(
    'GET',
    'logged-models/:model_id',
    one.extend({ allow_deleted: z.string().optional() }),
    async ({ model_id, allow_deleted }, caller) => {
      await caller.requireLoggedModel(model_id, 'read');
      return {
        model: toMessage(await caller.store.getLoggedModel(model_id, { deletedToo: allow_deleted === 'true' })),
      };
    },
  ),

  endpoint(
    'PATCH',
    'logged-models/:model_id',
    one.extend({
      status: z
        .enum(['LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED'])
        .transform((name) => FROM_STATUS[name]),
    }),
    async ({ model_id, status }, caller) => {
      await caller.requireLoggedModel(model_id, 'edit');
      await caller.store.setLoggedModelStatus(model_id, status);
      return { model: toMessage(await caller.store.getLoggedModel(model_id)) };
    },
  ),

  endpoint('DELETE', 'logged-models/:model_id', one, async ({ model_id }, caller) => {
    await caller.requireLoggedModel(model_id, 'edit');
    await caller.store.deleteLoggedModel(model_id);
    return {};
  }),

  endpoint(
    'POST',
    'logged-models/:model_id/params',
    one.extend({ params: listOf(parameter) }),
    async ({ model_id, params }, caller) => {
      await caller.requireLoggedModel(model_id, 'edit');
      await caller.store.logModelParams(model_id, toRecord(params));
      return {};
    },
  ),

  endpoint(
    'PATCH',
    'logged-models/:model_id/tags',
    one.extend({ tags: listOf(tag) }),
    async ({ model_id, tags }, caller) => {
      await caller.requireLoggedModel(model_id, 'edit');
      await caller.store.setLoggedModelTags(model_id, toRecord(tags));
      return { model: toMessage(await caller.store.getLoggedModel(model_id)) };
    },
  ),

  endpoint(
    'DELETE',
    'logged-models/:model_id/tags/:tag_key',
    one.extend({ tag_key: z.string() }),
    async ({ model_id, tag_key }, caller) => {
      await caller.requireLoggedModel(model_id, 'edit');
      await caller.store.removeLoggedModelTag(model_id, tag_key);
      return {};
    },
  ),

  endpoint(
    'GET',
    'logged-models/:model_id/artifacts/directories',
    one.extend({ artifact_directory_path: z.string().default('') }),
    async ({ model_id, artifact_directory_path }, caller) => {
      await caller.requireLoggedModel(model_id, 'read');
      const { experimentId: experiment } = await caller.store.getLoggedModel(model_id);
      return {
        root_uri: artifactUri(model_id, experiment),
        files: childrenOf(await caller.store.listModelArtifacts(model_id), artifact_directory_path, { full: true }),
      };
    },
  ),

  endpoint(
    'POST',
    'logged-models/search',
    z.object({
      experiment_ids: listOf(experimentId),
      filter: z.string().optional(),
      datasets: listOf(z.object({ dataset_name: z.string(), dataset_digest: z.string().optional() })),
      max_results: integer.optional(),
      order_by: listOf(
        z.object({
          field_name: z.string(),
          ascending: z.boolean().default(true),
          dataset_name: z.string().optional(),
          dataset_digest: z.string().optional(),
        }),
      ),
      page_token: pageToken,
    }),
    async (request, caller) => {
      const offset = decodePage(request.page_token);
      const { models, more } = await caller.store.searchLoggedModels({
        experimentIds: await caller.readable(request.experiment_ids ?? []),
        offset,
        ...(request.filter === undefined ? {} : { filter: request.filter }),
        ...(request.max_results === undefined ? {} : { limit: request.max_results }),
        datasets: (request.datasets ?? []).map(({ dataset_name, dataset_digest }) => ({
          name: dataset_name,
          ...(dataset_digest === undefined ? {} : { digest: dataset_digest }),
        })),
        orderBy: (request.order_by ?? []).map(({ field_name, ascending, dataset_name, dataset_digest }) => ({
          field: field_name,
          ascending,
          ...(dataset_name === undefined ? {} : { datasetName: dataset_name }),
          ...(dataset_digest === undefined ? {} : { datasetDigest: dataset_digest }),
        })),
      });
      return {
        models: models.map(toMessage),
        ...(more ? { next_page_token: encodePage(offset + models.length) } : {}),
      };
    },
  ),

  endpoint(
    'POST',
    'runs/log-inputs',
    z.object({
      run_id: runId,
      datasets: listOf(z.object({ tags: listOf(tag), dataset })),
      models: listOf(one),
    }),
    async ({ run_id, datasets = [], models = [] }, caller) => {
      await caller.requireRun(run_id, 'edit');
      await caller.store.logInputs(
        run_id,
        datasets.map(({ tags, dataset: { source_type, schema, profile, ...rest } }) => ({
          tags: toRecord(tags),
          dataset: {
            ...rest,
            sourceType: source_type,
            ...(schema === undefined ? {} : { schema }),
            ...(profile === undefined ? {} : { profile }),
          },
        })),
      );
      await caller.store.logRunModels(
        run_id,
        models.map(({ model_id }) => ({ modelId: model_id, direction: 'input', step: 0 })),
      );
      return {};
    },
  ),

  endpoint(
    'POST',
    'runs/outputs',
    z.object({ run_id: runId, models: listOf(one.extend({ step: integer.default(0) })) }),
    async ({ run_id, models = [] }, caller) => {
      await caller.requireRun(run_id, 'edit');
      await caller.store.logRunModels(
        run_id,
        models.map(({ model_id, step }) => ({ modelId: model_id, direction: 'output', step })),
      );
      return {};
    },
  ),
];

function artifactUri(id: string, experiment: number): string {
  return `mlflow-artifacts:/${experiment}/models/${id}/artifacts`;
}

function toMessage(model: LoggedModel): object {
  return {
    info: {
      model_id: model.id,
      experiment_id: String(model.experimentId),
      name: model.name,
      creation_timestamp_ms: model.createdAt.getTime(),
      last_updated_timestamp_ms: model.updatedAt.getTime(),
      artifact_uri: artifactUri(model.id, model.experimentId),
      status: STATUS[model.status],
      model_type: model.modelType,
      ...(model.sourceRunId === undefined ? {} : { source_run_id: model.sourceRunId }),
      tags: toPairs(model.tags),
    },
    data: {
      params: toPairs(model.params),
      metrics: model.metrics.map(({ name, value, timestamp, step, runId: run, datasetName, datasetDigest }) => ({
        key: name,
        value: toDouble(value),
        timestamp,
        step,
        model_id: model.id,
        run_id: run,
        ...(datasetName === undefined ? {} : { dataset_name: datasetName }),
        ...(datasetDigest === undefined ? {} : { dataset_digest: datasetDigest }),
      })),
    },
  };
}
