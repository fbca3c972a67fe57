import { BallastError } from '../../errors.js';
import { type Slo, sloOptions } from '../../spec/slo-options.js';
import { isOfProduction, type ModelVersion, type RegisteredModel, type Run, type Store } from '../../store/index.js';
import { defaultSlos } from './defaults.js';

/** A model as far as its objectives and alerts go; one that is only watched is not in the registry. */
export interface WatchedModel {
  readonly name: string;
  readonly registered: RegisteredModel | undefined;
  /** The version that is declared live, or that answers; where none does, the one that traffic follows by its alias, else the newest. */
  readonly version: ModelVersion | undefined;
  /** That the version came from. */
  readonly run: Run | undefined;
}

export interface ModelSlo {
  readonly slo: Slo;
  /** `default`, `spec`, or where it was imported from. */
  readonly source: string;
}

/** What the registry knows of a model; nothing where it has none of this name. */
export async function watchedModel(store: Store, name: string): Promise<WatchedModel> {
  const registered = await known(store.getModel(name));
  if (registered === undefined) return { name, registered, version: undefined, run: undefined };
  const alias = Object.entries(registered.aliases).find(([each]) => isOfProduction(each));
  const { versions } = await store.searchVersions({
    filter: `name = '${name.replaceAll("'", "''")}'`,
    orderBy: ['version_number DESC'],
    limit: 1,
  });
  const answering = await answeringVersions(store, name);
  const last = alias === undefined || !answering.has(String(alias[1])) ? [...answering].at(-1) : String(alias[1]);
  const served = (await liveVersion(store, name)) ?? last;
  const version =
    (served === undefined ? undefined : await versionOf(store, name, served)) ??
    (alias === undefined ? versions[0] : await store.getVersion(name, alias[1]));
  const run = version?.runId === undefined ? undefined : await known(store.getRun(version.runId));
  return { name, registered, version, run };
}

/** The version that traffic was declared to be live, by a rollout or by hand; undefined where none was. */
export async function liveVersion(store: Store, model: string): Promise<string | undefined> {
  const [served] = await store.servedModels([model]);
  const live = served?.traffic?.shares.find(({ role }) => role === 'live');
  return live === undefined ? undefined : String(live.version);
}

const HOUR = 3_600_000;

/** Versions that answered users within the last hour, the last one last. */
async function answeringVersions(store: Store, name: string): Promise<Set<string>> {
  const windows = await store.windowsOf(name, { slice: '', from: Date.now() - 2 * HOUR });
  const versions = new Set<string>();
  for (const { role, requests, start, ms, version } of windows) {
    if (role !== 'live' || requests === 0 || start + ms <= Date.now() - HOUR) continue;
    // Windows come in the order of time.
    versions.delete(version);
    versions.add(version);
  }
  return versions;
}

/** A version by its number as it is observed; nothing where the registry has none. */
export async function versionOf(store: Store, model: string, version: string): Promise<ModelVersion | undefined> {
  return /^\d+$/.test(version) ? known(store.getVersion(model, Number(version))) : undefined;
}

/**
 * The objectives of a model: those that were imported, then those of the spec it was trained by; the defaults of its task and
 * criticality where there are none of either.
 */
export async function modelSlos(store: Store, model: WatchedModel): Promise<ModelSlo[]> {
  const imported = (await store.listSlos(model.name)).map(({ definition, source }) => ({
    slo: sloOptions.parse(definition),
    source,
  }));
  const spec = (model.run?.spec ?? {}) as { slo?: unknown; task?: 'classification' | 'regression' };
  const ofSpec = sloOptions
    .array()
    .parse(spec.slo ?? [])
    .filter(({ name }) => !imported.some(({ slo }) => slo.name === name))
    .map((slo) => ({ slo, source: 'spec' }));
  const found = [...imported, ...ofSpec].map(({ slo, source }) => ({ slo: withExperiment(slo, model.run), source }));
  if (found.length > 0 || model.registered === undefined) return found;
  const accuracy = await holdoutAccuracy(store, model.run);
  const { criticality } = model.registered;
  return defaultSlos({ task: spec.task, criticality, ...(accuracy === undefined ? {} : { accuracy }) }).map((slo) => ({
    slo,
    source: 'default',
  }));
}

/** Whose trainings are meant is that of the model's own, where it does not say. */
function withExperiment(slo: Slo, run: Run | undefined): Slo {
  const { sli } = slo;
  if (sli.type !== 'training' || run === undefined) return slo;
  return { ...slo, sli: { ...sli, experiment: sli.experiment ?? run.experiment } };
}

async function holdoutAccuracy(store: Store, run: Run | undefined): Promise<number | undefined> {
  if (run === undefined) return undefined;
  const holdout = (await store.getEvaluations(run.id)).find(({ stage }) => stage === 'holdout');
  const { metrics } = (holdout?.record ?? {}) as { metrics?: Readonly<Record<string, { value?: unknown }>> };
  const value = metrics?.accuracy?.value;
  return typeof value === 'number' ? value : undefined;
}

/** Nothing where the store does not have it. */
async function known<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof BallastError && error.kind === 'not-found') return undefined;
    throw error;
  }
}
