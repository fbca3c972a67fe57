import { BallastError } from '../../errors.js';
import type { Column, Table } from '../table.js';
import { fileColumns } from './file-labels.js';
import { gunzipToBuffer } from './gunzip.js';
import type { TextOptions } from './options.js';
import type { ReadRequest } from './read.js';
import { readWhole } from './whole-file.js';

/**
 * Reads plain text as the column `text`, a row a line, a file, or a window of characters (see {@link TextOptions}).
 * Files in sub-folders, or names that match `files.pattern`, give further columns.
 */
export async function readText({ files, resolved, options, budget }: ReadRequest): Promise<Table> {
  const values: string[] = [];
  const counts: number[] = [];
  for (const file of files) {
    const bytes = /\.gz$/i.test(file) ? await gunzipToBuffer(file, budget.left) : await readWhole(file, budget.left);
    budget.spend(2 * bytes.length, file);
    const units = unitsOf(decode(bytes, options.delimited?.encoding ?? 'utf-8', file), options.text ?? {}, file);
    for (const unit of units) values.push(unit);
    counts.push(units.length);
  }
  if (values.length === 0) throw new BallastError('the text is empty', { code: 'DATA_EMPTY', place: resolved.source });
  const columns = fileColumns(files, resolved.root, options.files ?? {}, resolved.source);
  return {
    rows: values.length,
    columns: [{ kind: 'text', name: 'text', values }, ...columns.map((column) => repeat(column, counts))],
  };
}

function decode(bytes: Buffer, encoding: string, place: string): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch (error) {
    const remedy = 'Convert it, or set its encoding, e.g. latin1.';
    throw new BallastError(`the text is not ${encoding.toUpperCase()}`, {
      code: 'DATA_ENCODING',
      place,
      remedy,
      cause: error,
    });
  }
}

function unitsOf(text: string, { unit = 'line', length, stride }: TextOptions, place: string): string[] {
  switch (unit) {
    case 'line':
      return text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '');
    case 'document':
      return text.trim() === '' ? [] : [text];
    case 'window':
      return windows(text, length, stride ?? length, place);
    default:
      return unit satisfies never;
  }
}

/** Windows of whole code points; a last one that is shorter is left out, unless it is the only one. */
function windows(text: string, length: number | undefined, stride: number | undefined, place: string): string[] {
  if (length === undefined || stride === undefined || !isCount(length) || !isCount(stride)) {
    throw new BallastError('windows of text need text.length and text.stride of at least 1', {
      code: 'DATA_TEXT_WINDOW',
      place,
      value: { length, stride },
    });
  }
  // Only texts beyond the basic plane have characters of two units.
  const points = /[\ud800-\udfff]/.test(text) ? Array.from(text) : undefined;
  const total = points?.length ?? text.length;
  const found: string[] = [];
  for (let start = 0; start + length <= total; start += stride) {
    found.push(points?.slice(start, start + length).join('') ?? text.slice(start, start + length));
  }
  return found.length === 0 && total > 0 ? [text] : found;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}

/** A column of one row a file, as one of so many rows a file. */
function repeat(column: Column, counts: readonly number[]): Column {
  const rows = counts.flatMap((count, file) => Array.from({ length: count }, () => file));
  if (column.kind === 'category') return { ...column, codes: Int32Array.from(rows, (file) => column.codes[file]) };
  if (column.kind === 'text') return { ...column, values: rows.map((file) => column.values[file]) };
  return column;
}
