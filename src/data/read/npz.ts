import { basename } from 'node:path';
import { BallastError } from '../../errors.js';
import type { Column, Table } from '../table.js';
import { type NdArray, sizeOf } from './nd-array.js';
import { columnOf, tableOf } from './nd-columns.js';
import { parseNpy } from './npy.js';
import type { ReadRequest } from './read.js';
import { holdsSparse, sparseOf } from './sparse-npz.js';
import { encodeCategories } from './strings.js';
import { readWhole } from './whole-file.js';
import { readZip } from './zip.js';

const PART = 'train|training|val|valid|validation|dev|test|holdout';
const PART_FIRST = new RegExp(`^(${PART})_(.+)$`, 'i');
const PART_LAST = new RegExp(`^(.+)_(${PART})$`, 'i');

/** Reads one .npy array as a table of one column, named as the file. */
export async function readNpy({ files, resolved, budget }: ReadRequest): Promise<Table> {
  const columns: Column[] = [];
  for (const file of files) {
    const bytes = await readWhole(file, budget.left);
    budget.spend(bytes.length, file);
    columns.push(columnOf(basename(file).replace(/\.npy$/i, ''), withRows(parseNpy(bytes, file), file)));
  }
  return tableOf(columns, resolved.source);
}

/**
 * Reads a .npz archive: every array whose first axis is the rows becomes a column. `images`, `x` and `data` become
 * `image` (or `features`), `labels`, `y` and `target` become `label`. Arrays of several parts (`train_images`,
 * `x_test`) are joined in the archive's order of parts, and the category column `split` says which part a row is of. A
 * matrix that scipy.sparse.save_npz wrote is the sparse column `features`. .npy files named beside the archive are further
 * columns.
 */
export async function readNpz(request: ReadRequest): Promise<Table> {
  const { files, resolved, budget } = request;
  const archives = files.filter((file) => !/\.npy$/i.test(file));
  if (archives.length !== 1) {
    throw new BallastError('several .npz archives cannot be read as one table', {
      code: 'DATA_LAYOUT_DIFFERS',
      place: resolved.source,
      remedy: 'Read one at a time.',
    });
  }
  const [file] = archives;
  const arrays = new Map<string, NdArray>();
  const spend = (name: string, bytes: number) => budget.spend(bytes, `${file}: ${name}`);
  await readZip(file, spend, (name, content) => {
    if (name.endsWith('.npy')) arrays.set(name.slice(0, -4), parseNpy(content, `${file}: ${name}`));
  });
  if (arrays.size === 0) {
    throw new BallastError('the archive holds no arrays', { code: 'DATA_EMPTY', place: file });
  }
  const beside = await Promise.all(
    files.filter((each) => each !== file).map((each) => readNpy({ ...request, files: [each] })),
  );
  if (holdsSparse(arrays)) {
    const { column, others } = sparseOf(arrays, budget, file);
    const named = [...others].map(([name, array]) => columnOf(name, withRows(array, `${file}: ${name}`)));
    return tableOf([column, ...named, ...beside.flatMap(({ columns }) => columns)], resolved.source);
  }
  const parts = partsOf([...arrays.keys()]);
  if (parts === undefined) {
    const columns = [...arrays].map(([name, array]) => columnOf(name, withRows(array, `${file}: ${name}`)));
    return tableOf([...columns, ...beside.flatMap((table) => table.columns)], resolved.source);
  }
  if (beside.length > 0) {
    throw new BallastError('arrays of several parts are joined, so that no other file fits beside them', {
      code: 'DATA_LAYOUT_DIFFERS',
      place: resolved.source,
      remedy: 'Name the archive alone.',
    });
  }
  return joinParts(parts, arrays, file);
}

function withRows(array: NdArray, place: string): NdArray {
  if (array.shape.length > 0) return array;
  throw new BallastError('a single number is no column', { code: 'DATA_TYPE_UNSUPPORTED', place });
}

/** Array names by part and by what is left of them, where all of them follow one convention; else undefined. */
function partsOf(names: readonly string[]): Map<string, Map<string, string>> | undefined {
  const parts = new Map<string, Map<string, string>>();
  for (const name of names) {
    const first = PART_FIRST.exec(name);
    const last = PART_LAST.exec(name);
    const [part, base] = first !== null ? [first[1], first[2]] : last !== null ? [last[2], last[1]] : [];
    if (part === undefined || base === undefined) return undefined;
    parts.set(part, (parts.get(part) ?? new Map()).set(base, name));
  }
  const [first, ...rest] = [...parts.values()];
  const same = rest.every((bases) => bases.size === first.size && [...bases.keys()].every((base) => first.has(base)));
  return same ? parts : undefined;
}

function joinParts(parts: Map<string, Map<string, string>>, arrays: Map<string, NdArray>, file: string): Table {
  const bases = [...([...parts.values()][0]?.keys() ?? [])];
  const columns = bases.map((base) => {
    const pieces = [...parts.values()].map((names) => {
      const name = names.get(base) ?? '';
      return withRows(arrays.get(name) as NdArray, `${file}: ${name}`);
    });
    return columnOf(base, concatenate(pieces, `${file}: ${base}`));
  });
  const first = bases[0] ?? '';
  for (const [part, names] of parts) {
    const lengths = [...names.values()].map((name) => `${name}: ${arrays.get(name)?.shape[0]}`);
    if (new Set([...names.values()].map((name) => arrays.get(name)?.shape[0])).size > 1) {
      throw new BallastError(`the arrays of ${part} have unequal numbers of rows (${lengths.join(', ')})`, {
        code: 'DATA_ROWS_DIFFER',
        place: file,
      });
    }
  }
  const splits = [...parts].flatMap(([part, names]) => {
    const rows = arrays.get(names.get(first) ?? '')?.shape[0] ?? 0;
    return Array.from({ length: rows }, () => part);
  });
  return tableOf([...columns, { ...encodeCategories('split', splits), provenance: true }], file);
}

/** Joins arrays along their first axis. */
function concatenate(pieces: readonly NdArray[], place: string): NdArray {
  const [first] = pieces;
  const inner = first.shape.slice(1);
  const alike = pieces.every(
    (piece) =>
      piece.type === first.type &&
      piece.bigEndian === first.bigEndian &&
      piece.characters === first.characters &&
      String(piece.shape.slice(1)) === String(inner) &&
      (piece.fortran !== true || piece.shape.length < 2 || sizeOf(inner) === 1),
  );
  if (!alike) {
    throw new BallastError('the parts differ in type, shape or element order', { code: 'DATA_LAYOUT_DIFFERS', place });
  }
  const rows = pieces.reduce((sum, piece) => sum + piece.shape[0], 0);
  return { ...first, shape: [rows, ...inner], data: Buffer.concat(pieces.map(({ data }) => data)), fortran: false };
}
