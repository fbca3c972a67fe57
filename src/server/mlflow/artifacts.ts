import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { OpenArtifact } from '../../store/index.js';
import type { Caller, Permission } from '../access.js';
import { callerOf, type ServerContext } from '../context.js';
import { childrenOf, type ProxyPath, parseProxyPath } from './artifact-tree.js';
import { type Endpoint, endpoint, ofRun } from './endpoint.js';
import { uploads } from './uploads.js';

export const artifactEndpoints: readonly Endpoint[] = [
  endpoint(
    'GET',
    'artifacts/list',
    z.preprocess(
      (request) => ({ ...(request as object), run: request }),
      z.object({ run: ofRun, path: z.string().default('') }),
    ),
    async ({ run, path }, caller) => {
      await caller.requireRun(run, 'read');
      return {
        root_uri: `mlflow-artifacts:/${await caller.store.experimentOfRun(run)}/${run}/artifacts`,
        files: childrenOf(await caller.store.listArtifacts(run), path, { full: true }),
      };
    },
  ),
];

/** The artifact proxy, below `/api/2.0/mlflow-artifacts`: bytes in and out, whatever their type says they are. */
export async function artifactProxy(app: FastifyInstance, context: ServerContext): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));

  app.get('/artifacts', async (request) => {
    const { path = '' } = request.query as { path?: string };
    const { proxy, caller } = await permitted(request, String(path), 'read');
    return { files: childrenOf(await filesOf(caller, proxy), proxy.path, { full: false }) };
  });

  app.get('/artifacts/*', async (request, reply) => {
    const { proxy, caller } = await permitted(request, wildcard(request), 'read');
    return send(reply, await openFile(caller, proxy));
  });

  app.put('/artifacts/*', async (request) => {
    const { proxy, caller } = await permitted(request, wildcard(request), 'edit');
    const mediaType = mediaTypeOf(request);
    const body =
      request.body === undefined ? new Uint8Array() : limited(request.body as Readable, context.artifactBytes);
    await put(caller, proxy, body, mediaType);
    return {};
  });

  app.delete('/artifacts/*', async (request) => {
    const { proxy, caller } = await permitted(request, wildcard(request), 'edit');
    if (proxy.owner === 'version') throw immutable(proxy.path);
    const removed =
      proxy.owner === 'run'
        ? await caller.store.deleteArtifacts(proxy.id, proxy.path)
        : await caller.store.deleteModelArtifacts(proxy.id, proxy.path);
    if (removed === 0) throw noArtifact(proxy.path);
    return {};
  });

  app.get('/presigned/*', async () => {
    throw new BallastError('Presigned downloads are not supported: artifacts are served by this server', {
      code: 'NOT_IMPLEMENTED',
      remedy: 'Download through the artifact proxy.',
    });
  });

  await app.register(uploads, { context, permitted, put });

  async function permitted(request: FastifyRequest, path: string, permission: Permission) {
    const proxy = parseProxyPath(path);
    const caller = await callerOf(request);
    const { store } = caller;
    if (proxy.owner === 'version') {
      await caller.requireModel(await store.modelName(proxy.modelId), permission);
      return { proxy, caller };
    }
    const experiment =
      proxy.owner === 'run'
        ? await store.experimentOfRun(proxy.id)
        : (await store.getLoggedModel(proxy.id, { deletedToo: true })).experimentId;
    if (experiment !== proxy.experimentId) throw noArtifact(proxy.path);
    await caller.requireExperiment(experiment, permission);
    return { proxy, caller };
  }
}

async function filesOf({ store }: Caller, proxy: ProxyPath): Promise<readonly { path: string; size: number }[]> {
  if (proxy.owner === 'version') return store.versionFiles(await store.modelName(proxy.modelId), proxy.version);
  return proxy.owner === 'run' ? store.listArtifacts(proxy.id) : store.listModelArtifacts(proxy.id);
}

async function openFile({ store }: Caller, proxy: ProxyPath): Promise<Pick<OpenArtifact, 'size' | 'stream'>> {
  const { path } = proxy;
  if (proxy.owner === 'version') {
    return store.openVersionFile(await store.modelName(proxy.modelId), proxy.version, path);
  }
  return proxy.owner === 'run' ? store.openArtifact(proxy.id, path) : store.openModelArtifact(proxy.id, path);
}

async function put(
  { store }: Caller,
  proxy: ProxyPath,
  source: Uint8Array | AsyncIterable<Uint8Array>,
  mediaType: string,
): Promise<void> {
  const { owner, path } = proxy;
  if (owner === 'version') throw immutable(path);
  if (owner === 'model') await store.putModelArtifact(proxy.id, path, source, { mediaType });
  else await store.putArtifact(proxy.id, path, source, { mediaType, model: path.endsWith('.onnx') });
}

/** A download never opens in a browser: whatever was stored, it is bytes to save. */
function send(reply: FastifyReply, file: Pick<OpenArtifact, 'size' | 'stream'>): FastifyReply {
  return reply
    .header('content-type', 'application/octet-stream')
    .header('content-disposition', 'attachment')
    .header('content-length', file.size)
    .send(Readable.from(file.stream()));
}

function wildcard(request: FastifyRequest): string {
  return (request.params as { '*': string })['*'];
}

function mediaTypeOf(request: FastifyRequest): string {
  const type = request.headers['content-type'] ?? '';
  return /^[\w.+-]+\/[\w.+-]+$/.test(type) ? type : 'application/octet-stream';
}

/** The stream, ended with an error where it is longer than allowed. */
export async function* limited(stream: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of stream) {
    bytes += piece.byteLength;
    if (bytes > limit) {
      throw new BallastError('The artifact is larger than this server takes', {
        code: 'BODY_TOO_LARGE',
        value: limit,
        remedy: 'Start the server with a larger --max-artifact-bytes.',
      });
    }
    yield piece;
  }
}

function noArtifact(path: string): BallastError {
  return new BallastError(`There is no artifact "${path}"`, {
    code: 'ARTIFACT_NOT_FOUND',
    kind: 'not-found',
    remedy: 'List the artifacts to see what there is.',
  });
}

function immutable(path: string): BallastError {
  return new BallastError('The files of a registered version never change', {
    code: 'VERSION_IMMUTABLE',
    kind: 'forbidden',
    place: path,
    remedy: 'Register another version.',
  });
}
