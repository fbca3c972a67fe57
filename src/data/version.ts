import { createHash, type Hash } from 'node:crypto';
import type { Column, Table } from './table.js';

export { rowHashes } from './row-hash.js';

/** Rows that are hashed at a time. */
const BLOCK = 65_536;

/**
 * The version of a table's content: `dv-` and the first 16 hex digits of a SHA-256 over, in this order, a JSON line of
 * the number of rows and the columns' names and types, then each column's values. The order of rows and of columns
 * matters. How values are held does not: numbers are hashed as float64 (every NaN and zero alike), categories by their
 * sorted dictionary, so that the same file gives the same version whatever the width of its columns in memory.
 */
export function contentVersion(table: Table): string {
  const hash = createHash('sha256');
  hash.update(`${JSON.stringify({ rows: table.rows, columns: table.columns.map(signature) })}\n`);
  for (const column of table.columns) hashColumn(hash, column);
  return `dv-${hash.digest('hex').slice(0, 16)}`;
}

function signature(column: Column): Record<string, unknown> {
  const { name, kind } = column;
  switch (column.kind) {
    case 'number':
      return { name, kind, type: column.type };
    case 'sparse':
      return { name, kind, width: column.width };
    case 'array':
      return { name, kind, content: column.content, shape: column.shape, elements: elementType(column.data) };
    default:
      return { name, kind };
  }
}

function elementType(data: Uint8Array | Int32Array | Float32Array): string {
  return data instanceof Uint8Array ? 'uint8' : data instanceof Int32Array ? 'int32' : 'float32';
}

function hashColumn(hash: Hash, column: Column): void {
  switch (column.kind) {
    case 'number':
    case 'time':
      hashNumbers(hash, column.values);
      return;
    case 'category':
      hashCategories(hash, column.codes, column.dictionary);
      return;
    case 'text':
      hashTexts(hash, column.values);
      return;
    case 'array':
      hash.update(bytesOf(column.data));
      return;
    case 'sparse':
      hash.update(bytesOf(column.starts));
      hash.update(bytesOf(column.indices));
      hashNumbers(hash, column.values);
      return;
    default:
      column satisfies never;
  }
}

function hashNumbers(hash: Hash, values: Float32Array | Float64Array): void {
  const block = new Float64Array(Math.min(BLOCK, values.length));
  for (let from = 0; from < values.length; from += BLOCK) {
    const count = Math.min(BLOCK, values.length - from);
    for (let index = 0; index < count; index++) {
      const value = values[from + index];
      // One NaN of the many, and 0 for -0.
      block[index] = Number.isNaN(value) ? Number.NaN : value + 0;
    }
    hash.update(bytesOf(block.subarray(0, count)));
  }
}

function hashCategories(hash: Hash, codes: Int32Array, dictionary: readonly string[]): void {
  const used = new Uint8Array(dictionary.length);
  for (const code of codes) if (code >= 0) used[code] = 1;
  const sorted = [...new Set(dictionary.filter((_, code) => used[code] === 1))].sort();
  const index = new Map(sorted.map((entry, at) => [entry, at]));
  const position = Int32Array.from(dictionary, (entry) => index.get(entry) ?? -1);
  hash.update(`${JSON.stringify(sorted)}\n`);
  const block = new Int32Array(Math.min(BLOCK, codes.length));
  for (let from = 0; from < codes.length; from += BLOCK) {
    const count = Math.min(BLOCK, codes.length - from);
    for (let at = 0; at < count; at++) {
      const code = codes[from + at];
      block[at] = code < 0 ? -1 : position[code];
    }
    hash.update(bytesOf(block.subarray(0, count)));
  }
}

/** Lengths first, so that where a text ends cannot be mistaken. */
function hashTexts(hash: Hash, values: readonly string[]): void {
  for (let from = 0; from < values.length; from += BLOCK) {
    const part = values.slice(from, from + BLOCK);
    hash.update(bytesOf(Int32Array.from(part, (text) => text.length)));
    for (const text of part) hash.update(text);
  }
}

function bytesOf(array: Float64Array | Float32Array | Int32Array | Uint8Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
