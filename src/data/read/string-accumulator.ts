import duckdb from '@duckdb/node-bindings';
import type { Column } from '../table.js';
import type { Accumulator } from './accumulator.js';
import type { Budget } from './budget.js';
import { Growing } from './growing.js';
import { StringDictionary, StringVector } from './string-dictionary.js';
import { instantsOf, isNumberText, MAXIMUM_CATEGORIES, stringColumn } from './strings.js';

/** Bytes that a string takes besides its characters. */
const STRING_OVERHEAD = 24;

interface StringOptions {
  readonly name: string;
  /** Expression of the value, castable to VARCHAR. */
  readonly expression: string;
  readonly wanted: 'category' | 'text' | undefined;
  readonly missing: ReadonlySet<string>;
  readonly place: string;
  readonly budget: Budget;
  /** Likely number of rows. */
  readonly capacity: number;
}

/** Collects strings: dictionary-encoded as long as they may be categories, one by one once they cannot. */
export class StringAccumulator implements Accumulator {
  readonly expressions: readonly string[];
  readonly #options: StringOptions;
  #dictionary = new StringDictionary();
  #codes: Growing<Int32Array<ArrayBuffer>>;
  #texts: string[] | undefined;

  constructor(options: StringOptions) {
    this.#options = options;
    this.#codes = new Growing((length) => new Int32Array(length), options.capacity);
    const text = `CAST(${options.expression} AS VARCHAR)`;
    this.expressions = [text, `hash(${text})`];
    if (options.wanted === 'text') this.#texts = [];
  }

  add([textVector, hashVector]: readonly duckdb.Vector[], rows: number): void {
    const vector = new StringVector(textVector, rows);
    const valid = validity(textVector, rows);
    if (this.#texts === undefined) {
      this.#encode(vector, hashVector, valid, rows);
      const many = this.#dictionary.entries.length > MAXIMUM_CATEGORIES;
      if (many && this.#options.wanted === undefined) this.#spell();
    } else {
      this.#collect(this.#texts, vector, valid, rows);
    }
  }

  #encode(vector: StringVector, hashVector: duckdb.Vector, valid: Validity, rows: number): void {
    const bytes = duckdb.vector_get_data(hashVector, 8 * rows);
    const hashes = new Uint32Array(bytes.buffer, bytes.byteOffset, 2 * rows);
    const codes = new Int32Array(rows);
    const before = this.#dictionary.entries.length;
    for (let row = 0; row < rows; row++) {
      codes[row] = valid(row) ? this.#dictionary.codeOf(vector, hashes, row) : -1;
    }
    let added = 4 * rows;
    for (const entry of this.#dictionary.entries.slice(before)) added += entry.length + STRING_OVERHEAD;
    this.#options.budget.spend(added, this.#options.place);
    this.#codes.append(codes);
  }

  #collect(texts: string[], vector: StringVector, valid: Validity, rows: number): void {
    let bytes = 0;
    for (let row = 0; row < rows; row++) if (valid(row)) bytes += vector.byteLength(row) + STRING_OVERHEAD;
    this.#options.budget.spend(bytes, this.#options.place);
    for (let row = 0; row < rows; row++) {
      const text = valid(row) ? vector.text(row) : '';
      texts.push(this.#options.missing.has(text.trim()) ? '' : text);
    }
  }

  /** Too many distinct strings for categories: goes on with one string a row. */
  #spell(): void {
    const column = stringColumn(
      this.#options.name,
      this.#codes.finish(),
      this.#dictionary.entries,
      this.#options.missing,
      'text',
    );
    this.#texts = column.kind === 'text' ? [...column.values] : [];
    this.#codes = new Growing((length) => new Int32Array(length), 0);
    this.#dictionary = new StringDictionary();
  }

  /** Whether nothing but numbers was found, so that the type was inferred from too few rows. */
  get looksLikeNumbers(): boolean {
    const found: readonly string[] = this.#texts ?? this.#dictionary.entries;
    let numbers = 0;
    for (const entry of found) {
      const text = entry.trim();
      if (this.#options.missing.has(text)) continue;
      if (!isNumberText(text)) return false;
      numbers++;
    }
    return numbers > 0;
  }

  finish(): Column {
    const { name, wanted, missing } = this.#options;
    if (this.#texts !== undefined) {
      const instants = wanted === undefined ? instantsOf(this.#texts) : undefined;
      return instants === undefined
        ? { kind: 'text', name, values: this.#texts }
        : { kind: 'time', name, values: instants };
    }
    return stringColumn(name, this.#codes.finish(), this.#dictionary.entries, missing, wanted);
  }
}

type Validity = (row: number) => boolean;

function validity(vector: duckdb.Vector, rows: number): Validity {
  // The binding returns nothing where no row of the chunk is missing.
  const bits: Uint8Array | null | undefined = duckdb.vector_get_validity(vector, 8 * Math.ceil(rows / 64));
  return bits === null || bits === undefined ? () => true : (row) => (bits[row >> 3] & (1 << (row & 7))) !== 0;
}
