import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { startAlertEvaluator } from '../monitoring/alerts/evaluator.js';
import { targetUrl } from '../monitoring/alerts/post-json.js';
import { openAnswerLog } from '../monitoring/export/answer-log.js';
import { openRequestLog } from '../monitoring/export/request-log.js';
import { startRollouts } from '../rollout/runner.js';
import { type OpenedInference, openInference } from '../server/inference/open.js';
import { startServer } from '../server/server.js';
import { Upstream, type VersionLoader, watchVersions } from '../serving/index.js';
import { openStore } from '../store/open-store.js';
import type { Store } from '../store/types.js';
import { type AlertOptions, alertOptionsOf, withAlertOptions } from './alert-options.js';
import { startDailyMonitoring } from './daily-monitoring.js';
import { refuseGiven } from './given-options.js';
import { duration, positive, wholeNumber } from './option-values.js';
import { type CommonOptions, note, withCommonOptions } from './output.js';
import { requestLimits, runSettings, type ServingOptions, withServingOptions } from './serving-options.js';
import { version } from './version.js';

interface ServeOptions extends CommonOptions, AlertOptions, ServingOptions {
  price?: number;
  sidecar?: string;
  sidecarVersions?: boolean;
  otlp?: string;
  answerLog?: string;
  record?: string;
  host: string;
  port: number;
  grpcPort?: number;
  allowedHost: string[];
  maxArtifactBytes: number;
  keepRows?: number;
  keepFor?: number;
}

const DEFAULT_ARTIFACT_BYTES = 64 * 2 ** 30;
/** How often the store is asked for changes of aliases and traffic. */
const FOLLOW_MS = 500;

export function serveCommand(): Command {
  return withServingOptions(withAlertOptions(withCommonOptions(new Command('serve'))))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on; 0 for any free one', wholeNumber(0, 65_535), 4780)
    .option(
      '--grpc-port <number>',
      'port of inference over gRPC; 0 for any free one; none without',
      wholeNumber(0, 65_535),
    )
    .option(
      '--allowed-host <name>',
      'a name by which clients may call the server; may be given again',
      (name: string, names: string[]) => [...names, name],
      [],
    )
    .option(
      '--max-artifact-bytes <bytes>',
      'the largest artifact',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
      DEFAULT_ARTIFACT_BYTES,
    )
    .option(
      '--keep-rows <number>',
      'observations of a model that are kept: the newest; as ballast retention declares unless told',
      wholeNumber(1, 1e9),
    )
    .option('--keep-for <time>', 'how long observations and labels are kept', duration)
    .option('--answer-log <file>', 'append a JSON line for every answer: prediction id, version, regularizers, latency')
    .option('--record <file>', 'append every request that was answered, to be replayed: a JSON line each')
    .option('--otlp <url>', 'send spans and series to this OpenTelemetry collector, such as http://127.0.0.1:4318')
    .option('--sidecar <url>', 'do not run the models: ask this server of the same protocol, and watch what it answers')
    .option(
      '--sidecar-versions',
      'that server has the versions of the registry under their numbers: candidates and shadows are asked there too',
    )
    .option('--price <money>', 'of an hour of this machine: for the cost of answers in /metrics', positive)
    .addHelpText(
      'after',
      `
Speaks MLflow's REST API: point a client at it with MLFLOW_TRACKING_URI. Answers for registered models by the Open Inference
Protocol below /v2 (and over gRPC with --grpc-port), as their aliases or the traffic in the store say, also when those change. Ctrl-C stops it after the requests
under way.

With --sidecar the models are run by another server of that protocol (Triton, MLServer, KServe): requests are passed on to it, and
checked, recorded, labelled and alerted on as if they were answered here.

Example:
  ballast serve --models fraud@production
  ballast serve --models fraud@production --sidecar http://127.0.0.1:8000
  curl http://127.0.0.1:4780/v2/models/fraud
  MLFLOW_TRACKING_URI=http://127.0.0.1:4780 python train.py
`,
    )
    .action((options: ServeOptions, command: Command) => serve(options, command));
}

/** What only those that run models themselves can be told. */
const OF_RUNNING = ['workers', 'threads', 'batchRows', 'batchWaitMs'];
/** How long a server that is started beside this one may take, ms. */
const SIDECAR_PATIENCE_MS = 60_000;

