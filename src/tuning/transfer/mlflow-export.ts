import type { Run, Store } from '../../store/types.js';
import { MlflowClient } from './mlflow-client.js';

export interface Exported {
  readonly run: string;
  /** Its id on the other server. */
  readonly exportedAs: string;
  readonly experimentId: string;
  readonly metrics: number;
  readonly artifacts: number;
}

const METRICS_PER_BATCH = 1000;
const TEXTS_PER_BATCH = 100;
const STATUS = {
  running: 'RUNNING',
  interrupted: 'KILLED',
  finished: 'FINISHED',
  failed: 'FAILED',
  cancelled: 'KILLED',
  diverged: 'FAILED',
} as const;

/**
 * Copies a run to an MLflow server: parameters, tags, every point of every metric, manifest and spec as tags' files,
 * artifacts. The original is not changed.
 */
export async function exportToMlflow(
  store: Store,
  run: Run,
  url: string,
  { artifacts = true, experiment = run.experiment }: { artifacts?: boolean; experiment?: string } = {},
): Promise<Exported> {
  const client = new MlflowClient(url);
  const experimentId = await experimentOn(client, experiment);
  const tags = {
    ...(await store.getTags(run.id)),
    'ballast.run': run.id,
    ...(run.regularizerId === undefined ? {} : { 'ballast.regularizers': run.regularizerId }),
    ...(run.codeCommit === undefined ? {} : { 'mlflow.source.git.commit': run.codeCommit }),
  };
  const { run: made } = await client.ask<{ run: { info: { run_id: string; artifact_uri: string } } }>(
    'POST',
    'runs/create',
    {
      experiment_id: experimentId,
      run_name: run.name,
      start_time: run.startedAt.getTime(),
      tags: [],
    },
  );
  const { run_id, artifact_uri } = made.info;
  const batch = (fields: Record<string, unknown>) => client.ask('POST', 'runs/log-batch', { run_id, ...fields });
  for (const part of parts(Object.entries(await store.getParams(run.id)), TEXTS_PER_BATCH)) {
    await batch({ params: part.map(([key, value]) => ({ key, value })) });
  }
  for (const part of parts(Object.entries(tags), TEXTS_PER_BATCH)) {
    await batch({ tags: part.map(([key, value]) => ({ key, value })) });
  }
  const points = await store.metricHistory(run.id);
  for (const part of parts(points, METRICS_PER_BATCH)) {
    await batch({
      metrics: part.map(({ name, value, timestamp, step }) => ({
        key: name,
        value: Number.isFinite(value) ? value : String(value),
        timestamp,
        step,
      })),
    });
  }
  let sent = 0;
  if (artifacts) {
    const manifest = Buffer.from(
      JSON.stringify({ manifest: run.manifest, spec: run.spec, environment: run.environment }),
    );
    await client.upload(artifact_uri, 'ballast/record.json', one(manifest));
    for (const { path } of await store.listArtifacts(run.id)) {
      await client.upload(artifact_uri, path, (await store.openArtifact(run.id, path)).stream());
      sent += 1;
    }
  }
  await client.ask('POST', 'runs/update', {
    run_id,
    status: STATUS[run.status],
    ...(run.endedAt === undefined ? {} : { end_time: run.endedAt.getTime() }),
  });
  return { run: run.id, exportedAs: run_id, experimentId, metrics: points.length, artifacts: sent };
}

async function experimentOn(client: MlflowClient, name: string): Promise<string> {
  const { experiments = [] } = await client.ask<{ experiments?: { experiment_id: string; name: string }[] }>(
    'POST',
    'experiments/search',
    { filter: `name = '${name.replaceAll("'", "''")}'`, max_results: 1 },
  );
  const [found] = experiments;
  if (found !== undefined) return found.experiment_id;
  return (await client.ask<{ experiment_id: string }>('POST', 'experiments/create', { name })).experiment_id;
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function* parts<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
