/**
 * Whole regularization paths, 100 penalties, against R's glmnet, scikit-learn, skglm and celer.
 *
 *     npm run bench -- paths [--json] [--only TEXT] [--rounds 5] [--gap 1e-5] [--clock cpu] [--peers glmnet,...]
 *
 * All solve the same problem on the same standardised columns at the same penalties, each with its loosest tolerance
 * whose models all have a duality gap of at most --gap of the null model's loss; the gap is measured here, alike for all.
 * One thread. glmnet is that of `Rscript` (packages glmnet and jsonlite), the others those of BALLAST_PYTHON or `python3`.
 * Real problems are read from the folder BALLAST_DATASETS. `--clock cpu` counts processor time, which holds while others
 * use the machine.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openRuntime } from '../src/graph/runtime/choose.js';
import type { Runtime } from '../src/graph/runtime/runtime.js';
import { fitPath, type OutputModel, type RegularizationPath } from '../src/paths/index.js';
import { accuracyOf } from './paths/accuracy.js';
import { CASES, type DenseProblem, type PathCase } from './paths/cases.js';
import { type Clock, compare, measure, type RoundOptions } from './support/interleave.js';
import { Peer, type VariantContender } from './support/peer.js';
import { type BenchmarkReport, type BenchmarkRow, lineOf, machine, print } from './support/report.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    gap: { type: 'string', default: '1e-5' },
    clock: { type: 'string', default: 'wall' },
    peers: { type: 'string', default: 'R glmnet,scikit-learn,skglm,celer' },
  },
});

const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
const PYTHON = process.env.BALLAST_PYTHON ?? 'python3';
const beside = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Columns of mean 0 and deviation 1, without those that do not vary. */
function standardised({ features, target }: DenseProblem): DenseProblem {
  const { rows: n, columns: p, data } = features;
  const kept: Float64Array[] = [];
  for (let j = 0; j < p; j++) {
    const column = data.slice(j * n, (j + 1) * n);
    const mean = column.reduce((sum, value) => sum + value, 0) / n;
    const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
    if (deviation > 1e-12 * Math.abs(mean)) kept.push(column.map((value) => (value - mean) / deviation));
  }
  const all = new Float64Array(n * kept.length);
  kept.forEach((column, j) => {
    all.set(column, j * n);
  });
  return { features: { rows: n, columns: kept.length, data: all }, target };
}

/** Intercept and coefficients of each model, and each of its outputs, as peers write them. */
function modelsOf({ points, features }: RegularizationPath): Float64Array {
  const models = points.flatMap((point): readonly OutputModel[] => point.outputs ?? [point]);
  const all = new Float64Array(models.length * (features + 1));
  models.forEach(({ columns, coefficients, intercept }, k) => {
    all[k * (features + 1)] = intercept;
    columns.forEach((column, i) => {
      all[k * (features + 1) + 1 + column] = coefficients[i];
    });
  });
  return all;
}

async function rowsOf(
  subject: PathCase,
  runtime: Runtime,
  peers: readonly (Peer | string)[],
  folder: string,
): Promise<BenchmarkRow[]> {
  const data = standardised(await subject.load());
  const { rows, columns } = data.features;
  const { family, alpha, grouped } = subject;
  const gap = Number(values.gap);
  const settings = { family, alpha, grouped, standardize: false, runtime, tolerance: gap } as const;
  const first = await fitPath(data, settings);
  const lambdas = first.points.map(({ lambda }) => lambda);
  const solve = () => fitPath(data, { ...settings, lambdas });
  const own = accuracyOf(data, modelsOf(await solve()), { family, alpha, grouped, lambdas });
  const files = { x: join(folder, 'x.f64'), y: join(folder, 'y.f64'), out: join(folder, 'out.f64') };
  writeFileSync(files.x, new Uint8Array(data.features.data.buffer));
  writeFileSync(files.y, new Uint8Array(data.target.buffer, data.target.byteOffset, data.target.byteLength));
  const options: RoundOptions = { clock: values.clock as Clock, rounds: Number(values.rounds), block: 50 };
  const ours = {
    run: (steps: number) =>
      measure(async () => {
        for (let step = 0; step < steps; step++) await solve();
      }),
  };
  const result: BenchmarkRow[] = [];
  for (const peer of peers) {
    const common = { case: subject.name, unit: 'ms/path', threads: 1 };
    if (typeof peer === 'string') {
      result.push({ ...common, peer, ours: Number.NaN, theirs: 'absent', ratio: undefined, interval: undefined });
      continue;
    }
    if (!peer.name.includes('glmnet') && (family === 'multinomial' || family === 'mgaussian')) continue;
    const variants = await peer.prepare(
      { ...files, rows, columns, family, alpha, grouped: grouped === true, lambdas },
      1,
    );
    const found = await loosest(
      variants,
      gap,
      () => accuracyOf(data, floats(files.out), { family, alpha, grouped, lambdas }).gap,
    );
    if (found === undefined) continue;
    const timing = await compare(ours, found.contender, options);
    const glmnet = peer.name.includes('glmnet');
    result.push({
      ...common,
      peer: `${peer.name}, ${found.contender.variant}`,
      ...timing,
      ...(glmnet ? { target: subject.target } : {}),
      note: `${lambdas.length} models; largest gap ${own.gap.toExponential(1)} and ${found.gap.toExponential(1)}`,
    });
  }
  return result;
}

/** The first variant that is exact enough; undefined where none is. */
async function loosest(
  variants: readonly VariantContender[],
  goal: number,
  accuracy: () => number,
): Promise<{ contender: VariantContender; gap: number } | undefined> {
  for (const contender of variants) {
    await contender.run(1);
    const gap = accuracy();
    if (gap <= goal || contender === variants.at(-1)) return { contender, gap };
  }
  return undefined;
}

function floats(path: string): Float64Array {
  const bytes = readFileSync(path);
  const read = new Float64Array(bytes.byteLength / 8);
  new Uint8Array(read.buffer).set(bytes);
  return read;
}

const runtime = await openRuntime();
const folder = mkdtempSync(join(tmpdir(), 'ballast-bench-paths-'));
const names = ['R glmnet', 'scikit-learn', 'skglm', 'celer'].filter((name) =>
  values.peers.split(',').some((wanted) => name.includes(wanted)),
);
const started = await Promise.all(
  names.map((name) =>
    name === 'R glmnet'
      ? Peer.start('Rscript', [beside('peers/paths_glmnet.R')], ONE_THREAD)
      : Peer.start(PYTHON, [beside('peers/paths_python.py'), name], ONE_THREAD),
  ),
);
const peers = started.map((peer, i) => peer ?? names[i]);
const report: BenchmarkReport & { rows: BenchmarkRow[] } = { name: 'paths', machine: machine(), rows: [] };
try {
  for (const subject of CASES.filter(({ name }) => name.includes(values.only))) {
    const rows = await rowsOf(subject, runtime, peers, folder);
    report.rows.push(...rows);
    for (const row of rows) process.stderr.write(`${lineOf(row)}\n`);
  }
} finally {
  for (const peer of started) peer?.close();
  rmSync(folder, { recursive: true, force: true });
}
print(report, values.json);
