import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { missingLabels } from '../../monitoring/labels/missing.js';
import { DRIFT_STAGE } from '../../monitoring/production-report.js';
import type { Caller } from '../access.js';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';

const id = z.string().min(1).max(500);
const time = z.union([z.number().int(), z.iso.datetime({ offset: true })]);
const labels = z.strictObject({
  labels: z
    .array(
      z.strictObject({
        id,
        label: z.union([z.string().max(1000), z.number()]),
        /** ms since 1970, or ISO 8601; now unless given. */
        knownAt: time.optional(),
        source: z.string().max(250).optional(),
      }),
    )
    .min(1)
    .max(10_000),
});
const reports = z.strictObject({
  reports: z
    .array(z.strictObject({ id, note: z.string().max(2000).default('') }))
    .min(1)
    .max(1000),
});
const between = z.object({
  from: z.coerce.number().int().optional(),
  to: z.coerce.number().int().optional(),
  version: z.string().optional(),
  role: z.enum(['live', 'candidate', 'shadow']).optional(),
  slice: z.string().optional(),
});

/** What is observed of models, and the truth about it; below `/api/v1`. */
export async function monitoringApi(app: FastifyInstance): Promise<void> {
  app.post('/labels', async (request) => {
    const caller = await callerOf(request);
    const given = parseRequest(labels, request.body);
    await requireLabelling(
      caller,
      given.labels.map((label) => label.id),
    );
    const now = Date.now();
    return caller.store.ingestLabels(
      given.labels.map(({ knownAt = now, source = caller.name, ...label }) => ({
        ...{ ...label, source },
        knownAt: typeof knownAt === 'string' ? Date.parse(knownAt) : knownAt,
      })),
    );
  });

  app.post('/reports', async (request) => {
    const caller = await callerOf(request);
    const given = parseRequest(reports, request.body);
    await requireLabelling(
      caller,
      given.reports.map((report) => report.id),
    );
    const at = Date.now();
    const unknown = await caller.store.reportErrors(given.reports.map((each) => ({ ...each, at, by: caller.name })));
    return { kept: given.reports.length, unknown };
  });

  app.get('/models/:name/labels', async (request) => {
    const { caller, name } = await modelOf(request);
    const { from } = parseRequest(between, request.query);
    return missingLabels(caller.store, name, from === undefined ? {} : { from });
  });

  /** The newest report that `ballast drift MODEL` made; the server makes one a day. */
  app.get('/models/:name/drift', async (request) => {
    const { caller, name } = await modelOf(request);
    const { version } = parseRequest(between, request.query);
    const { store } = caller;
    const last =
      version ?? (await store.windowsOf(name, { slice: '' })).filter(({ role }) => role === 'live').at(-1)?.version;
    const runId = last === undefined ? undefined : (await store.getVersion(name, Number(last))).runId;
    const found =
      runId === undefined ? undefined : (await store.getEvaluations(runId)).find(({ stage }) => stage === DRIFT_STAGE);
    if (found === undefined) {
      throw new BallastError('there is no report on the drift of this model, yet', {
        code: 'DRIFT_NOT_MEASURED',
        kind: 'not-found',
        place: name,
        remedy: 'The server makes one a day; ballast drift MODEL makes one now',
      });
    }
    return { at: found.createdAt, report: found.record };
  });

  app.get('/models/:name/windows', async (request) => {
    const { caller, name } = await modelOf(request);
    return { windows: await caller.store.windowsOf(name, defined(parseRequest(between, request.query))) };
  });
}

/** Whoever may edit a model may say what was true of its answers; of ids that are not known yet, whoever may edit at all. */
async function requireLabelling(caller: Caller, ids: readonly string[]): Promise<void> {
  for (const model of await caller.store.modelsOfPredictions(ids)) await ofRegistered(caller, model, 'edit');
  if (caller.role === 'viewer') {
    throw new BallastError('A viewer may not write labels', { code: 'ACCESS_DENIED', kind: 'forbidden' });
  }
}

async function modelOf(request: FastifyRequest): Promise<{ caller: Caller; name: string }> {
  const caller = await callerOf(request);
  const { name } = request.params as { name: string };
  await ofRegistered(caller, name, 'read');
  return { caller, name };
}

/** Models that are served without being registered have no grants: roles decide. */
async function ofRegistered(caller: Caller, name: string, permission: 'read' | 'edit'): Promise<void> {
  try {
    await caller.store.getModel(name);
  } catch (error) {
    if (!(error instanceof BallastError && error.code === 'MODEL_NOT_FOUND')) throw error;
    if ((await caller.store.observedModels()).includes(name)) return;
    throw error;
  }
  await caller.requireModel(name, permission);
}

/** Without what was not given. */
function defined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}
