import { BallastError } from '../../errors.js';
import type { FinalStatus } from '../../store/run-status.js';
import type { NewMetricPoint } from '../../store/types.js';
import type { ForeignRun } from './imported-run.js';
import { MlflowClient } from './mlflow-client.js';

interface Texts {
  readonly key: string;
  readonly value: string;
}

interface RunMessage {
  readonly info: {
    readonly run_id: string;
    readonly run_name?: string;
    readonly status: string;
    readonly start_time?: number;
    readonly end_time?: number;
    readonly artifact_uri: string;
  };
  readonly data: { readonly metrics?: { readonly key: string }[]; readonly params?: Texts[]; readonly tags?: Texts[] };
}

const STATUS: Readonly<Record<string, FinalStatus>> = { FINISHED: 'finished', FAILED: 'failed', KILLED: 'cancelled' };
const RUNS_PER_PAGE = 100;

/** The runs of an experiment on an MLflow server that have ended, one by one, with every point of their metrics. */
export async function* runsOnMlflow(
  url: string,
  experiment: string,
  { artifacts = true }: { artifacts?: boolean } = {},
): AsyncGenerator<ForeignRun> {
  const client = new MlflowClient(url);
  const found = await client.ask<{ experiments?: { experiment_id: string }[] }>('POST', 'experiments/search', {
    filter: `name = '${experiment.replaceAll("'", "''")}'`,
    max_results: 1,
  });
  const id = found.experiments?.[0]?.experiment_id;
  if (id === undefined) {
    throw new BallastError('The MLflow server has no such experiment', {
      code: 'EXPERIMENT_NOT_FOUND',
      kind: 'not-found',
      place: url,
      value: experiment,
      remedy: 'Name it with --experiment as the server does.',
    });
  }
  let token: string | undefined;
  do {
    const page: { runs?: RunMessage[]; next_page_token?: string } = await client.ask('POST', 'runs/search', {
      experiment_ids: [id],
      max_results: RUNS_PER_PAGE,
      ...(token === undefined ? {} : { page_token: token }),
    });
    for (const run of page.runs ?? []) {
      const status = STATUS[run.info.status];
      if (status !== undefined) yield await toForeign(client, run, { url, experiment, status, artifacts });
    }
    token = page.next_page_token === '' ? undefined : page.next_page_token;
  } while (token !== undefined);
}

async function toForeign(
  client: MlflowClient,
  { info, data }: RunMessage,
  { url, experiment, status, artifacts }: { url: string; experiment: string; status: FinalStatus; artifacts: boolean },
): Promise<ForeignRun> {
  const metrics: NewMetricPoint[] = [];
  for (const { key } of data.metrics ?? []) metrics.push(...(await history(client, info.run_id, key)));
  return {
    name: info.run_name ?? info.run_id,
    experiment,
    origin: `mlflow ${new URL(url).host} ${info.run_id}`,
    startedAt: new Date(info.start_time ?? 0),
    endedAt: info.end_time === undefined ? undefined : new Date(info.end_time),
    status,
    params: toRecord(data.params),
    tags: toRecord(data.tags),
    metrics,
    artifacts: artifacts ? await files(client, info.run_id, info.artifact_uri, '') : [],
  };
}

async function history(client: MlflowClient, run: string, key: string): Promise<NewMetricPoint[]> {
  const points: NewMetricPoint[] = [];
  let token = '';
  do {
    const page: {
      metrics?: { value?: number | string; timestamp?: number; step?: number }[];
      next_page_token?: string;
    } = await client.ask('GET', 'metrics/get-history', {
      run_id: run,
      metric_key: key,
      max_results: '10000',
      ...(token === '' ? {} : { page_token: token }),
    });
    for (const { value = 0, timestamp = 0, step = 0 } of page.metrics ?? []) {
      points.push({ name: key, value: Number(value), timestamp: Number(timestamp), step: Number(step) });
    }
    token = page.next_page_token ?? '';
  } while (token !== '');
  return points;
}

/** The files of a run, folders walked through. */
async function files(
  client: MlflowClient,
  run: string,
  uri: string,
  folder: string,
): Promise<NonNullable<ForeignRun['artifacts']>[number][]> {
  const { files: listed = [] } = await client.ask<{ files?: { path: string; is_dir?: boolean }[] }>(
    'GET',
    'artifacts/list',
    { run_id: run, ...(folder === '' ? {} : { path: folder }) },
  );
  const found: NonNullable<ForeignRun['artifacts']>[number][] = [];
  for (const { path, is_dir } of listed) {
    if (is_dir === true) found.push(...(await files(client, run, uri, path)));
    else found.push({ path, open: () => client.download(uri, path) });
  }
  return found;
}

function toRecord(texts: readonly Texts[] = []): Record<string, string> {
  return Object.fromEntries(texts.map(({ key, value }) => [key, value]));
}
