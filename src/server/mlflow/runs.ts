import { z } from 'zod';
import type { FoundRun, Run, RunDocument, RunStatus, Store } from '../../store/index.js';
import { requireDistinct, requireWithin } from './batch-limits.js';
import {
  decodePage,
  double,
  type Endpoint,
  encodePage,
  endpoint,
  experimentId,
  integer,
  listOf,
  ofRun,
  pageToken,
  parameter,
  runId,
  tag,
  toDouble,
  toRecord,
} from './endpoint.js';
import { viewType } from './experiments.js';

/** MLflow's statuses by Ballast's. */
const STATUS: Record<RunStatus, string> = {
  running: 'RUNNING',
  interrupted: 'KILLED',
  finished: 'FINISHED',
  failed: 'FAILED',
  cancelled: 'KILLED',
  diverged: 'FAILED',
};

/** The other way round. Ballast knows no run that is only planned: it counts as running. */
const FROM_STATUS = {
  RUNNING: 'running',
  SCHEDULED: 'running',
  FINISHED: 'finished',
  FAILED: 'failed',
  KILLED: 'cancelled',
} as const;

const status = z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']).transform((name) => FROM_STATUS[name]);

const metric = z.object({
  key: z.string(),
  value: double,
  timestamp: integer.optional(),
  step: integer.default(0),
  model_id: z.string().optional(),
  dataset_name: z.string().optional(),
  dataset_digest: z.string().optional(),
});
type Metric = z.output<typeof metric>;

const withRun = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.preprocess(
    // The id under either of its names.
    (request) => ({ ...(request as object), run: request }),
    z.object({ run: ofRun, ...shape }),
  );

export const runEndpoints: readonly Endpoint[] = [
  endpoint(
    'POST',
    'runs/create',
    z.object({
      experiment_id: experimentId.default(0),
      user_id: z.string().default(''),
      run_name: z.string().default(''),
      start_time: integer.optional(),
      tags: listOf(tag),
    }),
    async ({ experiment_id, user_id, run_name, start_time, tags }, caller) => {
      await caller.requireExperiment(experiment_id, 'edit');
      const given = toRecord(tags);
      if (user_id !== '') given['mlflow.user'] ??= user_id;
      const id = await caller.store.createRemoteRun({
        experimentId: experiment_id,
        name: run_name,
        tags: given,
        startedAt: start_time === undefined || start_time === 0 ? new Date() : new Date(start_time),
      });
      return `{"run":${await runMessage(caller.store, id)}}`;
    },
  ),

  endpoint('GET', 'runs/get', withRun({}), async ({ run }, caller) => {
    await caller.requireRun(run, 'read');
    return `{"run":${await runMessage(caller.store, run)}}`;
  }),

  endpoint(
    'POST',
    'runs/update',
    withRun({ status: status.optional(), end_time: integer.optional(), run_name: z.string().optional() }),
    async ({ run, status: changed, end_time, run_name }, caller) => {
      await caller.requireRun(run, 'edit');
      await caller.store.updateRemoteRun(run, {
        ...(run_name === undefined || run_name === '' ? {} : { name: run_name }),
        ...(changed === undefined ? {} : { status: changed }),
        ...(end_time === undefined ? {} : { endedAt: new Date(end_time) }),
      });
      return { run_info: await infoOf(caller.store, run) };
    },
  ),

  endpoint('POST', 'runs/delete', withRun({}), async ({ run }, caller) => {
    await caller.requireRun(run, 'edit');
    await caller.store.deleteRun(run);
    return {};
  }),

  endpoint('POST', 'runs/restore', withRun({}), async ({ run }, caller) => {
    await caller.requireRun(run, 'edit');
    await caller.store.restoreRun(run);
    return {};
  }),

  endpoint('POST', 'runs/log-metric', z.intersection(withRun({}), metric), async ({ run, ...point }, caller) => {
    await caller.requireRun(run, 'edit');
    await logMetrics(caller.store, run, [point]);
    return {};
  }),

  endpoint(
    'POST',
    'runs/log-parameter',
    z.intersection(withRun({}), parameter),
    async ({ run, key, value }, caller) => {
      await caller.requireRun(run, 'edit');
      await caller.store.logBatch(run, { params: toRecord([{ key, value }]) });
      return {};
    },
  ),

  endpoint('POST', 'runs/set-tag', z.intersection(withRun({}), tag), async ({ run, key, value }, caller) => {
    await caller.requireRun(run, 'edit');
    await caller.store.logBatch(run, { tags: toRecord([{ key, value }]) });
    return {};
  }),

  endpoint('POST', 'runs/delete-tag', withRun({ key: z.string() }), async ({ run, key }, caller) => {
    await caller.requireRun(run, 'edit');
    await caller.store.removeTag(run, key);
    return {};
  }),

  endpoint(
    'POST',
    'runs/log-batch',
    withRun({ metrics: listOf(metric), params: listOf(parameter), tags: listOf(tag) }),
    async ({ run, metrics = [], params = [], tags = [] }, caller) => {
      requireWithin({ metrics: metrics.length, params: params.length, tags: tags.length });
      requireDistinct(params);
      await caller.requireRun(run, 'edit');
      await logMetrics(caller.store, run, metrics, { params: toRecord(params), tags: toRecord(tags) });
      return {};
    },
  ),

  endpoint(
    'POST',
    'runs/search',
    z.object({
      experiment_ids: listOf(experimentId),
      filter: z.string().optional(),
      run_view_type: viewType.optional(),
      max_results: integer.default(1000),
      order_by: listOf(z.string()),
      page_token: pageToken,
    }),
    async (request, caller) => {
      const offset = decodePage(request.page_token);
      const { runs, more } = await caller.store.searchRuns({
        experimentIds: await caller.readable(request.experiment_ids ?? []),
        offset,
        limit: request.max_results,
        ...(request.filter === undefined ? {} : { filter: request.filter }),
        ...(request.order_by === undefined ? {} : { orderBy: request.order_by }),
        ...(request.run_view_type === undefined ? {} : { view: request.run_view_type }),
      });
      const documents = await caller.store.runDocuments(runs.map(({ id }) => id));
      const messages = runs.map((run) => message(run, documents.get(run.id)));
      const next = more ? `,"next_page_token":${JSON.stringify(encodePage(offset + runs.length))}` : '';
      return `{"runs":[${messages.join(',')}]${next}}`;
    },
  ),

  endpoint(
    'GET',
    'metrics/get-history',
    withRun({ metric_key: z.string(), max_results: integer.optional(), page_token: pageToken }),
    async ({ run, metric_key, max_results = 25_000, page_token }, caller) => {
      await caller.requireRun(run, 'read');
      const offset = decodePage(page_token);
      const points = await caller.store.metricPage(run, metric_key, { limit: max_results + 1, offset });
      return {
        metrics: points.slice(0, max_results).map(({ name, value, timestamp, step }) => ({
          key: name,
          value: toDouble(value),
          timestamp,
          step,
          run_id: run,
        })),
        ...(points.length > max_results ? { next_page_token: encodePage(offset + max_results) } : {}),
      };
    },
  ),

  endpoint(
    'POST',
    'runs/log-model',
    z.object({ run_id: runId, model_json: z.string() }),
    async ({ run_id, model_json }, caller) => {
      await caller.requireRun(run_id, 'edit');
      await caller.store.appendToTag(run_id, 'mlflow.log-model.history', model_json);
      return {};
    },
  ),
];

