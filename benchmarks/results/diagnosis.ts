/** How often the diagnosis names a planted fault, and how often it cries wolf. */
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyPatch } from '../../src/diagnosis/index.js';
import { comparePaired, type PredictionInput } from '../../src/evaluation/index.js';
import { openRuntime, type Runtime } from '../../src/graph/index.js';
import { wilsonInterval } from '../../src/numeric/index.js';
import { resolveSpec } from '../../src/spec/index.js';
import { openStore, type Store } from '../../src/store/index.js';
import { diagnoseRun } from '../../src/tuning/diagnose-run.js';
import { evaluateHoldout, runExperiment } from '../../src/tuning/index.js';
import { DEVELOPMENT, type DiagnosisCase, FAULTS, type Fault, JUDGED } from './diagnosis-cases.js';
import type { Results, ResultsSetting } from './page.js';

export interface Situation {
  readonly set: string;
  /** The planted fault; undefined where nothing is wrong. */
  readonly fault: string | undefined;
  readonly severity: number;
  readonly seed: number;
  /** Standard errors that the holdout's log loss is worse by than the healthy model's. */
  readonly moved: number;
  readonly found: readonly string[];
  /** Whether the log loss on the holdout became better by the patch of an F1, F2 or X14. */
  readonly mended?: boolean;
}

export interface Bench {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly work: string;
}

async function trained(
  bench: Bench,
  spec: Readonly<Record<string, unknown>>,
): Promise<{ run: string; holdout: PredictionInput }> {
  const { store, runtime, work } = bench;
  const { runs } = await runExperiment(resolveSpec(spec), {
    store,
    runtime,
    workFolder: work,
    ballastVersion: 'results',
  });
  const model = runs.find(({ role }) => role === 'model')!;
  const { predictions } = await evaluateHoldout(store, runtime, await store.getRun(model.runId));
  return { run: model.runId, holdout: predictions };
}

/** Standard errors by which the log loss of the first is above that of the second. */
function worseBy(first: PredictionInput, second: PredictionInput): number {
  const compared = comparePaired({ metric: 'logLoss', first, second });
  if ('reason' in compared) return 0;
  const { value, interval } = compared.difference;
  const error = (interval[1] - interval[0]) / 2 / 1.96;
  return error === 0 ? 0 : value / error;
}

/** The situations that an interrupted run left. */
async function readKept(path: string): Promise<Situation[]> {
  if (!existsSync(path)) return [];
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Situation);
}

const PLANTING = { faults: FAULTS, healthySeeds: 5, faultySeeds: 2 };

/** Findings whose patch is tried on fresh rows. */
const MENDED: ReadonlySet<string> = new Set(['F1', 'F2', 'X14']);

/** What is planted into a healthy spec, and under how many seeds. */
interface Planting {
  readonly faults: readonly Fault[];
  readonly healthySeeds: number;
  readonly faultySeeds: number;
}

export async function situationsOf(
  bench: Bench,
  { name, spec }: DiagnosisCase,
  { faults, healthySeeds, faultySeeds }: Planting,
  { tell, keep }: Pick<ResultsSetting, 'tell' | 'keep'>,
): Promise<Situation[]> {
  const kept = keep && join(keep, `${name}, ${faults[0].name}.jsonl`);
  const situations = kept === undefined ? [] : await readKept(kept);
  for (let seed = 1; seed <= healthySeeds; seed++) {
    const seeded = (each: DiagnosisCase['spec']) => ({ ...each, training: { ...each.training, seed } });
    let trainedHealthy: ReturnType<typeof trained> | undefined;
    const healthyRun = () => (trainedHealthy ??= trained(bench, seeded(spec)));
    const planted = faults.flatMap((fault) =>
      fault.severities.map((plant, severity) => ({
        fault: fault.name,
        severity: severity + 1,
        spec: seeded(plant(spec)),
      })),
    );
    for (const each of [
      { fault: undefined, severity: 0, spec: seeded(spec) },
      ...(seed <= faultySeeds ? planted : []),
    ]) {
      if (
        situations.some(
          (known) => known.fault === each.fault && known.severity === each.severity && known.seed === seed,
        )
      )
        continue;
      const healthy = await healthyRun();
      const faulty = each.fault === undefined ? healthy : await trained(bench, each.spec);
      const judged = faults.find((fault) => fault.name === each.fault)?.moved ?? worseBy;
      const moved = judged(faulty.holdout, healthy.holdout);
      const run = await bench.store.getRun(faulty.run);
      const { findings } = await diagnoseRun(bench.store, run, { runtime: bench.runtime, probes: true });
      const mend = findings.find(({ id }) => MENDED.has(id));
      const mended =
        mend?.patch == null || each.fault === undefined
          ? undefined
          : await trained(bench, applyPatch(seeded(each.spec as DiagnosisCase['spec']), mend.patch));
      situations.push({
        set: name,
        fault: each.fault,
        severity: each.severity,
        seed,
        moved,
        // A note on a healthy model is no alarm.
        found: findings.filter(({ severity }) => severity === 'problem').map(({ id }) => id),
        ...(mended === undefined ? {} : { mended: worseBy(mended.holdout, faulty.holdout) < 0 }),
      });
      const last = situations.at(-1)!;
      if (kept !== undefined) await appendFile(kept, `${JSON.stringify(last)}\n`);
      tell(
        `${name} seed ${seed} ${last.fault ?? 'healthy'} ${last.severity}: moved ${moved.toFixed(1)} SE, found ${last.found.join(' ') || 'nothing'}${last.mended === undefined ? '' : `, mended ${last.mended}`}`,
      );
    }
  }
  return situations;
}

