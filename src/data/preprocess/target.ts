import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { float32, int64, type NumericArray, type Tensor } from '../../graph/tensor.js';
import { missingOf, textOf, typeError } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { Column, NumberColumn, Table } from '../table.js';
import { countTexts } from './categories.js';
import { toFloat32 } from './feature-block.js';

/** How the target becomes a tensor, and what the network's outputs mean. */
export const targetEncodingSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('classes'),
    column: z.string(),
    /** In the order of the network's outputs; all strings or all integers. */
    classes: z.union([z.array(z.string()).min(2), z.array(z.int()).min(2)]),
  }),
  z.strictObject({
    kind: z.literal('number'),
    column: z.string(),
    /** The network predicts (y - mean) / scale. */
    mean: z.number(),
    scale: z.number().positive(),
  }),
]);

export type TargetEncoding = z.infer<typeof targetEncodingSchema>;
export type ClassLabel = string | number;

/** More classes than this are taken for a mistake. */
const MOST_CLASSES = 10_000;

/**
 * Classes: the distinct targets of the training rows, numbers ascending or strings by code units, unless they are given.
 * Booleans are the classes `false` and `true`.
 *
 * @throws BallastError DATA_TARGET_MISSING_VALUES, DATA_TARGET_CONSTANT (one class), DATA_TARGET_CONTINUOUS,
 *   DATA_COLUMN_TYPE, DATA_CLASSES_INVALID
 */
export function fitClasses(column: Column, rows: Uint32Array, given?: readonly ClassLabel[]): TargetEncoding {
  if (column.kind === 'array' || column.kind === 'time')
    throw typeError(column, 'classes', 'the target', 'data.target');
  refuseMissing(column, rows);
  const encoding = { kind: 'classes', column: column.name } as const;
  if (given !== undefined) return { ...encoding, classes: checkGiven(column, given) };
  const found = isNumeric(column) ? distinctIntegers(column, rows) : [...countTexts(column, rows).keys()].sort();
  if (found.length < 2) throw oneClass(column.name, found, rows.length);
  if (found.length > Math.max(50, Math.min(MOST_CLASSES, rows.length / 2))) {
    throw continuous(column.name, `has ${found.length} distinct values in ${rows.length} training rows`);
  }
  return { ...encoding, classes: found as string[] };
}

/**
 * A numeric target: mean and population standard deviation of the training rows.
 *
 * @throws BallastError DATA_TARGET_NOT_NUMERIC, DATA_TARGET_MISSING_VALUES, DATA_TARGET_CONSTANT, DATA_INFINITE
 */
export function fitNumericTarget(column: Column, rows: Uint32Array): TargetEncoding {
  const values = numericTarget(column);
  refuseMissing(column, rows);
  const first = values[rows[0]];
  let sum = 0;
  for (const row of rows) sum += values[row] - first;
  const mean = first + sum / rows.length;
  let squares = 0;
  for (const row of rows) squares += (values[row] - mean) ** 2;
  const scale = Math.fround(Math.sqrt(squares / rows.length));
  if (!Number.isFinite(scale) || !Number.isFinite(mean)) {
    throw new BallastError(`the target "${column.name}" holds infinite values, or values beyond the range of float32`, {
      code: 'DATA_INFINITE',
      place: 'data.target',
      remedy: 'Remove or mend those rows.',
    });
  }
  if (rows.every((row) => values[row] === first)) {
    throw new BallastError(`the target "${column.name}" is ${first} in all ${rows.length} training rows`, {
      code: 'DATA_TARGET_CONSTANT',
      place: 'data.target',
      remedy: 'There is nothing to learn: choose another target, or a source with varying rows.',
    });
  }
  return { kind: 'number', column: column.name, mean: toFloat32(mean), scale: scale || 1 };
}

/**
 * The target of some rows: class indices int64 [rows], or standardised numbers float32 [rows, 1].
 *
 * @throws BallastError DATA_TARGET_UNKNOWN_CLASS, DATA_TARGET_MISSING_VALUES, DATA_TARGET_NOT_NUMERIC, DATA_COLUMN_ABSENT
 */
export function targetTensor(encoding: TargetEncoding, table: Table, rows: Uint32Array): Tensor<NumericArray> {
  const column = requireColumn(table, encoding.column, 'the target column', 'data.target');
  refuseMissing(column, rows);
  if (encoding.kind === 'number') {
    const values = numericTarget(column);
    const { mean, scale } = encoding;
    return float32(
      [rows.length, 1],
      Float32Array.from(rows, (row) => (values[row] - mean) / scale),
    );
  }
  return int64([rows.length], classIndices(encoding.classes, column, rows));
}

/**
 * Which class a text names. Two classes false and true (or 0 and 1) are found under the other name as well: a file of
 * booleans and one of zeros and ones hold the same.
 */
