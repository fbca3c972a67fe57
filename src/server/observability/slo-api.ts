import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { DriftWatch } from '../../monitoring/slo/drift-watch.js';
import { measureModel } from '../../monitoring/slo/measure-model.js';
import { watchedModels } from '../../monitoring/slo/watched.js';
import { sloOptions } from '../../spec/slo-options.js';
import type { Caller } from '../access.js';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';
import { mayRead, requireWrite } from './model-access.js';

const oneModel = z.object({ model: z.string().min(1).optional() });
const newSlos = z.strictObject({ model: z.string().min(1).max(250), slos: z.array(sloOptions).min(1).max(100) });
const counts = z.strictObject({
  model: z.string().min(1).max(250),
  name: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/),
  version: z.string().max(250).default(''),
  at: z.iso.datetime({ offset: true }).optional(),
  good: z.number().min(0),
  total: z.number().min(0),
});

/** Objectives, what was kept of them, and the counts of applications; below `/api/v1`. */
export async function sloApi(app: FastifyInstance, { drift }: { readonly drift: DriftWatch }): Promise<void> {
  app.get('/slos', async (request) => {
    const caller = await callerOf(request);
    const { model } = parseRequest(oneModel, request.query);
    return { models: await statuses(caller, model, drift) };
  });

  app.post('/slos', async (request) => {
    const caller = await callerOf(request);
    const { model, slos } = parseRequest(newSlos, request.body);
    await requireWrite(caller, model);
    await caller.store.putSlos(
      model,
      slos.map((slo) => ({ name: slo.name, definition: slo })),
      'api',
    );
    return { model, slos };
  });

  app.delete('/slos/:model/:name', async (request) => {
    const caller = await callerOf(request);
    const { model, name } = request.params as { model: string; name: string };
    await requireWrite(caller, model);
    await caller.store.removeSlo(model, name);
    return { model, removed: name };
  });

  app.post('/slis', async (request) => {
    const caller = await callerOf(request);
    const { at, ...count } = parseRequest(counts, request.body);
    await requireWrite(caller, count.model);
    await caller.store.countSli({ ...count, at: at === undefined ? Date.now() : Date.parse(at) });
    return {};
  });
}

/** The models that a caller may read, or one, with what was kept of their objectives. */
export async function statuses(caller: Caller, model: string | undefined, drift: DriftWatch) {
  const { store } = caller;
  const now = Date.now();
  const names = model === undefined ? await watchedModels(store) : [model];
  const models = [];
  for (const name of names) {
    if (!(await mayRead(caller, name))) continue;
    const { model: watched, slos, statuses: of } = await measureModel(store, name, { now, drift });
    const { registered, version } = watched;
    models.push({
      model: name,
      owner: registered?.owner ?? null,
      criticality: registered?.criticality ?? null,
      version: version?.version ?? null,
      commit: version?.codeCommit ?? null,
      regularizerId: version?.regularizerId ?? null,
      runId: version?.runId ?? null,
      slos: of.map((status, i) => ({ source: slos[i].source, ...status })),
    });
  }
  if (model !== undefined && models.every(({ slos }) => slos.length === 0)) {
    throw new BallastError('Nothing is known of this model', {
      code: 'MODEL_NOT_FOUND',
      kind: 'not-found',
      value: model,
    });
  }
  return models;
}
