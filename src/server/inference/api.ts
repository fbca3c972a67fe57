import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BallastError } from '../../errors.js';
import { binaryData, JSON_LENGTH_HEADER, parseInferRequest, splitBody } from '../../serving/index.js';
import { callerOf } from '../context.js';
import { sendAnswer } from './answer.js';
import { plainBody } from './body.js';
import type { InferenceEndpoint } from './endpoint.js';
import { toProtocolError } from './errors.js';
import { repositoryApi } from './repository.js';

interface OfModel {
  Params: { model: string; version?: string };
}

/** A body whose tensors may follow its JSON as bytes. */
interface SplitBody {
  readonly json: unknown;
  readonly binary: Buffer;
}

/** The Open Inference Protocol over HTTP, below `/v2`. */
export async function inferenceApi(app: FastifyInstance, endpoint: InferenceEndpoint): Promise<void> {
  const { bodyBytes } = endpoint.limits;
  app.addHook('preClose', async () => endpoint.drain());
  app.setErrorHandler(async (error, _request, reply) => {
    const { status, body, retryAfter } = toProtocolError(error);
    if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler(async (request, reply) =>
    reply.code(404).send({ error: `There is no ${request.method} ${request.url.split('?')[0]} on this server` }),
  );

  app.get('/', async () => endpoint.server);
  app.get('/health/live', PUBLIC, async () => ({ live: true }));
  app.get('/health/ready', PUBLIC, async (_request, reply) => {
    const { ready } = endpoint;
    return reply.code(ready ? 200 : 503).send({ ready });
  });

  const describe = async (request: FastifyRequest<OfModel>) =>
    endpoint.describe(await callerOf(request), request.params.model, request.params.version);
  const ready = async ({ params: { model, version } }: FastifyRequest<OfModel>, reply: FastifyReply) => {
    const isReady = endpoint.modelReady(model, version);
    return reply.code(isReady ? 200 : 503).send({ name: model, ready: isReady });
  };
  const infer = async (request: FastifyRequest<OfModel>, reply: FastifyReply) => {
    const { model, version } = request.params;
    const { json, binary } = request.body as SplitBody;
    const answered = await endpoint.infer(await callerOf(request), request.ip, model, () => {
      const asked = parseInferRequest(json);
      return {
        version: version ?? headerOf(request, 'x-ballast-version'),
        request: asked,
        rawData: binaryData(asked.inputs, binary),
        headers: request.headers,
      };
    });
    return sendAnswer(reply, answered.request, answered.answer);
  };
  for (const path of MODEL_PATHS) {
    app.get<OfModel>(path, describe);
    app.get<OfModel>(`${path}/ready`, PUBLIC, ready);
  }
  await app.register(async (api) => {
    api.removeAllContentTypeParsers();
    // Clients name the type as they like: `application/json`, `application/octet-stream`, or none.
    api.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, sent: Buffer) => {
      const body = await plainBody(sent, request.headers['content-encoding'], bodyBytes);
      return splitBody(body, headerOf(request, JSON_LENGTH_HEADER) ?? String(body.byteLength));
    });
    for (const path of MODEL_PATHS) api.post<OfModel>(`${path}/infer`, { bodyLimit: bodyBytes }, infer);
  });
  await app.register((api) => repositoryApi(api, endpoint), { prefix: '/repository' });
}

const MODEL_PATHS = ['/models/:model', '/models/:model/versions/:version'];

const PUBLIC = { config: { byCapability: true } } as const;

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  if (Array.isArray(value)) {
    throw new BallastError('The header is given twice', { code: 'REQUEST_INVALID', place: name });
  }
  return value;
}
