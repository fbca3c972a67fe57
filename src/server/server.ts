import { isIP } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import { BallastError } from '../errors.js';
import type { TelemetryOptions } from '../monitoring/export/telemetry.js';
import type { Store } from '../store/index.js';
import { type Caller, openCaller } from './access.js';
import { explainAddress } from './address.js';
import { Authenticator, type Credentials } from './auth/authenticate.js';
import { permittedCaller } from './auth/permitted-caller.js';
import { sessionApi } from './auth/session.js';
import type { ServerContext } from './context.js';
import { dashboardApi } from './dashboard/api.js';
import { auditApi } from './dashboard/audit-api.js';
import { dashboardPages } from './dashboard/pages.js';
import { regularizersApi } from './dashboard/regularizers-api.js';
import { sweepsApi } from './dashboard/sweeps-api.js';
import { inferenceApi } from './inference/api.js';
import { type EndpointOptions, InferenceEndpoint } from './inference/endpoint.js';
import type { GrpcServer, TraceCall } from './inference/grpc/server.js';
import { toMlflowError } from './mlflow/errors.js';
import { mlflowApi } from './mlflow/index.js';
import { monitoringApi } from './monitoring/api.js';
import { observabilityApi } from './observability/index.js';
import { analysisApi } from './rollout/analysis.js';
import { rolloutApi } from './rollout/api.js';

export interface ServerOptions {
  readonly store: Store;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 4780; 0 for any free one. */
  readonly port?: number;
  /** Names by which clients may call the server, beyond its address and `localhost`. */
  readonly allowedHosts?: readonly string[];
  /** The largest artifact, in bytes; default 64 GiB. */
  readonly artifactBytes?: number;
  readonly telemetry?: TelemetryOptions;
  /** A collector to which spans and series are sent (OTLP over HTTP). */
  readonly otlp?: { readonly endpoint: string; readonly everyMs?: number };
  /** Models that are served; without it the server has no `/v2`. */
  readonly inference?: EndpointOptions;
  /** The port of the Open Inference Protocol over gRPC, on the same host; 0 for any free one. Without it there is none. */
  readonly grpcPort?: number;
  /** Told of faults of ours. */
  readonly onFault?: (error: unknown) => void;
}

export interface RunningServer {
  /** `http://127.0.0.1:4780` */
  readonly url: string;
  /** `127.0.0.1:4781`, where inference is spoken over gRPC. */
  readonly grpcAddress?: string;
  /** Takes no more connections, answers what is under way, and ends. The store stays open. */
  stop(): Promise<void>;
}

const DEFAULT_PORT = 4780;
const DEFAULT_ARTIFACT_BYTES = 64 * 2 ** 30;
/** How long requests that are under way may go on after the server was asked to stop. */
const STOP_MS = 10_000;

/**
 * Starts the one HTTP server: MLflow's API over the store.
 *
 * @throws BallastError `SERVER_ADDRESS`, `SERVER_WITHOUT_USERS`
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { store, host = '127.0.0.1', port = DEFAULT_PORT } = options;
  await store.ensureDefaultExperiment();
  const users = await store.listUsers();
  if (users.length === 0 && !isLoopback(host)) throw withoutUsers(host);
  const authenticator = users.length > 0 ? new Authenticator(store) : undefined;
  const endpoint = options.inference === undefined ? undefined : new InferenceEndpoint(options.inference);
  const parts: Parts = { authenticator, endpoint, callerOf: callers(store, authenticator) };
  const { app, traceCall } = await build(options, parts);
  let grpc: GrpcServer | undefined;
  let address = `${host}:${port}`;
  try {
    const url = await app.listen({ host, port });
    if (options.grpcPort !== undefined && endpoint !== undefined) {
      address = `${host}:${options.grpcPort}`;
      grpc = await openGrpc(options, options.grpcPort, { ...parts, endpoint }, traceCall);
    }
    return {
      url,
      ...(grpc === undefined ? {} : { grpcAddress: grpc.address }),
      // Neither takes new requests while the other still answers.
      stop: async () => void (await Promise.all([stop(app), grpc?.stop(STOP_MS)])),
    };
  } catch (error) {
    await app.close();
    throw explainAddress(error, address);
  }
}

/** What the protocols of one server share. */
interface Parts {
  /** Undefined where nobody has to say who they are. */
  readonly authenticator: Authenticator | undefined;
  readonly endpoint: InferenceEndpoint | undefined;
  readonly callerOf: (credentials: Credentials) => Promise<Caller>;
}

function callers(store: Store, authenticator: Authenticator | undefined): Parts['callerOf'] {
  if (authenticator === undefined) {
    const local = openCaller(store.as('local'), 'local');
    return async () => local;
  }
  return async (credentials) => permittedCaller(store, await authenticator.userOf(credentials));
}

async function openGrpc(
  { host = '127.0.0.1', onFault }: ServerOptions,
  port: number,
  { endpoint, callerOf }: Parts & { readonly endpoint: InferenceEndpoint },
  traceCall: TraceCall | undefined,
): Promise<GrpcServer> {
  const { startGrpc } = await import('./inference/grpc/server.js');
  const told = { ...(onFault === undefined ? {} : { onFault }), ...(traceCall === undefined ? {} : { traceCall }) };
  return startGrpc({ endpoint, callerOf, host, port, ...told });
}

interface Built {
  readonly app: FastifyInstance;
  readonly traceCall: TraceCall | undefined;
}

