import { BallastError } from '../errors.js';
import type { ArrayColumn, Column, SparseColumn, Table } from './table.js';

/**
 * 64-bit hashes of rows by content, in pairs of 32-bit words (no BigInt arithmetic: a million rows of 30 columns take
 * about half a second). Not cryptographic: for duplicates and membership, where 1,000,000 rows collide by chance with
 * probability 3e-8.
 */

/** Odd multipliers of the mixing steps (those of MurmurHash3's finalizer and of xxHash32). */
const M1 = 0x85ebca6b;
const M2 = 0xc2b2ae35;
const M3 = 0x9e3779b1;

/** Words that stand for a missing value: those of a NaN that no computation gives. */
const MISSING_LOW = 0x6d697373;
const MISSING_HIGH = 0x7ff80001;

const scratch = new Float64Array(1);
const scratchWords = new Uint32Array(scratch.buffer);

/** Result of the last {@link mix}: functions that return two numbers would have to allocate. */
let mixedLow = 0;
let mixedHigh = 0;

/** A permutation of 64-bit values, chosen by a 64-bit seed: three rounds of multiply, shift and cross-add. */
function mix(low: number, high: number, seedLow: number, seedHigh: number): void {
  let a = low ^ seedLow;
  let b = high ^ seedHigh;
  for (let round = 0; round < 3; round++) {
    a = Math.imul(a ^ (a >>> 16), M1);
    b = Math.imul(b ^ (b >>> 15), M2);
    a = (a + ((b << 13) | (b >>> 19))) | 0;
    b ^= (a << 17) | (a >>> 15);
  }
  mixedLow = a ^ (a >>> 16);
  mixedHigh = b ^ (b >>> 15);
}

/** Two words of a text, over its UTF-16 code units. */
function hashText(text: string): void {
  let a = text.length;
  let b = M3;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    a = Math.imul(a ^ unit, M1);
    a ^= a >>> 13;
    b = Math.imul(((b << 5) | (b >>> 27)) + (a ^ unit), M2);
  }
  mix(a, b, M2, M1);
}

/** Two words of some 32-bit words. */
function hashWords(words: Uint32Array, from: number, to: number): void {
  let a = to - from;
  let b = M3;
  for (let index = from; index < to; index++) {
    a = Math.imul(a ^ words[index], M1);
    a ^= a >>> 13;
    b = Math.imul(((b << 5) | (b >>> 27)) + (a ^ words[index]), M2);
  }
  mix(a, b, M1, M2);
}

/**
 * 64-bit content hash of every row, over all columns or the named ones.
 *
 * Two rows have one hash if they have the same values under the same names: the order of columns, the coding of
 * categories and the width in which numbers are held do not matter. Fractional numbers are compared as float32, what
 * models see; whole ones exactly. A string that is the shortest decimal form of a number counts as that number, so that
 * reading a column as another type does not make other rows of it; a missing number and a missing string are alike.
 * hash = final mix of the sum over columns (mod 2^64) of mix(value; seed = hash of the name).
 */
export function rowHashes(table: Table, columns?: readonly string[]): BigUint64Array {
  const chosen = columns === undefined ? table.columns : columns.map((name) => columnNamed(table, name));
  const result = new BigUint64Array(table.rows);
  const words = new Uint32Array(result.buffer);
  for (const column of chosen) addColumn(column, words);
  for (let row = 0; row < table.rows; row++) {
    mix(words[2 * row], words[2 * row + 1], M3, M1);
    words[2 * row] = mixedLow;
    words[2 * row + 1] = mixedHigh;
  }
  return result;
}

function columnNamed(table: Table, name: string): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column !== undefined) return column;
  throw new BallastError(`there is no column ${name} to hash rows by`, { code: 'DATA_COLUMN_MISSING', value: name });
}

function addColumn(column: Column, words: Uint32Array): void {
  hashText(column.name);
  const seedLow = mixedLow;
  const seedHigh = mixedHigh;
  switch (column.kind) {
    case 'number':
    case 'time': {
      const { values } = column;
      for (let row = 0; row < values.length; row++) addNumber(words, row, values[row], seedLow, seedHigh);
      return;
    }
    case 'category':
      addCategories(words, column.codes, column.dictionary, seedLow, seedHigh);
      return;
    case 'text': {
      const { values } = column;
      for (let row = 0; row < values.length; row++) addText(words, row, values[row], seedLow, seedHigh);
      return;
    }
    case 'array':
      addArrays(words, column, seedLow, seedHigh);
      return;
    case 'sparse':
      addSparse(words, column, seedLow, seedHigh);
      return;
    default:
      column satisfies never;
  }
}

