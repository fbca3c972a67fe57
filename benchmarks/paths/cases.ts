import { join } from 'node:path';
import { findColumn, readTable } from '../../src/data/index.js';
import { derive } from '../../src/numeric/random.js';
import type { DenseFeatures, PathData } from '../../src/paths/index.js';

export type CaseFamily = 'gaussian' | 'binomial' | 'multinomial' | 'mgaussian';

export type DenseProblem = PathData & { readonly features: DenseFeatures };

/** One problem whose path is timed. */
export interface PathCase {
  readonly name: string;
  readonly family: CaseFamily;
  readonly alpha: number;
  /** Of classes: whether a column's coefficients for all of them are penalised together. */
  readonly grouped?: boolean;
  /** What the ratio to glmnet should not exceed. */
  readonly target: number;
  load(): Promise<DenseProblem>;
}

const made = (
  rows: number,
  columns: number,
  family: CaseFamily,
  { alpha = 1, correlation = 0, outputs = 1, grouped, target }: MadeOptions,
): PathCase => ({
  name: `${nameOf(family, grouped)} ${rows} x ${columns}${outputs === 1 ? '' : ` x ${outputs}`}${correlation === 0 ? '' : `, correlation ${correlation}`}, alpha ${alpha}`,
  family,
  alpha,
  ...(grouped === undefined ? {} : { grouped }),
  target,
  load: async () => random(rows, columns, family, { correlation, outputs }),
});

interface MadeOptions {
  readonly alpha?: number;
  readonly correlation?: number;
  /** Classes, or targets. */
  readonly outputs?: number;
  readonly grouped?: boolean;
  readonly target: number;
}

const nameOf = (family: CaseFamily, grouped?: boolean): string => (grouped === true ? `grouped ${family}` : family);

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
  real('digits', SMALL, 'digits.csv.gz', 'multinomial', { target: 1 }),
  real('digits', SMALL, 'digits.csv.gz', 'multinomial', { alpha: 0.5, target: 1 }),
  real('digits', SMALL, 'digits.csv.gz', 'multinomial', { grouped: true, target: 1 }),
  real('leukaemia', GENES, 'golub.csv.gz', 'multinomial', { target: 1 }),
  real('leukaemia', GENES, 'golub.csv.gz', 'multinomial', { grouped: true, target: 1 }),
  made(100, 5000, 'multinomial', { outputs: 4, target: 1 }),
  made(100, 5000, 'multinomial', { outputs: 4, grouped: true, target: 1 }),
  made(2000, 200, 'mgaussian', { outputs: 5, target: 1 }),
  made(200, 5000, 'mgaussian', { outputs: 5, target: 1 }),
];

interface RealOptions {
  readonly alpha?: number;
  readonly grouped?: boolean;
  readonly target: number;
  /** Column to predict: the first or last one that is not numeric enough, unless given. */
  readonly label?: string;
  readonly skip?: readonly string[];
}

function real(name: string, folder: string, file: string, family: CaseFamily, options: RealOptions): PathCase {
  const { alpha = 1, grouped, target } = options;
  return {
    name: `${name}, ${nameOf(family, grouped)}, alpha ${alpha}`,
    family,
    alpha,
    ...(grouped === undefined ? {} : { grouped }),
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
    family === 'binomial' ? Number(values(row) >= (file.includes('digits') ? 5 : 1)) : values(row),
  );
  return { features: { rows: rows.length, columns: columns.length, data: Float64Array.from(columns.flat()) }, target };
}

/** Normal columns with a common part, of which 20 matter for each output, with signs that alternate and sizes that fall. */
function random(
  rows: number,
  columns: number,
  family: CaseFamily,
  { correlation, outputs }: { correlation: number; outputs: number },
): DenseProblem {
  const stream = derive(7, 'path case', rows, columns);
  const data = new Float64Array(rows * columns);
  const eta = new Float64Array(rows * outputs);
  const [shared, own] = [Math.sqrt(correlation), Math.sqrt(1 - correlation)];
  const common = Float64Array.from({ length: rows }, () => stream.normal());
  for (let j = 0; j < columns; j++) {
    for (let i = 0; i < rows; i++) data[j * rows + i] = shared * common[i] + own * stream.normal();
  }
  const size = Math.min(20, columns);
  for (let k = 0; k < outputs; k++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < size; j++) {
        const column = (j + k * 10) % columns;
        eta[k * rows + i] += (j % 2 === 0 ? 1 : -1) * Math.exp(-j / 10) * data[column * rows + i];
      }
    }
  }
  const spread = Math.sqrt(eta.reduce((sum, value) => sum + value * value, 0) / eta.length);
  const features: DenseFeatures = { rows, columns, data };
  if (family === 'multinomial') {
    // The largest of predictors with Gumbel noise is a draw by their softmax.
    const noisy = eta.map((value) => value - Math.log(-Math.log(stream.uniform())));
    const drawn = (i: number): number[] => Array.from({ length: outputs }, (_, k) => noisy[k * rows + i]);
    const target = Float64Array.from({ length: rows }, (_, i) => drawn(i).indexOf(Math.max(...drawn(i))));
    return { features, target };
  }
  return {
    features,
    target: eta.map((value) =>
      family === 'binomial'
        ? Number(stream.uniform() < 1 / (1 + Math.exp(-value)))
        : value + (spread / Math.sqrt(3)) * stream.normal(),
    ),
  };
}
