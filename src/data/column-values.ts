import { BallastError } from '../errors.js';
import type { Column } from './table.js';

/** Reading columns of any kind in one way: as missing or not, as text, as numbers. */

/** Whether a row's value is missing: NaN, '' or code -1. Array and sparse columns are never missing. */
export function missingOf(column: Column): (row: number) => boolean {
  switch (column.kind) {
    case 'number':
    case 'time': {
      const { values } = column;
      return (row) => Number.isNaN(values[row]);
    }
    case 'category': {
      const { codes, dictionary } = column;
      return (row) => codes[row] < 0 || dictionary[codes[row]] === '';
    }
    case 'text': {
      const { values } = column;
      return (row) => values[row] === '';
    }
    case 'array':
    case 'sparse':
      return () => false;
  }
}

/** A scalar column's value as text, '' where missing: 3 is "3", a boolean "true", an instant its ISO 8601 form. */
export function textOf(column: Column): (row: number) => string {
  switch (column.kind) {
    case 'number': {
      const { values, type } = column;
      const text = type === 'boolean' ? (value: number) => (value === 0 ? 'false' : 'true') : String;
      return (row) => (Number.isNaN(values[row]) ? '' : text(values[row]));
    }
    case 'time': {
      const { values } = column;
      return (row) => (Number.isNaN(values[row]) ? '' : new Date(values[row]).toISOString());
    }
    case 'category': {
      const { codes, dictionary } = column;
      return (row) => (codes[row] < 0 ? '' : dictionary[codes[row]]);
    }
    case 'text': {
      const { values } = column;
      return (row) => values[row];
    }
    case 'array':
    case 'sparse':
      throw typeError(column, 'text');
  }
}

/**
 * The values of a column of numbers or instants (milliseconds), NaN where missing.
 *
 * @throws BallastError DATA_COLUMN_TYPE for other columns
 */
export function numbersOf(column: Column, purpose: string, place?: string): Float32Array | Float64Array {
  if (column.kind === 'number' || column.kind === 'time') return column.values;
  throw typeError(column, 'numbers', purpose, place);
}

/** How a message calls a column's type. */
function kindName(column: Column): string {
  if (column.kind === 'number') return column.type === 'float' ? 'numbers' : `${column.type} numbers`;
  if (column.kind === 'array') return `${column.content} arrays`;
  return { category: 'categories', text: 'text', time: 'instants', sparse: 'sparse numbers' }[column.kind];
}

/** The error of a column that holds something other than what is asked of it. */
export function typeError(column: Column, wanted: string, purpose?: string, place?: string): BallastError {
  const asWhat = purpose === undefined ? '' : ` for ${purpose}`;
  return new BallastError(`column "${column.name}" holds ${kindName(column)}, but ${wanted} are needed${asWhat}`, {
    code: 'DATA_COLUMN_TYPE',
    ...(place === undefined ? {} : { place }),
    remedy: 'Name another column, or set its type in data.features.types.',
  });
}
