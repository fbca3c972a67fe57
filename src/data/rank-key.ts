import { deriveSeed, type Seed } from '../numeric/random.js';
import { wordsOf } from './hash-index.js';

/**
 * A pseudo-random key in [0, 2^53) per hash: a function of seed and hash only, so that ranking rows by it depends
 * neither on the order of the rows nor on which other rows there are. Two multiply-xorshift chains in the manner of
 * MurmurHash3's finalizer (Appleby, 2011), 32 bits from one and 21 from the other.
 */
export function rankKeys(hashes: BigUint64Array, seed: Seed, purpose: string): Float64Array {
  const words = wordsOf(hashes);
  const first = deriveSeed(seed, purpose, 'first');
  const second = deriveSeed(seed, purpose, 'second');
  const keys = new Float64Array(hashes.length);
  for (let i = 0; i < keys.length; i++) {
    const low = words[2 * i];
    const high = words[2 * i + 1];
    keys[i] = (mix(low, high, first) >>> 0) * 0x200000 + (mix(high, low, second) >>> 11);
  }
  return keys;
}

function mix(a: number, b: number, seed: number): number {
  let h = Math.imul(a ^ seed, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ b, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16) ^ seed, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return h ^ (h >>> 16);
}
