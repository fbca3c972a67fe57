import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { splitBody } from '../../serving/index.js';
import { callerOf } from '../context.js';
import type { InferenceEndpoint } from './endpoint.js';

interface OfModel {
  Params: { model: string };
}

const indexRequest = z.strictObject({ ready: z.boolean().optional() });
const loadRequest = z.strictObject({ parameters: z.strictObject({ reference: z.string().optional() }).optional() });
const unloadRequest = z.strictObject({
  parameters: z.strictObject({ unload_dependents: z.boolean().optional() }).optional(),
});

/** Triton's model repository extension: which models are served, and to begin and to end serving one. */
export async function repositoryApi(app: FastifyInstance, endpoint: InferenceEndpoint): Promise<void> {
  // Triton's client sends JSON without naming it so.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    body.byteLength === 0 ? {} : splitBody(body, String(body.byteLength)).json,
  );
  app.post('/index', async (request) => {
    const { ready } = read(indexRequest, request.body);
    return endpoint.index(await callerOf(request), ready === true);
  });

  app.post<OfModel>('/models/:model/load', async (request) => {
    const { parameters } = read(loadRequest, request.body);
    await endpoint.load(await callerOf(request), request.params.model, parameters?.reference);
    return {};
  });

  app.post<OfModel>('/models/:model/unload', async (request) => {
    read(unloadRequest, request.body);
    await endpoint.unload(await callerOf(request), request.params.model);
    return {};
  });
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BallastError(`The request is not one that this server takes: ${issue?.message ?? 'invalid'}`, {
    code: 'REQUEST_INVALID',
    place: issue?.path.map(String).join('.') || 'body',
    remedy: 'A model is named by its address; the parameter reference may say NAME@ALIAS or NAME/VERSION.',
  });
}