async function serve(options: ServeOptions, command: Command): Promise<void> {
  const upstream = upstreamOf(options, command);
  await using store = await openStore(options.store, { thread: true });
  const { models = [] } = options;
  // A roll-back is read between two looks at the store: it does not wait behind thousands of answers that are written.
  await using records = models.length === 0 ? undefined : await openStore(options.store, { thread: true });
  const log = options.answerLog === undefined ? undefined : openAnswerLog(options.answerLog, { onFault: tellFault });
  const requests = options.record === undefined ? undefined : openRequestLog(options.record, { onFault: tellFault });
  const inference = await openInference({
    store,
    ...(records === undefined ? {} : { records }),
    models,
    settings: runSettings(options),
    policies: options.check,
    limits: requestLimits(options),
    everyMs: FOLLOW_MS,
    onChange: note,
    version: version(),
    ...(upstream === undefined ? {} : { loader: loaderOf(upstream, options) }),
    ...(log === undefined ? {} : { observed: log.observe }),
    ...(requests === undefined ? {} : { recorded: requests.record }),
  });
  try {
    await serveUntilStopped(options, store, inference);
  } finally {
    await inference.close();
    await log?.close();
    await requests?.close();
    upstream?.close();
  }
}

/** The server that runs the models, where it is not this one. @throws BallastError `USAGE`, `UPSTREAM_INVALID` */
function upstreamOf({ sidecar, models = [] }: ServeOptions, command: Command): Upstream | undefined {
  if (sidecar === undefined) {
    refuseGiven(command, ['sidecarVersions'], { reason: 'says something of the server that --sidecar names' });
    return undefined;
  }
  refuseGiven(command, OF_RUNNING, { reason: 'says how models run here, and with --sidecar they do not' });
  if (models.length > 0) return new Upstream(sidecar);
  throw new BallastError('it says where registered models run, and no model is named', {
    code: 'USAGE',
    place: '--sidecar',
    remedy: 'Name them: --models NAME@ALIAS. At that server they have the same name.',
  });
}

function loaderOf(upstream: Upstream, options: ServeOptions): VersionLoader {
  return watchVersions({
    ...{ upstream, policies: options.check, timeoutMs: options.timeoutMs, queue: options.queue },
    ...{ byVersion: options.sidecarVersions === true, patienceMs: SIDECAR_PATIENCE_MS, onChange: note },
  });
}

async function serveUntilStopped(options: ServeOptions, store: Store, inference: OpenedInference): Promise<void> {
  const server = await startServer({
    store,
    inference,
    host: options.host,
    port: options.port,
    ...(options.grpcPort === undefined ? {} : { grpcPort: options.grpcPort }),
    allowedHosts: options.allowedHost,
    artifactBytes: options.maxArtifactBytes,
    ...(options.otlp === undefined ? {} : { otlp: { endpoint: targetUrl(options.otlp).href } }),
    telemetry: options.price === undefined ? {} : { pricePerHour: options.price },
    onFault: tellFault,
  });
  const rollouts = startRollouts(store, { onFault: tellFault });
  const alerts = startAlertEvaluator(store, { ...alertOptionsOf(options), page: server.url, onFault: tellFault });
  const models = inference.service.models.routings.map(({ model }) => model);
  const daily = startDailyMonitoring(store, {
    store: options.store,
    kept: {
      ...(options.keepRows === undefined ? {} : { rows: options.keepRows }),
      ...(options.keepFor === undefined ? {} : { rowsMs: options.keepFor * 1000 }),
    },
    tell: note,
  });
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ url: server.url, ...(server.grpcAddress === undefined ? {} : { grpc: server.grpcAddress }), store: store.location, models })}\n`
      : `Serving ${store.location} on ${server.url}\n  MLflow clients: export MLFLOW_TRACKING_URI=${server.url}\n${server.grpcAddress === undefined ? '' : `  gRPC: ${server.grpcAddress}\n`}${models.map((model) => `  ${model}: ${server.url}/v2/models/${model}/infer\n`).join('')}`,
  );
  await stopSignal();
  note('Stopping: requests under way are answered first.');
  await daily.stop();
  await rollouts.stop();
  await alerts.stop();
  await server.stop();
}

function tellFault(error: unknown): void {
  if (error instanceof BallastError) note(error.describe());
  else note(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Resolves when the process is asked to end. A second signal ends it at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = (): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