/** Least movement of the holdout, in standard errors, that makes a planted fault one. */
export const MOVED = 2;

function share(hits: number, count: number): string {
  if (count === 0) return '–';
  const [low, high] = wilsonInterval(hits, count);
  return `${hits} of ${count} (${(100 * low).toFixed(0)} to ${(100 * high).toFixed(0)} %)`;
}

export function tableOf(situations: readonly Situation[], faults: readonly Fault[]): string[] {
  const rows = faults.map((fault) => {
    const planted = situations.filter((each) => each.fault === fault.name && each.moved >= MOVED);
    const hits = planted.filter(({ found }) => found.some((id) => fault.found.includes(id)));
    const others = new Map<string, number>();
    for (const { found } of planted) for (const id of found) others.set(id, (others.get(id) ?? 0) + 1);
    const ids = [...others].sort((a, b) => b[1] - a[1]).map(([id, count]) => `${id} ${count}`);
    return {
      line: `| ${fault.name} | ${fault.found.join(', ')} | ${share(hits.length, planted.length)} | ${ids.join(', ')} |`,
      recall: planted.length === 0 ? undefined : hits.length / planted.length,
    };
  });
  const recalls = rows.flatMap(({ recall }) => (recall === undefined ? [] : [recall]));
  const healthy = situations.filter(({ fault }) => fault === undefined);
  const alarms = healthy.filter(({ found }) => found.length > 0);
  const mends = situations.filter(({ mended, moved }) => mended !== undefined && moved >= MOVED);
  return [
    '| Planted | Named by | Named | All findings |',
    '| --- | --- | --- | --- |',
    ...rows.map(({ line }) => line),
    '',
    `- Macro recall: ${(recalls.reduce((sum, each) => sum + each, 0) / recalls.length).toFixed(2)} (target 0.9)`,
    `- Findings on healthy models: ${share(alarms.length, healthy.length)}${alarms.length === 0 ? '' : `: ${alarms.map(({ set, found }) => `${set} ${found.join(' ')}`).join('; ')}`} (target 5 % at most)`,
    `- The patch of an F1, F2 or X14 makes the log loss of fresh rows better: ${share(mends.filter(({ mended }) => mended).length, mends.length)} (target 80 %)`,
    '',
  ];
}

export const results: Results = {
  async page({ datasets, quick, tell, keep, only }) {
    const work = await mkdtemp(join(tmpdir(), 'ballast-diagnosis-'));
    const bench = { store: await openStore(work), runtime: await openRuntime(), work };
    try {
      const situations: Situation[] = [];
      for (const each of quick ? DEVELOPMENT.slice(0, 1) : JUDGED) {
        if (only?.includes(each.name) === false) continue;
        const data = each.spec.data as { source: string };
        const spec = { ...each.spec, data: { ...data, source: join(datasets, data.source) } };
        situations.push(...(await situationsOf(bench, { ...each, spec }, PLANTING, { tell, keep })));
      }
      const counted = situations.filter(({ fault, moved }) => fault !== undefined && moved >= MOVED);
      return [
        '# Diagnosis: planted faults, found or not',
        '',
        `${situations.length} trainings of small networks on ${new Set(situations.map(({ set }) => set)).size} real data sets: healthy specs, and the same with one fault planted at three severities. A fault counts where the`,
        `holdout's log loss is worse by ${MOVED} standard errors or more (${counted.length} do). It is named where one of the findings in the second column`,
        'is among those of `ballast diagnose`, which sees training and validation rows only; notes are not counted. The rules were developed on',
        `other sets (${DEVELOPMENT.map(({ name }) => name).join(', ')}). Intervals are Wilson, 95 %.`,
        '',
        ...tableOf(situations, FAULTS),
      ].join('\n');
    } finally {
      await bench.store.close();
      await rm(work, { recursive: true });
    }
  },
};
