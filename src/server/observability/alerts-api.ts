import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { AlertState } from '../../store/index.js';
import type { Caller } from '../access.js';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';
import { mayRead, requireWrite } from './model-access.js';

const query = z.object({ model: z.string().min(1).optional(), all: z.stringbool().default(false) });
const newSilence = z.strictObject({
  kind: z.enum(['silence', 'planned']).default('silence'),
  matchers: z
    .array(z.strictObject({ label: z.string(), value: z.string(), regex: z.boolean().optional() }))
    .min(1)
    .max(20),
  startsAt: z.iso.datetime({ offset: true }).optional(),
  minutes: z.number().positive().max(129_600),
  reason: z.string().trim().min(1).max(1000),
});

/** Alerts and silences; below `/api/v1`. */
export async function alertsApi(app: FastifyInstance): Promise<void> {
  app.get('/alerts', async (request) => {
    const caller = await callerOf(request);
    const { model, all } = parseRequest(query, request.query);
    const alerts = await caller.store.listAlerts({
      ...(model === undefined ? {} : { model }),
      ...(all ? {} : { state: 'firing' }),
    });
    return { alerts: await readable(caller, alerts) };
  });

  app.get('/alerts/:fingerprint', async (request) => {
    const caller = await callerOf(request);
    const { fingerprint } = request.params as { fingerprint: string };
    const found = (await caller.store.listAlerts({ limit: 10_000 })).filter((each) => each.fingerprint === fingerprint);
    const [alert] = await readable(caller, found);
    if (alert === undefined) {
      throw new BallastError('There is no such alert', {
        code: 'ALERT_NOT_FOUND',
        kind: 'not-found',
        value: fingerprint,
      });
    }
    const [events, deliveries] = await Promise.all([
      caller.store.alertEvents(fingerprint),
      caller.store.listDeliveries([fingerprint]),
    ]);
    return { alert, events, deliveries };
  });

  app.get('/silences', async (request) => {
    const caller = await callerOf(request);
    const { all } = parseRequest(query, request.query);
    return { silences: await caller.store.listSilences({ endedToo: all }) };
  });

  app.post('/silences', async (request) => {
    const caller = await callerOf(request);
    const { kind, matchers, startsAt, minutes, reason } = parseRequest(newSilence, request.body);
    const model = matchers.find(({ label, regex }) => label === 'model' && regex !== true);
    // One that is about more than a model is an administrator's.
    if (model === undefined) caller.requireAdmin();
    else await requireWrite(caller, model.value);
    const from = startsAt === undefined ? new Date() : new Date(startsAt);
    const to = new Date(from.getTime() + minutes * 60_000);
    const silence = await caller.store.addSilence({ kind, matchers, startsAt: from, endsAt: to, reason });
    return { silence };
  });

  app.delete('/silences/:id', async (request) => {
    const caller = await callerOf(request);
    const { id } = parseRequest(z.object({ id: z.coerce.number().int().positive() }), request.params);
    const silence = (await caller.store.listSilences({ endedToo: true })).find((each) => each.id === id);
    const model = silence?.matchers.find(({ label, regex }) => label === 'model' && regex !== true);
    if (model === undefined) caller.requireAdmin();
    else await requireWrite(caller, model.value);
    await caller.store.endSilence(id);
    return { ended: id };
  });
}

/** Those of models that the caller may read. */
async function readable(caller: Caller, alerts: readonly AlertState[]): Promise<AlertState[]> {
  const allowed = new Map<string, boolean>();
  for (const { model } of alerts) if (!allowed.has(model)) allowed.set(model, await mayRead(caller, model));
  return alerts.filter(({ model }) => allowed.get(model) === true);
}