async function build(options: ServerOptions, { authenticator, endpoint, callerOf }: Parts): Promise<Built> {
  const { store, artifactBytes = DEFAULT_ARTIFACT_BYTES, onFault } = options;
  const app = Fastify({ logger: false, routerOptions: { maxParamLength: 2000 }, forceCloseConnections: 'idle' });
  const context: ServerContext = { store, artifactBytes };
  app.decorateRequest('caller', undefined);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    /^application\/(\w+\+)?json/,
    { parseAs: 'buffer' },
    async (_request: unknown, body: Buffer) => readJson(body),
  );
  guard(app, options);
  let traceCall: TraceCall | undefined;
  if (options.otlp !== undefined) {
    const { exportOtlp } = await import('./observability/otlp.js');
    traceCall = exportOtlp(app, {
      store,
      ...options.telemetry,
      ...options.otlp,
      ...(onFault === undefined ? {} : { onFault }),
    });
  }
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.byCapability === true) return;
    request.caller = await callerOf(request);
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
  });
  app.addHook('onError', async (_request, _reply, error) => {
    if (onFault !== undefined && !(error instanceof BallastError) && (error.statusCode ?? 500) >= 500) onFault(error);
  });
  app.setErrorHandler(async (error, _request, reply) => {
    const { status, body } = toMlflowError(error);
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler(async (request, reply) => {
    const message = `There is no ${request.method} ${request.url.split('?')[0]} on this server`;
    return reply.code(404).send({ error_code: 'ENDPOINT_NOT_FOUND', message });
  });
  app.get('/health', PUBLIC, async (_request, reply) => reply.type('text/plain').send('OK'));
  // The name of the contract's version: clients choose by it what they may ask.
  app.get('/version', PUBLIC, async (_request, reply) => reply.type('text/plain').send(MLFLOW_VERSION));
  await app.register((api) => mlflowApi(api, context));
  await app.register((api) => sessionApi(api, { context, authenticator }), { prefix: '/api/v1' });
  await app.register(dashboardApi, { prefix: '/api/v1' });
  await app.register(sweepsApi, { prefix: '/api/v1' });
  await app.register(auditApi, { prefix: '/api/v1' });
  await app.register(regularizersApi, { prefix: '/api/v1' });
  await app.register(rolloutApi, { prefix: '/api/v1' });
  await app.register(analysisApi, { prefix: '/api/v1/analysis' });
  await app.register(monitoringApi, { prefix: '/api/v1' });
  await app.register((api) => observabilityApi(api, { store, ...options.telemetry }));
  if (endpoint !== undefined) await app.register((api) => inferenceApi(api, endpoint), { prefix: '/v2' });
  await app.register(dashboardPages);
  return { app, traceCall };
}

/** Answered whoever asks. */
const PUBLIC = { config: { byCapability: true } } as const;

/** The version of MLflow whose contract is spoken. */
const MLFLOW_VERSION = '3.17.2';

/**
 * Refuses what a page from elsewhere could send: requests under another name than the server's (DNS rebinding), and
 * requests of foreign origins.
 */
function guard(app: FastifyInstance, { host = '127.0.0.1', allowedHosts = [] }: ServerOptions): void {
  const everywhere = host === '0.0.0.0' || host === '::';
  const names = new Set(['localhost', '127.0.0.1', '::1', host, ...allowedHosts].map((name) => name.toLowerCase()));
  app.addHook('onRequest', async (request) => {
    const called = hostName(request.headers.host ?? '');
    // An address cannot be rebound; a name must be one of the server's.
    if (!names.has(called) && !(everywhere && isIP(called) !== 0)) {
      throw new BallastError('This server is not called by this name', {
        code: 'HOST_REFUSED',
        kind: 'forbidden',
        place: 'Host',
        value: request.headers.host ?? '',
        remedy: 'Start it with --allowed-host NAME to let clients call it so.',
      });
    }
    const { origin } = request.headers;
    const site = request.headers['sec-fetch-site'];
    const foreign = origin !== undefined && !isOwn(origin, request.headers.host ?? '');
    if (foreign || site === 'cross-site') {
      throw new BallastError('Pages of another origin may not call this server', {
        code: 'ORIGIN_REFUSED',
        kind: 'forbidden',
        place: 'Origin',
        value: origin ?? site,
      });
    }
  });
}

function hostName(header: string): string {
  const found = /^(\[[0-9a-f:.]+\]|[^:]+)(:\d+)?$/i.exec(header.trim());
  return (found?.[1] ?? '').replace(/^\[|\]$/g, '').toLowerCase();
}

function isOwn(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host.toLowerCase();
  } catch {
    // `null`, the origin of sandboxed pages, is no URL.
    return false;
  }
}

/** A body without bytes is a request without fields. */
function readJson(body: Buffer): unknown {
  if (body.byteLength === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new BallastError('The request is not JSON', { code: 'REQUEST_INVALID', cause: error });
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new BallastError('The request is not a JSON object', { code: 'REQUEST_INVALID' });
  }
  return value ?? {};
}

async function stop(app: FastifyInstance): Promise<void> {
  const late = setTimeout(() => app.server.closeAllConnections(), STOP_MS).unref();
  await app.close();
  clearTimeout(late);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

function withoutUsers(host: string): BallastError {
  return new BallastError('A server that other machines reach needs users', {
    code: 'SERVER_WITHOUT_USERS',
    place: '--host',
    value: host,
    remedy: 'Add one first: ballast users add NAME --role admin',
  });
}
