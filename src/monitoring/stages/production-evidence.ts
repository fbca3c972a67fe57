import type { ProductionEvidence } from '../../diagnosis/evidence.js';
import { findMetric } from '../../evaluation/metrics/index.js';
import { comparePaired } from '../../evaluation/paired.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { addHistograms, binomialSf, countAbove, histogramQuantile, type LogHistogram } from '../../numeric/index.js';
import type { ModelVersion, Run, Store } from '../../store/index.js';
import { ledgerOfRun } from '../../tuning/run-ledger.js';
import { productionReport } from '../production-report.js';
import { referenceOfRun } from '../reference/build.js';
import { observedPredictions } from './observed-predictions.js';
import { classesOfRun, stagesOfProduction, versionsOfRun } from './production-stages.js';

/** Requests of a version from which on its latency says something. */
const FEWEST_REQUESTS = 500;
/** Labelled pairs of a shadow and what it stood beside. */
const FEWEST_PAIRS = 100;

/** What production says of a run's model; undefined where nothing of it was observed. */
export async function productionEvidence(
  store: Store,
  run: Run,
  { metric, runtime, level }: { readonly metric: string; readonly runtime: Runtime; readonly level: number },
): Promise<ProductionEvidence | undefined> {
  const versions = await versionsOfRun(store, run);
  const observed = new Set(await store.observedModels());
  const version = versions.filter(({ name }) => observed.has(name)).sort((a, b) => b.version - a.version)[0];
  if (version === undefined) return undefined;
  // Against what was known before it was served: shadow and canary meet the same rows.
  const served = (await stagesOfProduction(store, run, metric)).filter((each) => each.stage === 'production');
  const ledger = await ledgerOfRun(store, run, metric, undefined, served);
  const stage = ledger.stages.find((each) => each.stage === 'production');
  const report = await productionReport(store, await referenceOfRun(store, run, () => Promise.resolve(runtime)), {
    ...{ model: version.name, version: String(version.version) },
  });
  const mismatched = await mismatchedRegularizer(store, run, version, { metric, level });
  const slower = await slowerThanBefore(store, version);
  return {
    model: `models:/${version.name}/${version.version}`,
    ...(stage?.delta == null || stage.deltaInterval === null || stage.from === null
      ? {}
      : {
          lost: {
            from: stage.from,
            rows: stage.rows,
            figure: { value: stage.delta, interval: stage.deltaInterval, method: stage.deltaMethod ?? '' },
          },
        }),
    drift: {
      windows: report.windows.length,
      features: report.features
        .filter(({ drifted }) => drifted)
        .map(({ name, effect, qualityEffect }) => ({ name, effect, qualityEffect })),
    },
    ...(mismatched === undefined ? {} : { mismatched }),
    ...(slower === undefined ? {} : { slower }),
  };
}

type Mismatched = NonNullable<ProductionEvidence['mismatched']>;

/**
 * Another version that answered the same requests and differs in one regularizer: what that one gained on validation, and what it
 * gains in production, row by row.
 */
async function mismatchedRegularizer(
  store: Store,
  run: Run,
  version: ModelVersion,
  { metric, level }: { readonly metric: string; readonly level: number },
): Promise<Mismatched | undefined> {
  const others = (await store.searchVersions({ filter: `name = '${version.name.replaceAll("'", "''")}'` })).versions;
  for (const other of others) {
    if (other.version === version.version || other.runId === undefined) continue;
    const regularizer = onlyIn(run.manifest, other.manifest);
    if (regularizer === undefined) continue;
    const pairs = await pairsOf(store, version.name, String(version.version), String(other.version));
    if (pairs.length < FEWEST_PAIRS) continue;
    const classes = await classesOfRun(store, run);
    const [own, its] = [0, 1].map(
      (side) =>
        observedPredictions(
          pairs.map((pair) => pair[side]),
          classes,
        )?.predictions,
    );
    if (own === undefined || its === undefined) continue;
    const { direction } = findMetric(metric).metric;
    const [first, second] = direction === 'higher' ? [its, own] : [own, its];
    const compared = comparePaired({ metric, first, second, level });
    const before = await validationOf(store, run, await store.getRun(other.runId), metric);
    if ('reason' in compared || before === undefined) continue;
    return {
      regularizer,
      other: `models:/${other.name}/${other.version}`,
      validation: direction === 'higher' ? before : -before,
      production: compared.difference,
      pairs: pairs.length,
    };
  }
  return undefined;
}

