import { BallastError } from '../../errors.js';
import type { SparseColumn } from '../table.js';
import type { Budget } from './budget.js';
import { corrupt } from './faults.js';
import { elementsOf, type NdArray, stringsOf } from './nd-array.js';
import { SparseRows, WIDEST } from './sparse-rows.js';

/** Arrays that scipy.sparse.save_npz writes. */
const MEMBERS = ['format', 'shape', 'data', 'indices', 'indptr', '_is_array'] as const;

/** Whether an archive holds a sparse matrix, as scipy.sparse.save_npz writes them. */
export function holdsSparse(arrays: ReadonlyMap<string, NdArray>): boolean {
  return arrays.has('format') && arrays.has('shape') && arrays.has('data');
}

/**
 * A CSR or CSC matrix of scipy as the column `features`. Its rows may be in any order within; none may stand twice.
 *
 * @returns the column, and the arrays beside it
 * @throws BallastError DATA_SPARSE_FORMAT, DATA_SPARSE_INDEX, DATA_NOT_FINITE, DATA_CORRUPT
 */
export function sparseOf(
  arrays: ReadonlyMap<string, NdArray>,
  budget: Budget,
  file: string,
): { column: SparseColumn; others: ReadonlyMap<string, NdArray> } {
  const format = arrays.get('format');
  const [name] = format?.type === 'string' ? stringsOf(format) : [];
  if (name !== 'csr' && name !== 'csc') {
    throw new BallastError('the sparse matrix is neither csr nor csc', {
      code: 'DATA_SPARSE_FORMAT',
      place: file,
      ...(name === undefined ? {} : { value: name }),
      remedy: 'Convert it with .tocsr() before scipy.sparse.save_npz',
    });
  }
  const numbers = (member: (typeof MEMBERS)[number]): Float64Array => {
    const array = arrays.get(member);
    if (array === undefined || array.type === 'string') throw corrupt(file, `the sparse matrix has no ${member}`);
    budget.spend(8 * array.data.length, `${file}: ${member}`);
    return Float64Array.from(elementsOf({ ...array, type: array.type }) as Iterable<number | bigint>, Number);
  };
  const [rows, width, ...more] = numbers('shape');
  const [ends, inner, values] = [numbers('indptr'), numbers('indices'), numbers('data')];
  const [outer, across] = name === 'csr' ? [rows, width] : [width, rows];
  if (more.length > 0 || !(rows >= 1 && width >= 1)) throw corrupt(file, 'the sparse matrix is not of two dimensions');
  if (width > WIDEST) throw corrupt(file, `the sparse matrix has ${width} columns, and ${WIDEST} are read at most`);
  const ordered = ends[0] === 0 && ends.every((end, at) => at === 0 || end >= ends[at - 1]);
  if (ends.length !== outer + 1 || !ordered || ends[outer] !== values.length || inner.length !== values.length) {
    throw corrupt(file, 'indptr does not cut up the values of the sparse matrix');
  }
  const wrong = inner.findIndex((place) => !(place >= 0 && place < across));
  if (wrong !== -1) throw corrupt(file, `index ${inner[wrong]} of the sparse matrix is not within 0 to ${across - 1}`);
  budget.spend(8 * rows, file);
  const read = new SparseRows();
  eachRow({ rows, ends, inner, byRow: name === 'csr' }, (row, entries) => {
    for (const { place, at } of entries) read.add(place, values[at], `${file}: row ${row + 1}`);
    read.endRow();
  });
  const others = new Map([...arrays].filter(([key]) => !(MEMBERS as readonly string[]).includes(key)));
  return { column: read.column('features', width), others };
}

interface Layout {
  readonly rows: number;
  readonly ends: Float64Array;
  readonly inner: Float64Array;
  readonly byRow: boolean;
}

/** The entries of each row, by place. */
function eachRow(
  { rows, ends, inner, byRow }: Layout,
  take: (row: number, entries: readonly { place: number; at: number }[]) => void,
): void {
  const starts = byRow ? ends : new Float64Array(rows + 1);
  const places = byRow ? inner : new Float64Array(inner.length);
  const positions = Float64Array.from(inner, (_, at) => at);
  if (!byRow) {
    for (const row of inner) starts[row + 1]++;
    for (let row = 0; row < rows; row++) starts[row + 1] += starts[row];
    const next = starts.slice();
    for (let column = 0; column < ends.length - 1; column++) {
      for (let at = ends[column]; at < ends[column + 1]; at++) {
        const to = next[inner[at]]++;
        places[to] = column;
        positions[to] = at;
      }
    }
  }
  for (let row = 0; row < rows; row++) {
    const entries = [];
    for (let at = starts[row]; at < starts[row + 1]; at++) entries.push({ place: places[at], at: positions[at] });
    take(
      row,
      entries.sort((a, b) => a.place - b.place),
    );
  }
}
