import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { beginRollout } from '../../rollout/begin.js';
import { asRollout, commandRollout } from '../../rollout/controller.js';
import { rolloutDocument, rolloutSuccess } from '../../rollout/document.js';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';

const started = z.object({
  model: z.string().min(1),
  candidate: z.coerce.string(),
  baseline: z.coerce.string().optional(),
  options: z.record(z.string(), z.unknown()).optional(),
  force: z.boolean().optional(),
});
const told = z.object({ reason: z.string().min(1, 'say why, for the record') });
const asked = z.enum(['pause', 'resume', 'promote', 'abort', 'roll-back']);

/** Rollouts over HTTP, below `/api/v1`: what `ballast rollout` does. */
export async function rolloutApi(app: FastifyInstance): Promise<void> {
  app.get('/rollouts', async (request) => {
    const { store, mayReadModel } = await callerOf(request);
    const { model } = parseRequest(z.object({ model: z.string().optional() }), request.query);
    const documents = [];
    for (const stored of await store.listRollouts(model === undefined ? {} : { model })) {
      if (await mayReadModel(stored.model)) documents.push(await rolloutDocument(store, asRollout(stored)));
    }
    return { rollouts: documents, success: await rolloutSuccess(store, model) };
  });

  app.post('/rollouts', async (request, reply) => {
    const { store, name, requireModel } = await callerOf(request);
    const { model, candidate, baseline, options, force } = parseRequest(started, request.body);
    await requireModel(model, 'deploy');
    const rollout = await beginRollout(store, {
      ...{ model, candidate, now: Date.now(), by: name },
      ...(baseline === undefined ? {} : { baseline }),
      ...(options === undefined ? {} : { options }),
      ...(force === undefined ? {} : { force }),
    });
    return reply.code(201).send(await rolloutDocument(store, rollout));
  });

  app.get('/rollouts/:id', async (request) => {
    const { store, rollout } = await rolloutOf(request, 'read');
    return {
      ...(await rolloutDocument(store, rollout)),
      decisions: await store.rolloutDecisions(rollout.id),
      course: await store.rolloutLooks(rollout.id),
    };
  });

  app.post('/rollouts/:id/:command', async (request) => {
    const { store, rollout, name } = await rolloutOf(request, 'deploy');
    const { reason } = parseRequest(told, request.body);
    const command = parseRequest(asked, (request.params as { command: string }).command);
    return rolloutDocument(
      store,
      await commandRollout(store, rollout.id, command, { at: Date.now(), by: name, reason }),
    );
  });
}

async function rolloutOf(request: FastifyRequest, permission: 'read' | 'deploy') {
  const { store, name, requireModel } = await callerOf(request);
  const rollout = asRollout(await store.getRollout((request.params as { id: string }).id));
  await requireModel(rollout.model, permission);
  return { store, name, rollout };
}
