import { benjaminiHochberg } from '../../numeric/multiple-testing.js';
import { chiSquareTest, ksTwoSample } from '../../numeric/two-sample.js';
import { missingOf, textOf } from '../column-values.js';
import { requireColumn } from '../roles.js';
import { type ArrayColumn, type Column, isScalar, type ScalarColumn, type Table } from '../table.js';
import type { Finding, Severity } from './finding.js';
import { thinned } from './leakage.js';

/** A test of one feature: does it come from the same distribution in both samples? */
export interface FeatureTest {
  readonly column: string;
  /** What of the column was compared: its values, whether they are missing, or a figure of texts and arrays. */
  readonly aspect: 'value' | 'missing' | 'length' | 'mean' | 'spread';
  readonly test: 'kolmogorov-smirnov' | 'chi-square';
  readonly statistic: number;
  readonly pValue: number;
  /** Benjamini-Hochberg over all tests of the comparison. */
  readonly adjusted: number;
  /** Size of the difference, 0 to 1: sup |F - G|, or Cramer's V. */
  readonly effect: number;
}

const FALSE_DISCOVERIES = 0.05;
/** Effects from which a difference matters, and from which it is grave. Smaller ones are named where they are certain. */
const NOTABLE = 0.1;
const GRAVE = 0.25;
const MOST_ROWS = 100_000;
/** The chi-square approximation wants so many expected rows in a cell; rarer categories are taken together. */
const EXPECTED = 5;

/**
 * Compares samples feature by feature: Kolmogorov-Smirnov for numbers and instants, chi-square for categories and for the
 * share of missing values; of texts the length, of images, waveforms and series the mean and the spread of each row.
 *
 * @returns a test for each feature and aspect that can be compared, in the order of the features
 */
export function compareSamples(
  reference: Table,
  referenceRows: Uint32Array,
  current: Table,
  currentRows: Uint32Array,
  features: readonly string[],
): FeatureTest[] {
  const tests = features.flatMap((name) =>
    compareColumns(
      requireColumn(reference, name),
      thinned(referenceRows, MOST_ROWS),
      requireColumn(current, name, 'the feature, in the current sample,'),
      thinned(currentRows, MOST_ROWS),
    ),
  );
  const adjusted = benjaminiHochberg(tests.map(({ pValue }) => pValue));
  return tests.map((test, index) => ({ ...test, adjusted: adjusted[index] }));
}

/** PRODUCTION_SHIFT for each feature whose difference is certain at a false discovery rate of 5 %, the largest first. */
export function checkShift(tests: readonly FeatureTest[]): Finding[] {
  return tests
    .filter(({ adjusted }) => adjusted <= FALSE_DISCOVERIES)
    .sort((a, b) => b.effect - a.effect)
    .map(({ column, aspect, effect, adjusted }) => ({
      code: 'PRODUCTION_SHIFT',
      severity: severityOf(effect),
      message: `${describe(column, aspect)} differs between holdout and production (effect ${effect.toFixed(2)}, adjusted p ${adjusted.toPrecision(2)})`,
      remedy:
        'Weight it before trusting its figures (ballast evaluate RUN --holdout --mirror SOURCE), or add labelled rows of production to the data and draw a new one (ballast train SPEC --new-holdout).',
      columns: [column],
      figures: { effect, adjusted },
    }));
}

type Unadjusted = Omit<FeatureTest, 'adjusted'>;

function severityOf(effect: number): Severity {
  return effect >= GRAVE ? 'error' : effect >= NOTABLE ? 'warning' : 'info';
}

function describe(column: string, aspect: FeatureTest['aspect']): string {
  const of = {
    value: 'the distribution of',
    missing: 'how often there is no value in',
    length: 'the length of the texts in',
    mean: 'the mean of the arrays in',
    spread: 'the spread of the arrays in',
  }[aspect];
  return `${of} "${column}"`;
}

