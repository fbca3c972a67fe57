import duckdb from '@duckdb/node-bindings';

/** Bytes of one entry of a string vector: length, then 12 bytes of text, or 4 and a pointer to the whole. */
const ENTRY_BYTES = 16;
const INLINE_BYTES = 12;

const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true });

/** The string vector's entries of one chunk. */
export class StringVector {
  readonly words: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(vector: duckdb.Vector, rows: number) {
    this.#bytes = duckdb.vector_get_data(vector, rows * ENTRY_BYTES);
    this.words = new Uint32Array(this.#bytes.buffer, this.#bytes.byteOffset, rows * (ENTRY_BYTES / 4));
  }

  /** Bytes of the row's text in UTF-8. */
  byteLength(row: number): number {
    return this.words[4 * row];
  }

  text(row: number): string {
    const length = this.byteLength(row);
    const start = row * ENTRY_BYTES;
    if (length <= INLINE_BYTES) return decoder.decode(this.#bytes.subarray(start + 4, start + 4 + length));
    const pointer = this.#bytes.byteOffset + start + 8;
    return decoder.decode(duckdb.get_data_from_pointer(this.#bytes.buffer as ArrayBuffer, pointer, length));
  }
}

/**
 * Distinct strings, numbered in order of first occurrence, found without making a string of every row. A text of up to
 * 12 bytes is its own key; a longer one is known by its length, its first four bytes and the engine's 64-bit hash
 * (chance of two distinct ones sharing all three among a million: below 1e-7).
 */
export class StringDictionary {
  readonly entries: string[] = [];
  #slots = new Int32Array(256).fill(-1);
  /** Per entry: the four words of its key and the low word of its hash. */
  #keys = new Uint32Array(5 * 128);

  /** Number of the row's string. `hashes` are the rows' 64-bit hashes as pairs of words. */
  codeOf(vector: StringVector, hashes: Uint32Array, row: number): number {
    const { words } = vector;
    const inline = words[4 * row] <= INLINE_BYTES;
    const key0 = words[4 * row];
    const key1 = words[4 * row + 1];
    const key2 = inline ? words[4 * row + 2] : hashes[2 * row];
    const key3 = inline ? words[4 * row + 3] : hashes[2 * row + 1];
    const mask = this.#slots.length - 1;
    for (let slot = hashes[2 * row] & mask; ; slot = (slot + 1) & mask) {
      const code = this.#slots[slot];
      if (code === -1) return this.#add(vector.text(row), slot, key0, key1, key2, key3, hashes[2 * row]);
      const keys = this.#keys;
      const at = 5 * code;
      if (keys[at] === key0 && keys[at + 1] === key1 && keys[at + 2] === key2 && keys[at + 3] === key3) return code;
    }
  }

  #add(text: string, slot: number, key0: number, key1: number, key2: number, key3: number, hash: number): number {
    const code = this.entries.length;
    if (5 * (code + 1) > this.#keys.length) {
      const keys = new Uint32Array(2 * this.#keys.length + 5);
      keys.set(this.#keys);
      this.#keys = keys;
    }
    this.#keys.set([key0, key1, key2, key3, hash], 5 * code);
    this.#slots[slot] = code;
    this.entries.push(text);
    if (2 * this.entries.length > this.#slots.length) this.#grow();
    return code;
  }

  #grow(): void {
    this.#slots = new Int32Array(4 * this.#slots.length).fill(-1);
    const mask = this.#slots.length - 1;
    for (let code = 0; code < this.entries.length; code++) {
      let slot = this.#keys[5 * code + 4] & mask;
      while (this.#slots[slot] !== -1) slot = (slot + 1) & mask;
      this.#slots[slot] = code;
    }
  }
}