/** The type of the one regularizer that the first manifest has and the second has not; undefined where they differ otherwise. */
function onlyIn(first: unknown, second: unknown): string | undefined {
  const typesOf = (manifest: unknown): string[] => {
    const { regularizers } = manifest as {
      readonly regularizers?: readonly { readonly type: string; readonly strength?: unknown }[];
    };
    return (regularizers ?? []).filter(({ strength }) => strength !== 0).map(({ type }) => type);
  };
  const [own, others] = [typesOf(first), typesOf(second)];
  const more = own.filter((type) => !others.includes(type));
  return more.length === 1 && others.every((type) => own.includes(type)) ? more[0] : undefined;
}

type Pair = readonly [
  own: Awaited<ReturnType<Store['observationsBetween']>>[number],
  its: Awaited<ReturnType<Store['observationsBetween']>>[number],
];

/** Labelled answers of two versions to the same requests, one of them as the other's shadow. */
async function pairsOf(store: Store, model: string, version: string, other: string): Promise<Pair[]> {
  const [own, its] = await Promise.all(
    [version, other].map((each) => store.observationsBetween(model, { version: each, labelled: true, limit: 20_000 })),
  );
  const byAnswer = new Map(its.map((row) => [row.beside ?? row.id, row]));
  return own.flatMap((row): Pair[] => {
    const beside = byAnswer.get(row.beside ?? row.id);
    return beside === undefined ? [] : [[row, beside]];
  });
}

async function validationOf(store: Store, run: Run, other: Run, metric: string): Promise<number | undefined> {
  const [own, its] = await Promise.all(
    [run, other].map(
      async (each) =>
        (await ledgerOfRun(store, each, metric)).stages.find(({ stage }) => stage === 'validation')?.value,
    ),
  );
  return own === undefined || its === undefined ? undefined : own - its;
}

/** Whether a compressed version is slower in its tail than the version before it was: more than 1 % of its answers beyond that one's p99. */
async function slowerThanBefore(store: Store, version: ModelVersion): Promise<ProductionEvidence['slower']> {
  const { versions } = await store.searchVersions({ filter: `name = '${version.name.replaceAll("'", "''")}'` });
  const before = versions.filter((each) => each.version < version.version).sort((a, b) => b.version - a.version)[0];
  if (before === undefined || before.onnxSha256 === version.onnxSha256) return undefined;
  const [earlier, now] = await Promise.all(
    [before, version].map(async (each) => {
      const windows = await store.windowsOf(version.name, { version: String(each.version), slice: '' });
      return windows.reduce<LogHistogram>((sum, { latency }) => addHistograms(sum, latency), {});
    }),
  );
  const count = (histogram: LogHistogram): number => Object.values(histogram).reduce((sum, each) => sum + each, 0);
  if (count(earlier) < FEWEST_REQUESTS || count(now) < FEWEST_REQUESTS) return undefined;
  const limit = histogramQuantile(earlier, 0.99);
  const beyond = countAbove(now, limit * 1.05);
  return {
    before: limit,
    now: histogramQuantile(now, 0.99),
    pValue: binomialSf(beyond - 1, count(now), 0.01),
    requests: count(now),
    than: `models:/${before.name}/${before.version}`,
    compressed: before.runId === version.runId || isCompressed(version),
  };
}

/** A version that is not the file that its run trained. */
function isCompressed({ source, tags, description }: ModelVersion): boolean {
  return [source, description, ...Object.values(tags), ...Object.keys(tags)].some((text) =>
    /compress|prun|int8|quant|distil/i.test(text),
  );
}
