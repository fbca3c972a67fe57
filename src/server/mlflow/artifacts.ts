import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
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
    const files =
      proxy.owner === 'run'
        ? await caller.store.listArtifacts(proxy.id)
        : await caller.store.listModelArtifacts(proxy.id);
    return { files: childrenOf(files, proxy.path, { full: false }) };
  });

  app.get('/artifacts/*', async (request, reply) => {
    const { proxy, caller } = await permitted(request, wildcard(request), 'read');
    return send(reply, caller, proxy);
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
    const removed =
      proxy.owner === 'run'
        ? await caller.store.deleteArtifacts(proxy.id, proxy.path)
        : await caller.store.deleteModelArtifacts(proxy.id, proxy.path);
    if (removed === 0) throw noArtifact(proxy);
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
    const experiment =
      proxy.owner === 'run'
        ? await store.experimentOfRun(proxy.id)
        : (await store.getLoggedModel(proxy.id, { deletedToo: true })).experimentId;
    if (experiment !== proxy.experimentId) throw noArtifact(proxy);
    await caller.requireExperiment(experiment, permission);
    return { proxy, caller };
  }
}

async function put(
  { store }: Caller,
  { owner, id, path }: ProxyPath,
  source: Uint8Array | AsyncIterable<Uint8Array>,
  mediaType: string,
): Promise<void> {
  if (owner === 'model') {
    await store.putModelArtifact(id, path, source, { mediaType });
    return;
  }
  await store.putArtifact(id, path, source, { mediaType, model: path.endsWith('.onnx') });
}

/** A download never opens in a browser: whatever was stored, it is bytes to save. */
async function send(reply: FastifyReply, { store }: Caller, { owner, id, path }: ProxyPath): Promise<FastifyReply> {
  const artifact = owner === 'run' ? await store.openArtifact(id, path) : await store.openModelArtifact(id, path);
  return reply
    .header('content-type', 'application/octet-stream')
    .header('content-disposition', 'attachment')
    .header('content-length', artifact.size)
    .send(Readable.from(artifact.stream()));
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

function noArtifact({ owner, id, path }: ProxyPath): BallastError {
  return new BallastError(`There is no artifact "${path}"`, {
    code: 'ARTIFACT_NOT_FOUND',
    kind: 'not-found',
    place: `${owner}s:/${id}`,
    remedy: 'List the artifacts to see what there is.',
  });
}