export function classPositions(classes: readonly ClassLabel[]): Map<string, number> {
  const positions = new Map(classes.map((label, position) => [String(label), position]));
  const spellings = [
    ['false', '0'],
    ['true', '1'],
  ];
  if (positions.size !== 2) return positions;
  for (const [from, to] of [[0, 1] as const, [1, 0] as const]) {
    if (!spellings.every((pair) => positions.has(pair[from]))) continue;
    for (const pair of spellings) positions.set(pair[to], positions.get(pair[from]) ?? -1);
    break;
  }
  return positions;
}

/** The index of each row's class. */
export function classIndices(classes: readonly ClassLabel[], column: Column, rows: Uint32Array): BigInt64Array {
  const index = new Map([...classPositions(classes)].map(([text, position]) => [text, BigInt(position)]));
  const indices = new BigInt64Array(rows.length);
  const known = (text: string, row: number): bigint => {
    const position = index.get(text);
    if (position === undefined) throw unknownClass(column.name, text, row, classes);
    return position;
  };
  if (column.kind === 'category') {
    const ofCode = column.dictionary.map((text) => index.get(text));
    rows.forEach((row, i) => {
      indices[i] = ofCode[column.codes[row]] ?? known(column.dictionary[column.codes[row]], row);
    });
    return indices;
  }
  if (isNumeric(column)) {
    const ofNumber = new Map([...index].map(([text, position]) => [Number(text), position]));
    rows.forEach((row, i) => {
      indices[i] = ofNumber.get(column.values[row]) ?? known(String(column.values[row]), row);
    });
    return indices;
  }
  const text = textOf(column);
  rows.forEach((row, i) => {
    indices[i] = known(text(row), row);
  });
  return indices;
}

/** Whether the column's values are numbers rather than booleans, which have names. */
function isNumeric(column: Column): column is NumberColumn {
  return column.kind === 'number' && column.type !== 'boolean';
}

function numericTarget(column: Column): Float32Array | Float64Array {
  if (column.kind === 'number') return column.values;
  throw new BallastError(`the target "${column.name}" of a regression is not a number`, {
    code: 'DATA_TARGET_NOT_NUMERIC',
    place: 'data.target',
    remedy: 'Use task: classification, or name a numeric target.',
  });
}

function refuseMissing(column: Column, rows: Uint32Array): void {
  const missing = missingOf(column);
  let count = 0;
  let first = -1;
  for (const row of rows) {
    if (!missing(row)) continue;
    if (count++ === 0) first = row;
  }
  if (count > 0) {
    throw new BallastError(`the target "${column.name}" is missing in ${count} of ${rows.length} rows`, {
      code: 'DATA_TARGET_MISSING_VALUES',
      place: `row ${first + 1}`,
      remedy: 'Remove the rows without a target, or set data.unlabelled: keep to train on them without one.',
    });
  }
}

function distinctIntegers(column: NumberColumn, rows: Uint32Array): number[] {
  const distinct = new Set<number>();
  for (const row of rows) {
    const value = column.values[row];
    if (!Number.isSafeInteger(value)) throw continuous(column.name, `holds ${value}, which is not a whole number`);
    distinct.add(value + 0);
  }
  return [...distinct].sort((a, b) => a - b);
}

function checkGiven(column: Column, given: readonly ClassLabel[]): string[] | number[] {
  const wanted = isNumeric(column) ? 'number' : 'string';
  if (!given.every((label) => typeof label === wanted) || new Set(given).size < given.length) {
    throw new BallastError(`data.classes must be distinct ${wanted}s, like the target "${column.name}"`, {
      code: 'DATA_CLASSES_INVALID',
      place: 'data.classes',
      value: given,
    });
  }
  return [...given] as string[] | number[];
}

function oneClass(name: string, found: readonly ClassLabel[], rows: number): BallastError {
  return new BallastError(
    `the target "${name}" has one class, ${JSON.stringify(found[0])}, in all ${rows} training rows`,
    {
      code: 'DATA_TARGET_CONSTANT',
      place: 'data.target',
      remedy: 'There is nothing to learn: name another target, or a source with rows of other classes.',
    },
  );
}

function continuous(name: string, what: string): BallastError {
  return new BallastError(`the target "${name}" ${what}: that is no class`, {
    code: 'DATA_TARGET_CONTINUOUS',
    place: 'data.target',
    remedy: 'Use task: regression, or set its type to category in data.features.types.',
  });
}

function unknownClass(name: string, text: string, row: number, classes: readonly ClassLabel[]): BallastError {
  const shown = classes.length > 10 ? `${classes.slice(0, 10).join(', ')}, ...` : classes.join(', ');
  return new BallastError(`the target "${name}" is of a class that no training row has (known: ${shown})`, {
    code: 'DATA_TARGET_UNKNOWN_CLASS',
    place: `row ${row + 1}`,
    value: text,
    remedy: 'List all classes in data.classes, use the stratified split, or mend the row.',
  });
}