function compareColumns(a: Column, rowsA: Uint32Array, b: Column, rowsB: Uint32Array): Unadjusted[] {
  const column = a.name;
  if (a.kind === 'array' || b.kind === 'array') {
    if (a.kind !== 'array' || b.kind !== 'array' || a.content === 'tokens') return [];
    return (['mean', 'spread'] as const).map((aspect) =>
      distance(column, aspect, rowFigures(a, rowsA, aspect), rowFigures(b, rowsB, aspect)),
    );
  }
  if (!isScalar(a) || !isScalar(b)) return [];
  const presentA = present(a, rowsA);
  const presentB = present(b, rowsB);
  const missing = association(column, 'missing', [
    [presentA.length, rowsA.length - presentA.length],
    [presentB.length, rowsB.length - presentB.length],
  ]);
  const tests = presentA.length < rowsA.length || presentB.length < rowsB.length ? [missing] : [];
  if (presentA.length === 0 || presentB.length === 0) return tests;
  return [valueTest(a, presentA, b, presentB), ...tests];
}

function present(column: Column, rows: Uint32Array): Uint32Array {
  const missing = missingOf(column);
  return rows.filter((row) => !missing(row));
}

function valueTest(a: ScalarColumn, rowsA: Uint32Array, b: ScalarColumn, rowsB: Uint32Array): Unadjusted {
  if (isNumeric(a) && isNumeric(b)) {
    return distance(a.name, 'value', valuesOf(a, rowsA), valuesOf(b, rowsB));
  }
  if (a.kind === 'text' && b.kind === 'text') {
    const lengths = (texts: readonly string[], rows: Uint32Array): Float64Array =>
      Float64Array.from(rows, (row) => texts[row].length);
    return distance(a.name, 'length', lengths(a.values, rowsA), lengths(b.values, rowsB));
  }
  return association(a.name, 'value', contingency(textOf(a), rowsA, textOf(b), rowsB));
}

function isNumeric(column: Column): column is Extract<Column, { kind: 'number' | 'time' }> {
  return (column.kind === 'number' && column.type !== 'boolean') || column.kind === 'time';
}

function valuesOf({ values }: Extract<Column, { kind: 'number' | 'time' }>, rows: Uint32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row]);
}

function distance(column: string, aspect: FeatureTest['aspect'], a: Float64Array, b: Float64Array): Unadjusted {
  const { statistic, pValue } = ksTwoSample(a, b);
  return { column, aspect, test: 'kolmogorov-smirnov', statistic, pValue, effect: statistic };
}

function association(column: string, aspect: FeatureTest['aspect'], table: readonly number[][]): Unadjusted {
  const { statistic, pValue, cramersV } = chiSquareTest(table);
  return { column, aspect, test: 'chi-square', statistic, pValue, effect: cramersV };
}

/** Counts of each category in both samples, those that are too rare for the test in one column. */
function contingency(
  textA: (row: number) => string,
  rowsA: Uint32Array,
  textB: (row: number) => string,
  rowsB: Uint32Array,
): number[][] {
  const counts = new Map<string, [number, number]>();
  const add = (text: string, sample: 0 | 1): void => {
    const known = counts.get(text) ?? [0, 0];
    known[sample]++;
    counts.set(text, known);
  };
  for (const row of rowsA) add(textA(row), 0);
  for (const row of rowsB) add(textB(row), 1);
  const smaller = Math.min(rowsA.length, rowsB.length) / (rowsA.length + rowsB.length);
  const table: number[][] = [[0], [0]];
  for (const [a, b] of counts.values()) {
    if ((a + b) * smaller < EXPECTED) {
      table[0][0] += a;
      table[1][0] += b;
    } else {
      table[0].push(a);
      table[1].push(b);
    }
  }
  return table;
}

function rowFigures({ data, shape }: ArrayColumn, rows: Uint32Array, aspect: 'mean' | 'spread'): Float64Array {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return Float64Array.from(rows, (row) => {
    let sum = 0;
    let squares = 0;
    let count = 0;
    for (let i = row * size; i < (row + 1) * size; i++) {
      if (Number.isNaN(data[i])) continue;
      sum += data[i];
      squares += data[i] ** 2;
      count++;
    }
    const mean = count === 0 ? 0 : sum / count;
    return aspect === 'mean' ? mean : Math.sqrt(Math.max(0, squares / Math.max(count, 1) - mean * mean));
  });
}