/** Logs metrics to a run and, where they name one, to a model. */
async function logMetrics(
  store: Store,
  run: string,
  metrics: readonly Metric[],
  rest: { params?: Record<string, string>; tags?: Record<string, string> } = {},
): Promise<void> {
  const now = Date.now();
  const points = metrics.map(({ key, value, timestamp = now, step }) => ({ name: key, value, timestamp, step }));
  await store.logBatch(run, { metrics: points, ...rest });
  const ofModels = metrics.flatMap(({ model_id, dataset_name, dataset_digest }, i) =>
    model_id === undefined || model_id === ''
      ? []
      : [{ ...points[i], modelId: model_id, runId: run, datasetName: dataset_name, datasetDigest: dataset_digest }],
  );
  await store.logModelMetrics(ofModels);
}

async function infoOf(store: Store, id: string): Promise<object> {
  const run = await store.getRun(id);
  const documents = await store.runDocuments([id]);
  return info({ ...run, experimentId: await store.experimentOfRun(id) }, userOf(documents.get(id)));
}

/** A run as JSON text. */
async function runMessage(store: Store, id: string): Promise<string> {
  const run = await store.getRun(id);
  const documents = await store.runDocuments([id]);
  return message({ ...run, experimentId: await store.experimentOfRun(id) }, documents.get(id));
}

function message(run: FoundRun | (Run & { experimentId: number }), document: RunDocument | undefined): string {
  const { params = '[]', tags = '[]', metrics = [], datasets = [], models = [] } = document ?? {};
  const values = metrics.map(
    ({ name, value, timestamp, step }) =>
      `{"key":${JSON.stringify(name)},"value":${JSON.stringify(toDouble(value))},"timestamp":${timestamp},"step":${step}}`,
  );
  const inputs = datasets.map(({ dataset: { sourceType, ...dataset }, tags: own }) => ({
    tags: Object.entries(own).map(([key, value]) => ({ key, value })),
    dataset: { ...dataset, source_type: sourceType },
  }));
  const modelInputs = models
    .filter(({ direction }) => direction === 'input')
    .map(({ modelId }) => ({ model_id: modelId }));
  const modelOutputs = models
    .filter(({ direction }) => direction === 'output')
    .map(({ modelId, step }) => ({ model_id: modelId, step }));
  return (
    `{"info":${JSON.stringify(info(run, userOf(document)))},` +
    `"data":{"metrics":[${values.join(',')}],"params":${params},"tags":${tags}},` +
    `"inputs":${JSON.stringify({ dataset_inputs: inputs, model_inputs: modelInputs })},` +
    `"outputs":${JSON.stringify({ model_outputs: modelOutputs })}}`
  );
}

/** The user stands among the tags, which are text: read where it is there at all. */
function userOf(document: RunDocument | undefined): string {
  const found = /\{"key"\s*:\s*"mlflow\.user",\s*"value"\s*:\s*("(?:[^"\\]|\\.)*")\}/.exec(document?.tags ?? '');
  return found === null ? '' : String(JSON.parse(found[1]));
}

function info(run: FoundRun | (Run & { experimentId: number }), user: string): object {
  return {
    run_id: run.id,
    run_uuid: run.id,
    run_name: run.name,
    experiment_id: String(run.experimentId),
    user_id: user,
    status: STATUS[run.status],
    start_time: run.startedAt.getTime(),
    ...(run.endedAt === undefined ? {} : { end_time: run.endedAt.getTime() }),
    artifact_uri: `mlflow-artifacts:/${run.experimentId}/${run.id}/artifacts`,
    lifecycle_stage: run.deletedAt === undefined ? 'active' : 'deleted',
  };
}
