/** Equal 64-bit hashes, grouped: what duplicate search, group splits and the locked holdout are made of. */

/**
 * An index over 64-bit hashes (open addressing on two 32-bit words; no BigInt arithmetic, so a million rows take tens
 * of milliseconds). Distinct hashes are numbered in order of first occurrence.
 */
export class HashIndex {
  /** Number of distinct hashes. */
  readonly size: number;
  /** For each position, the number of its hash. */
  readonly ids: Int32Array;
  /** For each distinct hash, how often it occurs. */
  readonly counts: Uint32Array;
  /** For each distinct hash, the position of its first occurrence. */
  readonly first: Uint32Array;
  readonly #words: Uint32Array;
  readonly #slots: Int32Array;

  constructor(hashes: BigUint64Array) {
    const n = hashes.length;
    this.#words = wordsOf(hashes);
    this.#slots = new Int32Array(tableSize(n)).fill(-1);
    this.ids = new Int32Array(n);
    const counts = new Uint32Array(n);
    const first = new Uint32Array(n);
    let size = 0;
    for (let position = 0; position < n; position++) {
      const slot = this.#slotOf(this.#words[2 * position], this.#words[2 * position + 1], first);
      let id = this.#slots[slot];
      if (id === -1) {
        id = size++;
        this.#slots[slot] = id;
        first[id] = position;
      }
      counts[id]++;
      this.ids[position] = id;
    }
    this.size = size;
    this.counts = counts.slice(0, size);
    this.first = first.slice(0, size);
  }

  /** The number of each given hash in this index, -1 where it does not occur. */
  find(hashes: BigUint64Array): Int32Array {
    const words = wordsOf(hashes);
    const found = new Int32Array(hashes.length);
    for (let position = 0; position < found.length; position++) {
      found[position] = this.#slots[this.#slotOf(words[2 * position], words[2 * position + 1], this.first)];
    }
    return found;
  }

  /** Slot that holds the hash, or the empty one where it belongs. */
  #slotOf(low: number, high: number, first: Uint32Array): number {
    const mask = this.#slots.length - 1;
    // Mixed once more: what comes in may be ids in a row, whose neighbourhood would crowd the table.
    let slot = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
    slot = (slot ^ (slot >>> 15)) & mask;
    for (;;) {
      const id = this.#slots[slot];
      if (id === -1) return slot;
      const position = first[id];
      if (this.#words[2 * position] === low && this.#words[2 * position + 1] === high) return slot;
      slot = (slot + 1) & mask;
    }
  }
}

/** The hashes as pairs of 32-bit words (no copy). */
export function wordsOf(hashes: BigUint64Array): Uint32Array {
  return new Uint32Array(hashes.buffer, hashes.byteOffset, 2 * hashes.length);
}

function tableSize(entries: number): number {
  let size = 16;
  while (size < 2 * entries) size *= 2;
  return size;
}

/**
 * Positions whose hash may occur more than once: all that do, and a few that do not. Two bit maps are asked instead of an
 * index, so that data without duplicates, the usual case, costs little.
 */
export function maybeRepeated(hashes: BigUint64Array): Uint32Array {
  const words = wordsOf(hashes);
  let size = 1 << 10;
  while (size < hashes.length * 16 && size < 2 ** 31) size *= 2;
  const once = new Uint32Array(size / 32);
  const twice = new Uint32Array(size / 32);
  for (let position = 0; position < hashes.length; position++) {
    const bit = (words[2 * position] ^ (words[2 * position + 1] >>> 7)) & (size - 1);
    const mask = 1 << (bit & 31);
    if ((once[bit >>> 5] & mask) !== 0) twice[bit >>> 5] |= mask;
    else once[bit >>> 5] |= mask;
  }
  const positions = new Uint32Array(hashes.length);
  let count = 0;
  for (let position = 0; position < hashes.length; position++) {
    const bit = (words[2 * position] ^ (words[2 * position + 1] >>> 7)) & (size - 1);
    if ((twice[bit >>> 5] & (1 << (bit & 31))) !== 0) positions[count++] = position;
  }
  return positions.slice(0, count);
}

/** The hashes of chosen positions. */
export function hashesOf(hashes: BigUint64Array, positions: Uint32Array): BigUint64Array {
  const words = wordsOf(hashes);
  const chosen = new Uint32Array(2 * positions.length);
  for (let i = 0; i < positions.length; i++) {
    chosen[2 * i] = words[2 * positions[i]];
    chosen[2 * i + 1] = words[2 * positions[i] + 1];
  }
  return new BigUint64Array(chosen.buffer);
}
