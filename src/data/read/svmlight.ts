import { BallastError } from '../../errors.js';
import type { Column, Table } from '../table.js';
import { gunzipToBuffer } from './gunzip.js';
import { numberColumn, tableOf } from './nd-columns.js';
import type { ReadRequest } from './read.js';
import { SparseRows } from './sparse-rows.js';
import { readWhole } from './whole-file.js';

/** Bytes that a value takes in memory. */
const VALUE_BYTES = 12;

/**
 * Reads svmlight (libsvm) files: a row a line, `label index:value index:value ... # comment`, indices ascending; as the
 * number column `label` and the sparse column `features`, and where every row names its query (`qid:7`), the integers
 * `qid`. Indices count from 1, or from 0 where one of them is 0 (scikit-learn's `zero_based="auto"`); features are
 * numbered from 0.
 *
 * @throws BallastError DATA_SVMLIGHT, DATA_SPARSE_INDEX, DATA_NOT_FINITE, with file and line
 */
export async function readSvmlight({ files, resolved, budget }: ReadRequest): Promise<Table> {
  const rows = new SparseRows();
  const labels: number[] = [];
  const queries: number[] = [];
  for (const file of files) {
    const bytes = /\.gz$/i.test(file) ? await gunzipToBuffer(file, budget.left) : await readWhole(file, budget.left);
    budget.spend(bytes.length, file);
    let line = 0;
    for (let start = 0; start < bytes.length; ) {
      const found = bytes.indexOf(10, start);
      const end = found === -1 ? bytes.length : found;
      const place = `${file}:${++line}`;
      const [label, ...entries] = bytes.toString('latin1', start, end).split('#', 1)[0].split(/\s+/).filter(Boolean);
      start = end + 1;
      if (label === undefined) continue;
      labels.push(numberIn(label, 'the label', place));
      budget.spend(VALUE_BYTES * entries.length, place);
      for (const entry of entries) {
        const colon = entry.indexOf(':');
        const [key, value] = [entry.slice(0, colon), entry.slice(colon + 1)];
        if (colon === -1) throw wrong('an entry is not of the form index:value', place, entry);
        if (key === 'qid') queries.push(numberIn(value, 'the query', place));
        else rows.add(numberIn(key, 'an index', place), numberIn(value, 'a value', place), place);
      }
      rows.endRow();
    }
  }
  if (rows.largest === -1) {
    throw new BallastError('no row has a value', { code: 'DATA_EMPTY', place: resolved.source });
  }
  if (queries.length > 0 && queries.length !== rows.rows) {
    throw wrong(`${queries.length} of ${rows.rows} rows name their query (qid), and every row is to`, resolved.source);
  }
  const first = rows.least === 0 ? 0 : 1;
  const columns: Column[] = [
    labelColumn('label', labels),
    ...(queries.length === 0 ? [] : [labelColumn('qid', queries)]),
    rows.column('features', rows.largest + 1 - first, first),
  ];
  return tableOf(columns, resolved.source);
}

function labelColumn(name: string, values: number[]): Column {
  return numberColumn(name, Float64Array.from(values), values.every(Number.isInteger) ? 'integer' : 'float');
}

function numberIn(text: string, what: string, place: string): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value)) return value;
  if (what === 'the label' && text.includes(',')) throw wrong('a row has several labels, and one is read', place, text);
  throw wrong(`${what} is not a finite number`, place, text);
}

function wrong(message: string, place: string, value?: string): BallastError {
  return new BallastError(message, {
    code: 'DATA_SVMLIGHT',
    place,
    ...(value === undefined ? {} : { value: value.slice(0, 80) }),
    remedy: 'A line is a number and then index:value pairs, ascending',
  });
}
