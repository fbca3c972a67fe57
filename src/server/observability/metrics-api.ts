import type { FastifyInstance } from 'fastify';
import { type MetricFamily, OPENMETRICS_TYPE, openMetrics } from '../../monitoring/export/openmetrics.js';
import { Telemetry, type TelemetryOptions } from '../../monitoring/export/telemetry.js';
import type { Store } from '../../store/index.js';
import type { Caller } from '../access.js';
import { callerOf } from '../context.js';
import { mayRead } from './model-access.js';

/** How old the answer to a scrape may be: several scrapers are answered by one look into the store. */
const FRESH_MS = 2000;

/** `/metrics`: OpenMetrics over everything that the store counts; each caller sees the models and experiments it may read. */
export async function metricsApi(
  app: FastifyInstance,
  { store, ...options }: TelemetryOptions & { readonly store: Store },
): Promise<void> {
  const telemetry = new Telemetry(store, options);
  let last: { readonly at: number; readonly families: Promise<MetricFamily[]> } | undefined;
  app.get('/metrics', async (request, reply) => {
    const caller = await callerOf(request);
    if (last === undefined || Date.now() - last.at > FRESH_MS) {
      const families = telemetry.families();
      last = { at: Date.now(), families };
      // A fault is told to who asked, and not kept for who asks next.
      families.catch(() => {
        last = undefined;
      });
    }
    return reply.type(OPENMETRICS_TYPE).send(openMetrics(await readable(caller, await last.families)));
  });
}

async function readable(caller: Caller, families: readonly MetricFamily[]): Promise<MetricFamily[]> {
  const [models, experiments] = (['model', 'experiment'] as const).map(
    (label) => new Set(families.flatMap(({ samples }) => samples.flatMap(({ labels }) => labels[label] ?? []))),
  );
  const allowed = new Set<string>();
  for (const model of models) if (await mayRead(caller, model)) allowed.add(model);
  const known = (await caller.store.listExperiments()).filter(({ name }) => experiments.has(name));
  const ids = new Set(await caller.readable(known.map(({ id }) => id)));
  const open = new Set(known.filter(({ id }) => ids.has(id)).map(({ name }) => name));
  return families.map((family) => ({
    ...family,
    samples: family.samples.filter(({ labels: { model, experiment } }) =>
      model === undefined ? experiment !== undefined && open.has(experiment) : allowed.has(model),
    ),
  }));
}
