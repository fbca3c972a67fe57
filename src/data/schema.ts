import { type Severity, shownRows } from './check/finding.js';
import type { ArrayColumn, Column, NumberColumn, Table } from './table.js';

/** Distinct numbers are counted so far: this many means that many or more. */
export const DISTINCT_LIMIT = 1000;

interface ColumnBase {
  readonly name: string;
  readonly missing: number;
}

export interface NumberSchema extends ColumnBase {
  readonly kind: 'number';
  readonly type: NumberColumn['type'];
  /** Of the finite values; absent where there are none. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** Different values, counted to {@link DISTINCT_LIMIT}. */
  readonly distinct: number;
}

export interface CategorySchema extends ColumnBase {
  readonly kind: 'category';
  /** The categories that occur, sorted. */
  readonly categories: readonly string[];
}

export interface TextSchema extends ColumnBase {
  readonly kind: 'text';
  /** UTF-16 units of the longest text. */
  readonly longest: number;
}

export interface TimeSchema extends ColumnBase {
  readonly kind: 'time';
  /** Milliseconds since the epoch; absent where all are missing. */
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface ArraySchema extends ColumnBase {
  readonly kind: 'array';
  readonly content: ArrayColumn['content'];
  readonly shape: readonly number[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface SparseSchema extends ColumnBase {
  readonly kind: 'sparse';
  readonly width: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

export type ColumnSchema = NumberSchema | CategorySchema | TextSchema | TimeSchema | ArraySchema | SparseSchema;

/** What a table's columns are and between which bounds their values lie: plain data, to be stored with a model. */
export interface Schema {
  readonly rows: number;
  readonly columns: readonly ColumnSchema[];
}

/** Something in a table that its schema does not allow. Of the same form as a finding of the data check. */
export interface SchemaIssue {
  readonly code:
    | 'COLUMN_MISSING'
    | 'COLUMN_ADDED'
    | 'COLUMN_TYPE_CHANGED'
    | 'COLUMN_SHAPE_CHANGED'
    | 'MISSING_VALUES'
    | 'NOT_FINITE'
    | 'OUT_OF_RANGE'
    | 'UNSEEN_CATEGORY';
  readonly severity: Severity;
  readonly message: string;
  readonly remedy: string;
  readonly columns: readonly string[];
  /** Some of the rows concerned, counted from 1. */
  readonly rows?: readonly number[];
  readonly count?: number;
}

/** The schema of a table. */
export function schemaOf(table: Table): Schema {
  return { rows: table.rows, columns: table.columns.map(columnSchema) };
}

function columnSchema(column: Column): ColumnSchema {
  const { name } = column;
  switch (column.kind) {
    case 'number': {
      const { missing, range } = bounds(column.values);
      return { kind: 'number', name, type: column.type, missing, ...range, distinct: countDistinct(column.values) };
    }
    case 'time': {
      const { missing, range } = bounds(column.values);
      return { kind: 'time', name, missing, ...range };
    }
    case 'category': {
      const used = new Set(column.codes);
      const categories = column.dictionary.filter((_, code) => used.has(code)).sort();
      return { kind: 'category', name, missing: count(column.codes, (code) => code < 0), categories };
    }
    case 'text': {
      const longest = column.values.reduce((most, text) => Math.max(most, text.length), 0);
      return { kind: 'text', name, missing: column.values.filter((text) => text === '').length, longest };
    }
    case 'array': {
      const { missing, range } = bounds(column.data);
      return { kind: 'array', name, content: column.content, shape: [...column.shape], missing, ...range };
    }
    case 'sparse': {
      const { missing, range } = bounds(column.values);
      return { kind: 'sparse', name, width: column.width, missing, ...range };
    }
    default:
      return column satisfies never;
  }
}

interface Bounds {
  readonly missing: number;
  readonly infinite: number;
  readonly range: { readonly minimum?: number; readonly maximum?: number };
}

function bounds(values: ArrayLike<number>): Bounds {
  let missing = 0;
  let infinite = 0;
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (Number.isNaN(value)) missing++;
    else if (Number.isFinite(value)) {
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
    } else infinite++;
  }
  return { missing, infinite, range: minimum > maximum ? {} : { minimum, maximum } };
}

function countDistinct(values: Float32Array | Float64Array): number {
  const seen = new Set<number>();
  for (const value of values) {
    if (!Number.isNaN(value)) seen.add(value);
    if (seen.size === DISTINCT_LIMIT) break;
  }
  return seen.size;
}

function count(values: Int32Array, test: (value: number) => boolean): number {
  let found = 0;
  for (const value of values) if (test(value)) found++;
  return found;
}

/**
 * Validates a table against the schema of the data that came before: columns that are missing (error), new (info) or of
 * another type or shape (error; whole numbers in a fractional column are fine, fractional ones in a whole column a
 * warning), infinite numbers (error), missing values in a column that had none, numbers and instants outside of the
 * range seen, and categories not seen (warnings). In the order of the schema's columns; empty: nothing to object.
 */
export function checkAgainst(schema: Schema, table: Table): SchemaIssue[] {
  const issues = schema.columns.flatMap((expected) => {
    const column = table.columns.find(({ name }) => name === expected.name);
    return column === undefined ? [absent(expected)] : checkColumn(expected, column);
  });
  const known = new Set(schema.columns.map(({ name }) => name));
  const added = table.columns.filter(({ name }) => !known.has(name)).map(({ name }) => name);
  if (added.length === 0) return issues;
  const message = `Columns that were not there before: ${added.slice(0, 20).join(', ')}.`;
  return [
    ...issues,
    { code: 'COLUMN_ADDED', severity: 'info', message, remedy: 'Exclude or ignore them.', columns: added },
  ];
}

function absent({ name }: ColumnSchema): SchemaIssue {
  return {
    code: 'COLUMN_MISSING',
    severity: 'error',
    message: `The column ${name} is missing.`,
    remedy: 'Supply it, or train without it.',
    columns: [name],
  };
}

function checkColumn(expected: ColumnSchema, column: Column): SchemaIssue[] {
  if (expected.kind === 'array' && column.kind === 'array') return checkArray(expected, column);
  if (expected.kind === 'sparse' && column.kind === 'sparse') {
    return expected.width === column.width
      ? []
      : [shapeChanged(expected.name, `sparse [${column.width}]`, `sparse [${expected.width}]`)];
  }
  if (expected.kind === 'category' && column.kind === 'category') {
    return [
      ...unseen(expected, column.codes, column.dictionary),
      ...newlyMissing(expected, column.codes, (code) => code < 0),
    ];
  }
  if (expected.kind === 'text' && column.kind === 'text')
    return newlyMissing(expected, column.values, (text) => text === '');
  if (expected.kind === 'time' && column.kind === 'time') return checkNumbers(expected, column.values);
  if (expected.kind === 'number' && column.kind === 'number') {
    const changed =
      expected.type !== 'float' && column.type === 'float' ? [typeChanged(expected, column, 'warning')] : [];
    return [...changed, ...checkNumbers(expected, column.values)];
  }
  return [typeChanged(expected, column, 'error')];
}

function checkNumbers(expected: NumberSchema | TimeSchema, values: Float32Array | Float64Array): SchemaIssue[] {
  const { name, minimum, maximum } = expected;
  const found = bounds(values);
  const issues: SchemaIssue[] = found.missing > 0 ? newlyMissing(expected, values, Number.isNaN) : [];
  if (found.infinite > 0) {
    const where = rowsWhere(values, (value) => Math.abs(value) === Number.POSITIVE_INFINITY);
    const message = `The column ${name} holds infinite numbers in ${rowCount(where.count)}.`;
    const remedy = 'Find what computes them, and mend or drop the rows.';
    issues.push({ code: 'NOT_FINITE', severity: 'error', message, remedy, columns: [name], ...where });
  }
  const { minimum: least, maximum: most } = found.range;
  if (minimum === undefined || maximum === undefined || least === undefined || most === undefined) return issues;
  if (least < minimum || most > maximum) {
    const where = rowsWhere(values, (value) => Number.isFinite(value) && (value < minimum || value > maximum));
    const show = (value: number) => (expected.kind === 'time' ? new Date(value).toISOString() : String(value));
    const message = `The column ${name} is outside of ${show(minimum)} to ${show(maximum)} in ${rowCount(where.count)}.`;
    const remedy = 'Check the unit and the source of these rows.';
    issues.push({ code: 'OUT_OF_RANGE', severity: 'warning', message, remedy, columns: [name], ...where });
  }
  return issues;
}

function checkArray(expected: ArraySchema, column: ArrayColumn): SchemaIssue[] {
  const { name, shape, content } = expected;
  if (content === column.content && shape.join() === column.shape.join()) {
    const size = Math.max(
      1,
      shape.reduce((product, length) => product * length, 1),
    );
    const broken = new Set<number>();
    for (let index = 0; index < column.data.length; index++) {
      if (!Number.isFinite(column.data[index])) broken.add(Math.floor(index / size));
    }
    if (broken.size === 0 || expected.missing > 0) return [];
    const message = `The column ${name} holds numbers that are not finite in ${rowCount(broken.size)}.`;
    const remedy = 'Find what computes them, and mend or drop the rows.';
    return [
      {
        code: 'NOT_FINITE',
        severity: 'error',
        message,
        remedy,
        columns: [name],
        rows: shownRows(broken),
        count: broken.size,
      },
    ];
  }
  return [shapeChanged(name, `${column.content} [${column.shape.join(', ')}]`, `${content} [${shape.join(', ')}]`)];
}

function shapeChanged(name: string, is: string, was: string): SchemaIssue {
  const message = `The column ${name} is ${is}, not ${was}.`;
  return { code: 'COLUMN_SHAPE_CHANGED', severity: 'error', message, remedy: 'Read it in that size.', columns: [name] };
}

function unseen(expected: CategorySchema, codes: Int32Array, dictionary: readonly string[]): SchemaIssue[] {
  const known = new Set(expected.categories);
  const strange = dictionary.map((entry) => !known.has(entry));
  const found = rowsWhere(codes, (code) => code >= 0 && strange[code]);
  if (found.count === 0) return [];
  const used = new Set(codes);
  const names = dictionary.filter((_, code) => strange[code] && used.has(code));
  const message = `The column ${expected.name} holds categories not seen before in ${rowCount(found.count)}: ${names.slice(0, 10).join(', ')}.`;
  const remedy = 'They are treated as one unknown category; train with them if they are here to stay.';
  return [{ code: 'UNSEEN_CATEGORY', severity: 'warning', message, remedy, columns: [expected.name], ...found }];
}

function newlyMissing<T>(expected: ColumnSchema, values: ArrayLike<T>, test: (value: T) => boolean): SchemaIssue[] {
  if (expected.missing > 0) return [];
  const found = rowsWhere(values, test);
  if (found.count === 0) return [];
  const message = `The column ${expected.name} had no missing values, and has ${found.count} now.`;
  const remedy = 'Find out why; a model that saw none imputes a constant for them.';
  return [{ code: 'MISSING_VALUES', severity: 'warning', message, remedy, columns: [expected.name], ...found }];
}

function typeChanged(expected: ColumnSchema, column: Column, severity: Severity): SchemaIssue {
  const message = `The column ${column.name} is of type ${typeName(column)}, not ${typeName(expected)}.`;
  const remedy = 'Mend the values, or say its type in data.features.types.';
  return { code: 'COLUMN_TYPE_CHANGED', severity, message, remedy, columns: [column.name] };
}

function typeName(column: Column | ColumnSchema): string {
  return column.kind === 'number' ? column.type : column.kind === 'array' ? column.content : column.kind;
}

function rowsWhere<T>(values: ArrayLike<T>, test: (value: T) => boolean): { rows: readonly number[]; count: number } {
  const rows: number[] = [];
  for (let row = 0; row < values.length; row++) if (test(values[row])) rows.push(row);
  return { rows: shownRows(rows), count: rows.length };
}

function rowCount(rows: number): string {
  return rows === 1 ? '1 row' : `${rows} rows`;
}
