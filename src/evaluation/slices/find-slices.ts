import { BallastError } from '../../errors.js';
import { studentTQuantile, studentTSf } from '../../numeric/distributions/student-t.js';
import { benjaminiHochberg } from '../../numeric/multiple-testing.js';
import { derive } from '../../numeric/random.js';
import type { Figure } from '../figure.js';
import type { Grouping } from './grouping.js';

/** A part of the rows, told by one or two conditions, on which errors are larger than on the rest. */
export interface WeakSlice {
  readonly conditions: readonly { readonly column: string; readonly value: string }[];
  /** Rows of the slice among those that confirmed it. */
  readonly rows: number;
  /** Mean error on them, and on the rest. */
  readonly error: number;
  readonly rest: number;
  /** error - rest, on rows that had no part in finding it: Welch's interval. */
  readonly difference: Figure;
  /** Of no difference, one-sided, adjusted for all slices that were to be confirmed (Benjamini and Hochberg). */
  readonly pValue: number;
}

export interface SliceSearch {
  /** Slices looked at. */
  readonly searched: number;
  /** Rows to search and rows to confirm. */
  readonly rows: { readonly search: number; readonly confirm: number };
  /** Mean error on the rows that confirm. */
  readonly error: number;
  /** Confirmed, the largest difference first. */
  readonly slices: readonly WeakSlice[];
}

export interface SliceSearchOptions {
  /** False discoveries among the confirmed. */
  readonly rate?: number;
  /** Fewest rows of a slice, in each half. */
  readonly fewest?: number;
  /** Candidates that are confirmed. */
  readonly most?: number;
  readonly seed?: number;
}

/** Sums over the rows of a cell. */
interface Cell {
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
}

interface Candidate {
  readonly groups: readonly { readonly grouping: number; readonly code: number }[];
  readonly statistic: number;
}

const FEWEST_ROWS = 200;
/** A pair of conditions has to be so many standard errors worse than either of them alone. */
const BEYOND_PARTS = 3;

/**
 * Finds slices of rows with larger errors, of one condition or two, as Slice Finder does (Chung et al., ICDE 2019), and says
 * which of them are real: one half of the rows, drawn at random, proposes the slices with the largest Welch statistic; the
 * other half, which had no part in that, confirms them under a false discovery rate. What it says of their size is thus not
 * the luck of the search.
 *
 * @param errors of each row, larger is worse: 0 and 1 of a classifier, absolute errors of a regression
 * @throws BallastError SLICES_FEW_ROWS
 */
export function findSlices(
  errors: Float64Array,
  groupings: readonly Grouping[],
  { rate = 0.05, fewest = 30, most = 50, seed = 0 }: SliceSearchOptions = {},
): SliceSearch {
  requireRows(errors.length);
  const random = derive(seed, 'slices');
  const rows = new Uint32Array(errors.length);
  let drawn = 0;
  let rest = errors.length;
  // The search's rows from the front, those that confirm from the back.
  for (let row = 0; row < errors.length; row++) {
    if (random.uniform() < 0.5) rows[--rest] = row;
    else rows[drawn++] = row;
  }
  const [search, confirm] = [rows.subarray(0, drawn), rows.subarray(drawn).reverse()];
  const { candidates, searched } = propose(errors, groupings, search, { fewest, most });
  const total = cellOf(errors, confirm, () => true);
  const judged = candidates.flatMap(({ groups }) => {
    const inside = cellOf(errors, confirm, (row) =>
      groups.every(({ grouping, code }) => groupings[grouping].codes[row] === code),
    );
    const outside = minus(total, inside);
    if (inside.count < fewest || outside.count < fewest) return [];
    const { difference, pValue } = welch(inside, outside);
    return [{ groups, inside, outside, difference, pValue }];
  });
  const adjusted = benjaminiHochberg(judged.map(({ pValue }) => pValue));
  return {
    searched,
    rows: { search: search.length, confirm: confirm.length },
    error: total.sum / total.count,
    slices: judged
      .flatMap(({ groups, inside, outside, difference }, i) =>
        adjusted[i] > rate || difference.value <= 0
          ? []
          : [
              {
                conditions: groups.map(({ grouping, code }) => ({
                  column: groupings[grouping].name,
                  value: groupings[grouping].labels[code],
                })),
                rows: inside.count,
                error: inside.sum / inside.count,
                rest: outside.sum / outside.count,
                difference,
                pValue: adjusted[i],
              },
            ],
      )
      .sort((a, b) => b.difference.value - a.difference.value),
  };
}

