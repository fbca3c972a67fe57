import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Evaluation } from '../../evaluation/index.js';
import { regression } from '../../monitoring/alerts/rules/canary.js';
import { confusedOf } from '../../monitoring/dashboard/confused.js';
import { topFailing } from '../../monitoring/dashboard/failing.js';
import { history } from '../../monitoring/dashboard/history.js';
import type { TelemetryOptions } from '../../monitoring/export/telemetry.js';
import type { DriftWatch } from '../../monitoring/slo/drift-watch.js';
import { watchedModel } from '../../monitoring/slo/model-slos.js';
import { watchedModels } from '../../monitoring/slo/watched.js';
import { answersOf } from '../../monitoring/slo/window.js';
import type { ObservationWindow, Store } from '../../store/index.js';
import type { Caller } from '../access.js';
import { callerOf } from '../context.js';
import { mayRead, requireRead } from './model-access.js';
import { statuses } from './slo-api.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** What the pages for management, on-call and debugging show; below `/api/v1/dashboards`. */
export async function dashboardsApi(
  app: FastifyInstance,
  { pricePerHour, drift }: TelemetryOptions & { readonly drift: DriftWatch },
): Promise<void> {
  app.get('/executive', async (request) => {
    const caller = await callerOf(request);
    const now = Date.now();
    const models = [];
    for (const status of await statuses(caller, undefined, drift)) {
      const windows = await caller.store.windowsOf(status.model, { from: now - 30 * DAY, to: now });
      const live = windows.filter(({ role }) => role === 'live');
      const days = history(live, { everyMs: DAY, pricePerHour });
      models.push({ ...status, canary: canaryDelta(windows, now), days });
    }
    return { models };
  });

  app.get('/on-call', async (request) => {
    const caller = await callerOf(request);
    const names = [];
    for (const name of await watchedModels(caller.store)) if (await mayRead(caller, name)) names.push(name);
    return { models: names };
  });

  app.get('/on-call/:model', async (request) => {
    const { caller, model } = await modelOf(request);
    const { store } = caller;
    const now = Date.now();
    const windows = await store.windowsOf(model, { from: now - DAY, to: now });
    const live = windows.filter(({ role, start }) => role === 'live' && start >= now - 6 * HOUR);
    const observations = await store.observationsBetween(model, { from: now - 6 * HOUR, limit: 2000 });
    const runs = await store.listRuns({ limit: 8 });
    return {
      ...(await statuses(caller, model, drift))[0],
      recent: history(live, { everyMs: 5 * 60_000, pricePerHour }),
      canary: canaryDelta(windows, now),
      failing: topFailing(observations),
      runs: runs.map(({ id, name, status, startedAt, codeCommit, regularizerId }) => ({
        ...{ id, name, status, startedAt },
        ...{ commit: codeCommit ?? null, regularizerId: regularizerId ?? null },
      })),
    };
  });

  app.get('/debug/:model', async (request) => {
    const { caller, model } = await modelOf(request);
    const { store } = caller;
    const watched = await watchedModel(store, model);
    const { registered, version, run } = watched;
    const moved = await drift.of(watched, Date.now());
    const curves = run === undefined ? [] : await store.metricHistory(run.id);
    const names = [...new Set(curves.map(({ name }) => name))].filter((name) => /loss/i.test(name));
    return {
      model,
      version: version?.version ?? null,
      commit: version?.codeCommit ?? null,
      regularizerId: version?.regularizerId ?? null,
      runId: run?.id ?? null,
      owner: registered?.owner ?? null,
      curves: names.map((name) => ({
        name,
        points: curves.filter((point) => point.name === name).map(({ step, value }) => [step, value] as const),
      })),
      drift: (moved?.columns ?? []).slice(0, 20).map(({ name, test, effect, drifted, windows }) => ({
        ...{ name, test, effect, drifted },
        days: windows.map((each) => [each.start, each.effect] as const),
      })),
      ...(run === undefined ? { worst: [], stages: [] } : await evaluated(store, run.id)),
    };
  });
}

async function modelOf(request: FastifyRequest): Promise<{ caller: Caller; model: string }> {
  const caller = await callerOf(request);
  const { model } = request.params as { model: string };
  await requireRead(caller, model);
  return { caller, model };
}

/** How much worse the candidate is than the live version over the last day, with the bound that holds at every look. */
function canaryDelta(windows: readonly ObservationWindow[], now: number) {
  const recent = windows.filter(({ slice, start }) => slice === '' && start >= now - DAY);
  const counts = (role: ObservationWindow['role'], bad: 'failed' | 'wrong') => {
    const of = recent.filter((window) => window.role === role);
    const sum = (value: (window: ObservationWindow) => number): number =>
      of.reduce((total, window) => total + value(window), 0);
    const all = bad === 'failed' ? sum((each) => answersOf(each) + each.failed) : sum(({ labelled }) => labelled);
    return { bad: sum((window) => window[bad]), total: all };
  };
  const version = recent.findLast(({ role }) => role === 'candidate')?.version;
  if (version === undefined) return null;
  const delta = (bad: 'failed' | 'wrong') => {
    const found = regression(counts('candidate', bad), counts('live', bad));
    return found === undefined ? null : { value: found.delta, low: found.low };
  };
  return { version, failed: delta('failed'), wrong: delta('wrong') };
}

/** Of the last stage that has them the classes that are confused most; the metrics of all stages side by side. */
async function evaluated(store: Store, runId: string) {
  const evaluations = await store.getEvaluations(runId);
  const stages = evaluations.map(({ stage, record }) => {
    const { metrics } = record as Evaluation;
    return {
      stage,
      metrics: Object.fromEntries(
        Object.entries(metrics).flatMap(([name, figure]) =>
          Number.isFinite(figure.value) ? [[name, { value: figure.value, interval: figure.interval }]] : [],
        ),
      ),
    };
  });
  const last = evaluations.findLast(({ record }) => (record as Evaluation).confusion !== undefined);
  return { stages, worst: last === undefined ? [] : confusedOf(last.record as Evaluation) };
}
