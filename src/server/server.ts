import { isIP } from 'node:net';
import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { BallastError } from '../errors.js';
import type { Store } from '../store/index.js';
import { openCaller } from './access.js';
import { Authenticator } from './auth/authenticate.js';
import { permittedCaller } from './auth/permitted-caller.js';
import { sessionApi } from './auth/session.js';
import type { ServerContext } from './context.js';
import { dashboardApi } from './dashboard/api.js';
import { dashboardPages } from './dashboard/pages.js';
import { toMlflowError } from './mlflow/errors.js';
import { mlflowApi } from './mlflow/index.js';

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
  /** Told of faults of ours. */
  readonly onFault?: (error: unknown) => void;
}

export interface RunningServer {
  /** `http://127.0.0.1:4780` */
  readonly url: string;
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
  const app = await build(options, users.length > 0 ? new Authenticator(store) : undefined);
  try {
    const url = await app.listen({ host, port });
    return { url, stop: () => stop(app) };
  } catch (error) {
    await app.close();
    throw explainAddress(error, `${host}:${port}`);
  }
}

async function build(options: ServerOptions, authenticator: Authenticator | undefined): Promise<FastifyInstance> {
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
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.byCapability === true) return;
    request.caller =
      authenticator === undefined
        ? openCaller(store, 'local')
        : permittedCaller(store, await authenticator.userOf(request));
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
  await app.register(dashboardPages);
  return app;
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

function explainAddress(error: unknown, address: string): unknown {
  const { code } = error as FastifyError;
  if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') return error;
  return new BallastError(
    code === 'EADDRINUSE' ? 'Another process listens on this address' : 'This address cannot be listened on',
    {
      code: 'SERVER_ADDRESS',
      kind: 'environment',
      place: address,
      remedy: 'Choose another with --port or --host.',
      cause: error,
    },
  );
}