/** @throws BallastError SLICES_FEW_ROWS where there are too few to search and to confirm */
export function requireRows(rows: number): void {
  if (rows >= FEWEST_ROWS) return;
  throw new BallastError(`${rows} rows are too few to search for slices in: ${FEWEST_ROWS} are needed`, {
    code: 'SLICES_FEW_ROWS',
    place: '--slices',
    remedy: 'Evaluate more rows, or leave --slices out',
  });
}

/** Slices of one condition and of two, by how clearly their errors are larger on the rows of the search. */
function propose(
  errors: Float64Array,
  groupings: readonly Grouping[],
  rows: Uint32Array,
  { fewest, most }: { fewest: number; most: number },
): { candidates: Candidate[]; searched: number } {
  // Side by side in the order of the search: this is looked at once for each pair of columns.
  const wrong = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) wrong[i] = errors[rows[i]];
  const codes = groupings.map((grouping) => {
    const own = new Uint8Array(rows.length);
    for (let i = 0; i < rows.length; i++) own[i] = grouping.codes[rows[i]];
    return own;
  });
  const single = groupings.map(({ labels }, at) => cellsOf(wrong, codes[at], labels.length));
  const total = cellOf(errors, rows, () => true);
  const pairs = new Uint16Array(rows.length);
  const candidates: Candidate[] = [];
  let searched = 0;
  const consider = (groups: Candidate['groups'], cell: Cell, parents: readonly Cell[]): void => {
    const outside = minus(total, cell);
    if (cell.count < fewest || outside.count < fewest) return;
    searched++;
    const { statistic } = welch(cell, outside);
    if (!(statistic > 2)) return;
    // A pair that is no worse than one of its conditions says nothing new.
    if (parents.some((parent) => !(welch(cell, minus(parent, cell)).statistic > BEYOND_PARTS))) return;
    candidates.push({ groups, statistic });
  };
  single.forEach((cells, grouping) => {
    cells.forEach((cell, code) => {
      consider([{ grouping, code }], cell, []);
    });
  });
  for (let a = 0; a < groupings.length; a++) {
    for (let b = a + 1; b < groupings.length; b++) {
      const width = groupings[b].labels.length;
      const [first, second] = [codes[a], codes[b]];
      for (let i = 0; i < pairs.length; i++) pairs[i] = first[i] * width + second[i];
      const cells = cellsOf(wrong, pairs, groupings[a].labels.length * width);
      cells.forEach((cell, at) => {
        const [code, other] = [Math.floor(at / width), at % width];
        const groups = [
          { grouping: a, code },
          { grouping: b, code: other },
        ];
        consider(groups, cell, [single[a][code], single[b][other]]);
      });
    }
  }
  candidates.sort((x, y) => y.statistic - x.statistic);
  return { candidates: candidates.slice(0, most), searched };
}

/** Sums of the errors by the cell of each, [errors.length]. */
function cellsOf(errors: Float64Array, cell: Uint8Array | Uint16Array, count: number): Cell[] {
  const [counts, sums, squares] = [new Uint32Array(count), new Float64Array(count), new Float64Array(count)];
  for (let i = 0; i < errors.length; i++) {
    const [at, error] = [cell[i], errors[i]];
    counts[at]++;
    sums[at] += error;
    squares[at] += error * error;
  }
  return Array.from(counts, (value, at) => ({ count: value, sum: sums[at], squares: squares[at] }));
}

function cellOf(errors: Float64Array, rows: Uint32Array, within: (row: number) => boolean): Cell {
  let [count, sum, squares] = [0, 0, 0];
  for (const row of rows) {
    if (!within(row)) continue;
    const error = errors[row];
    count++;
    sum += error;
    squares += error * error;
  }
  return { count, sum, squares };
}

const minus = (a: Cell, b: Cell): Cell => ({
  count: a.count - b.count,
  sum: a.sum - b.sum,
  squares: a.squares - b.squares,
});

/** Welch's test of two means: is the first larger? */
function welch(a: Cell, b: Cell): { statistic: number; difference: Figure; pValue: number } {
  const part = ({ count, sum, squares }: Cell) => {
    const mean = sum / count;
    return { mean, error: Math.max(0, squares / count - mean * mean) / Math.max(1, count - 1), count };
  };
  const [first, second] = [part(a), part(b)];
  const value = first.mean - second.mean;
  const variance = first.error + second.error;
  const freedom =
    variance === 0
      ? 1
      : variance ** 2 /
        (first.error ** 2 / Math.max(1, first.count - 1) + second.error ** 2 / Math.max(1, second.count - 1));
  const standard = Math.sqrt(variance);
  const statistic = standard === 0 ? 0 : value / standard;
  const reach = studentTQuantile(0.975, freedom) * standard;
  return {
    statistic,
    difference: { value, interval: [value - reach, value + reach], method: 'Welch' },
    pValue: standard === 0 ? 1 : studentTSf(statistic, freedom),
  };
}
