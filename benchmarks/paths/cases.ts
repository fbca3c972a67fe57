import { join } from 'node:path';
import { findColumn, readTable } from '../../src/data/index.js';
import { derive } from '../../src/numeric/random.js';
import type { DenseFeatures, PathData } from '../../src/paths/index.js';

export type CaseFamily = 'gaussian' | 'binomial';

export type DenseProblem = PathData & { readonly features: DenseFeatures };

/** One problem whose path is timed. */
export interface PathCase {
  readonly name: string;
  readonly family: CaseFamily;
  readonly alpha: number;
  /** What the ratio to glmnet should not exceed. */
  readonly target: number;
  load(): Promise<DenseProblem>;
}

const made = (
  rows: number,
  columns: number,
  family: CaseFamily,
  { alpha = 1, correlation = 0, target }: { alpha?: number; correlation?: number; target: number },
): PathCase => ({
  name: `${family} ${rows} x ${columns}${correlation === 0 ? '' : `, correlation ${correlation}`}, alpha ${alpha}`,
  family,
  alpha,
  target,
  load: async () => random(rows, columns, family, correlation),
});

const SMALL = 'small-n-tabular';
const GENES = 'gene-expression';

/** Made and real problems of different shapes. */
export const CASES: readonly PathCase[] = [
  made(10_000, 500, 'gaussian', { target: 0.2 }),
  made(1000, 100, 'gaussian', { alpha: 0.5, target: 1 }),
  made(500, 10_000, 'gaussian', { target: 0.25 }),
  made(500, 10_000, 'gaussian', { alpha: 0.5, target: 1 }),
  made(100, 50_000, 'gaussian', { target: 0.25 }),
  made(100, 50_000, 'gaussian', { correlation: 0.95, target: 0.25 }),
  made(5000, 1000, 'binomial', { target: 0.3 }),
  real('leukaemia', GENES, 'golub.csv.gz', 'binomial', { target: 0.7 }),
  real('colon', GENES, 'alon.csv.gz', 'binomial', { target: 0.7 }),
  real('colon', GENES, 'alon.csv.gz', 'binomial', { alpha: 0.5, target: 0.7 }),
  real('spambase', SMALL, 'spambase.data', 'binomial', { target: 1 }),
  real('prostate', SMALL, 'prostate_esl.csv', 'gaussian', { target: 1, label: 'lpsa', skip: ['rownames'] }),
  real('Hitters', SMALL, 'Hitters.csv', 'gaussian', { target: 1, label: 'Salary', skip: ['rownames'] }),
  real('digits, 5 and above', SMALL, 'digits.csv.gz', 'binomial', { target: 1 }),
];

interface RealOptions {
  readonly alpha?: number;
  readonly target: number;
  /** Column to predict: the first or last one that is not numeric enough, unless given. */
  readonly label?: string;
  readonly skip?: readonly string[];
}

function real(name: string, folder: string, file: string, family: CaseFamily, options: RealOptions): PathCase {
  const { alpha = 1, target } = options;
  return {
    name: `${name}, ${family}, alpha ${alpha}`,
    family,
    alpha,
    target,
    load: () => read(join(folder, file), family, options),
  };
}

async function read(file: string, family: CaseFamily, { label, skip = [] }: RealOptions): Promise<DenseProblem> {
  const root = process.env.BALLAST_DATASETS;
  if (root === undefined) throw new Error('BALLAST_DATASETS names no folder');
  const header = !/spambase|digits/.test(file);
  const table = await readTable(join(root, file), header ? {} : { header: false });
  const own = label ?? (file.includes(GENES) ? table.columns[0] : table.columns[table.columns.length - 1]).name;
  const goal = findColumn(table, own);
  if (goal === undefined || goal.kind === 'array') throw new Error(`${file} has no column ${own}`);
  const values = (row: number): number =>
    goal.kind === 'category' ? goal.codes[row] : goal.kind === 'number' ? goal.values[row] : Number.NaN;
  const rows = Array.from({ length: table.rows }, (_, row) => row).filter((row) => Number.isFinite(values(row)));
  const columns: number[][] = [];
  for (const column of table.columns) {
    if (column === goal || skip.includes(column.name)) continue;
    if (column.kind === 'number') columns.push(rows.map((row) => column.values[row]));
    if (column.kind === 'category') {
      for (let code = 1; code < column.dictionary.length; code++)
        columns.push(rows.map((row) => Number(column.codes[row] === code)));
    }
  }
  const target = Float64Array.from(rows, (row) =>
    family === 'gaussian' ? values(row) : Number(values(row) >= (file.includes('digits') ? 5 : 1)),
  );
  return { features: { rows: rows.length, columns: columns.length, data: Float64Array.from(columns.flat()) }, target };
}

/** Normal columns with a common part, of which 20 matter, with signs that alternate and sizes that fall. */
function random(rows: number, columns: number, family: CaseFamily, correlation: number): DenseProblem {
  const stream = derive(7, 'path case', rows, columns);
  const data = new Float64Array(rows * columns);
  const target = new Float64Array(rows);
  const [shared, own] = [Math.sqrt(correlation), Math.sqrt(1 - correlation)];
  const common = Float64Array.from(target, () => stream.normal());
  for (let j = 0; j < columns; j++) {
    for (let i = 0; i < rows; i++) data[j * rows + i] = shared * common[i] + own * stream.normal();
  }
  const features: DenseFeatures = { rows, columns, data };
  const size = Math.min(20, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < size; j++) {
      target[i] += (j % 2 === 0 ? 1 : -1) * Math.exp(-j / 10) * data[j * rows + i];
    }
  }
  const spread = Math.sqrt(target.reduce((sum, value) => sum + value * value, 0) / rows);
  return {
    features,
    target: target.map((value) =>
      family === 'gaussian'
        ? value + (spread / Math.sqrt(3)) * stream.normal()
        : Number(stream.uniform() < 1 / (1 + Math.exp(-value))),
    ),
  };
}