/** Adds the mixed words to the row's 64-bit sum. */
function add(words: Uint32Array, row: number): void {
  const low = words[2 * row] + (mixedLow >>> 0);
  words[2 * row] = low;
  words[2 * row + 1] += mixedHigh + (low > 0xffffffff ? 1 : 0);
}

function mixNumber(value: number, seedLow: number, seedHigh: number): void {
  if (Number.isNaN(value)) {
    mix(MISSING_LOW, MISSING_HIGH, seedLow, seedHigh);
    return;
  }
  // + 0 makes 0 of -0.
  scratch[0] = (Number.isSafeInteger(value) ? value : Math.fround(value)) + 0;
  mix(scratchWords[0], scratchWords[1], seedLow, seedHigh);
}

function addNumber(words: Uint32Array, row: number, value: number, seedLow: number, seedHigh: number): void {
  mixNumber(value, seedLow, seedHigh);
  add(words, row);
}

function mixText(text: string, seedLow: number, seedHigh: number): void {
  if (text === '') {
    mix(MISSING_LOW, MISSING_HIGH, seedLow, seedHigh);
    return;
  }
  const first = text.charCodeAt(0);
  if ((first === 0x2d || (first >= 0x30 && first <= 0x39)) && text.length <= 24) {
    const number = Number(text);
    if (String(number) === text) {
      mixNumber(number, seedLow, seedHigh);
      return;
    }
  }
  hashText(text);
  mix(mixedLow, mixedHigh, seedLow, seedHigh);
}

function addText(words: Uint32Array, row: number, text: string, seedLow: number, seedHigh: number): void {
  mixText(text, seedLow, seedHigh);
  add(words, row);
}

function addCategories(
  words: Uint32Array,
  codes: Int32Array,
  dictionary: readonly string[],
  seedLow: number,
  seedHigh: number,
): void {
  const mixed = new Int32Array(2 * (dictionary.length + 1));
  for (const [code, text] of ['', ...dictionary].entries()) {
    mixText(text, seedLow, seedHigh);
    mixed[2 * code] = mixedLow;
    mixed[2 * code + 1] = mixedHigh;
  }
  for (let row = 0; row < codes.length; row++) {
    mixedLow = mixed[2 * codes[row] + 2];
    mixedHigh = mixed[2 * codes[row] + 3];
    add(words, row);
  }
}

function addArrays(words: Uint32Array, column: ArrayColumn, seedLow: number, seedHigh: number): void {
  const size = column.shape.reduce((product, length) => product * length, 1);
  const rowBytes = size * column.data.BYTES_PER_ELEMENT;
  const rowWords = Math.ceil(rowBytes / 4);
  const bytes = new Uint8Array(column.data.buffer, column.data.byteOffset, column.data.byteLength);
  const own = new Uint32Array(rowWords);
  const ownBytes = new Uint8Array(own.buffer);
  for (let row = 0; row < words.length / 2; row++) {
    ownBytes.set(bytes.subarray(row * rowBytes, (row + 1) * rowBytes));
    hashWords(own, 0, rowWords);
    mix(mixedLow, mixedHigh, seedLow, seedHigh);
    add(words, row);
  }
}

/** Places and values, as float32, of each row. */
function addSparse(
  words: Uint32Array,
  { starts, indices, values }: SparseColumn,
  seedLow: number,
  seedHigh: number,
): void {
  const longest = starts.reduce((most, start, row) => Math.max(most, row === 0 ? 0 : start - starts[row - 1]), 0);
  const own = new Uint32Array(2 * longest);
  const singles = new Float32Array(own.buffer);
  for (let row = 0; row < starts.length - 1; row++) {
    let count = 0;
    for (let at = starts[row]; at < starts[row + 1]; at++) {
      own[count++] = indices[at];
      singles[count++] = values[at];
    }
    hashWords(own, 0, count);
    mix(mixedLow, mixedHigh, seedLow, seedHigh);
    add(words, row);
  }
}
