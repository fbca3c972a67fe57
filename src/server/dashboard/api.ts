import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { checklist, type FoundRun, type Run, type RunDocument, type Store } from '../../store/index.js';
import { lineageOfVersion } from '../../store/registry/version-lineage.js';
import { diagnoseLoggedRun, isLogged } from '../../tuning/logged-run.js';
import { ledgerOfRun } from '../../tuning/run-ledger.js';
import { callerOf } from '../context.js';
import { parseRequest } from '../parse-request.js';

/** A page of the table of runs, and which columns of it are asked for: `metrics.loss`, `params.lr`, `tags.team`. */
const page = z.object({
  filter: z.string().default(''),
  order: z.string().optional(),
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
  columns: z.string().default(''),
});

const MOST_POINTS = 400;

/** What the pages of the dashboard ask beyond MLflow's contract; below `/api/v1`. */
export async function dashboardApi(app: FastifyInstance): Promise<void> {
  app.get('/experiments', async (request) => {
    const caller = await callerOf(request);
    const { experiments } = await caller.store.searchExperiments({ orderBy: ['name ASC'] });
    const readable = new Set(await caller.readable(experiments.map(({ id }) => id)));
    return { experiments: experiments.filter(({ id }) => readable.has(id)) };
  });

  app.get('/experiments/:id/runs', async (request) => {
    const { caller, id } = await experimentOf(request);
    const query = parseRequest(page, request.query);
    const experimentIds = [id];
    const { runs } = await caller.store.searchRuns({
      experimentIds,
      filter: query.filter,
      offset: query.offset,
      limit: query.limit,
      ...(query.order === undefined ? {} : { orderBy: [query.order] }),
    });
    const total = await caller.store.countRuns({ experimentIds, filter: query.filter });
    const documents = await caller.store.runDocuments(runs.map((run) => run.id));
    const columns = query.columns.split('\n').filter((column) => column !== '');
    return { total, runs: runs.map((run) => row(run, documents.get(run.id), columns)) };
  });

  app.get('/experiments/:id/columns', async (request) => {
    const { caller, id } = await experimentOf(request);
    return caller.store.runColumns(id);
  });

  app.get('/runs/:id', async (request) => {
    const { caller, run } = await runOf(request);
    const { store } = caller;
    const document = (await store.runDocuments([run.id])).get(run.id);
    return {
      run,
      experimentId: await store.experimentOfRun(run.id),
      params: pairs(document?.params ?? '[]'),
      tags: pairs(document?.tags ?? '[]'),
      metrics: (document?.metrics ?? []).map(({ name, value, step }) => ({ name, value: shown(value), step })),
      artifacts: (await store.listArtifacts(run.id)).map(({ path, size }) => ({ path, size })),
      lineage: await store.lineage(run.id),
      ledger: await ledgerFor(store, run),
      diagnosis: isLogged(run) ? await diagnoseLoggedRun(store, run, { gap: 0.03 }) : null,
    };
  });

  app.get('/runs/:id/history', async (request) => {
    const { caller, run } = await runOf(request);
    const series = new Map<string, [step: number, value: number | string][]>();
    for (const { name, step, value } of await caller.store.metricHistory(run.id)) {
      const points = series.get(name) ?? [];
      points.push([step, shown(value)]);
      series.set(name, points);
    }
    return { series: [...series].map(([name, points]) => ({ name, points: thinned(points) })) };
  });

  app.get('/models', async (request) => {
    const caller = await callerOf(request);
    const { models } = await caller.store.searchModels();
    const readable = [];
    for (const model of models) if (await caller.mayReadModel(model.name)) readable.push(model);
    return { models: readable };
  });

  app.get('/models/:name', async (request) => {
    const { name } = request.params as { name: string };
    const { store, requireModel } = await callerOf(request);
    await requireModel(name, 'read');
    const { versions } = await store.searchVersions({
      filter: `name = '${name.replaceAll("'", "''")}'`,
      orderBy: ['version_number DESC'],
    });
    return { model: await store.getModel(name), versions };
  });

  app.get('/models/:name/:version', async (request) => {
    const { name, version: number } = request.params as { name: string; version: string };
    const { store, requireModel } = await callerOf(request);
    await requireModel(name, 'read');
    const version = await store.getVersion(name, parseRequest(z.coerce.number().int(), number));
    return {
      version,
      files: await store.versionFiles(name, version.version),
      checklist: await checklist(store, version),
      lineage: await lineageOfVersion(store, version),
    };
  });
}

async function experimentOf(request: FastifyRequest) {
  const caller = await callerOf(request);
  const id = parseRequest(z.coerce.number().int().min(0), (request.params as { id: string }).id);
  await caller.requireExperiment(id, 'read');
  await caller.store.getExperiment(id);
  return { caller, id };
}

async function runOf(request: FastifyRequest) {
  const caller = await callerOf(request);
  const run = await caller.store.findRun((request.params as { id: string }).id);
  await caller.requireRun(run.id, 'read');
  return { caller, run };
}

function row(run: FoundRun, document: RunDocument | undefined, columns: readonly string[]): object {
  const values: Record<string, unknown> = {};
  for (const { name, value } of document?.metrics ?? []) {
    if (columns.includes(`metrics.${name}`)) values[`metrics.${name}`] = shown(value);
  }
  for (const [kind, text] of [
    ['params', document?.params],
    ['tags', document?.tags],
  ] as const) {
    if (!columns.some((column) => column.startsWith(`${kind}.`))) continue;
    for (const { key, value } of pairs(text ?? '[]')) {
      if (columns.includes(`${kind}.${key}`)) values[`${kind}.${key}`] = value;
    }
  }
  const { id, name, kind, role, status, startedAt, endedAt, regularizerId } = run;
  return { id, name, kind, role, status, startedAt, endedAt, regularizerId, values };
}

/** The ledger of a run that Ballast judged. */
async function ledgerFor(store: Store, run: Run): Promise<object | null> {
  const evaluations = await store.getEvaluations(run.id);
  const judged = evaluations.find(({ stage }) => stage === 'validation')?.record as { primary?: string } | undefined;
  return judged?.primary === undefined ? null : ledgerOfRun(store, run, judged.primary);
}

function pairs(json: string): { key: string; value: string }[] {
  return JSON.parse(json) as { key: string; value: string }[];
}

/** JSON has no NaN and no infinities: they are told as text. */
const shown = (value: number): number | string => (Number.isFinite(value) ? value : String(value));

/** Every so-manieth point, the last one among them. */
function thinned<Point>(points: readonly Point[]): Point[] {
  const every = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}
