import type { ArrayColumn, CategoryColumn, NumberColumn, Table, TextColumn, TimeColumn } from '../../src/data/table.js';

/** Tables made by hand. */

export function numbers(name: string, values: ArrayLike<number>, type: NumberColumn['type'] = 'float'): NumberColumn {
  return { kind: 'number', name, type, values: Float64Array.from(values) };
}

export function categories(name: string, values: readonly string[]): CategoryColumn {
  const dictionary = [...new Set(values.filter((value) => value !== ''))];
  return { kind: 'category', name, dictionary, codes: Int32Array.from(values, (value) => dictionary.indexOf(value)) };
}

export function texts(name: string, values: readonly string[]): TextColumn {
  return { kind: 'text', name, values };
}

export function times(name: string, values: ArrayLike<number>): TimeColumn {
  return { kind: 'time', name, values: Float64Array.from(values) };
}

export function images(name: string, shape: readonly number[], data: Uint8Array): ArrayColumn {
  return { kind: 'array', name, content: 'image', shape, data };
}

export function table(...columns: Table['columns']): Table {
  const [first] = columns;
  const rows =
    first === undefined
      ? 0
      : first.kind === 'array'
        ? first.data.length / first.shape.reduce((size, extent) => size * extent, 1)
        : first.kind === 'category'
          ? first.codes.length
          : first.values.length;
  return { rows, columns };
}

/** All rows of a table. */
export function allRows(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows }, (_, row) => row);
}

/** A 64-bit hash of a whole number (SplitMix64's finalizer): stands in for the hash of a row. */
function hash64(value: number): bigint {
  const mask = (1n << 64n) - 1n;
  let z = (BigInt(value) + 0x9e3779b97f4a7c15n) & mask;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  return z ^ (z >> 31n);
}

export function hashes(values: ArrayLike<number>): BigUint64Array {
  return BigUint64Array.from(Array.from(values), hash64);
}
