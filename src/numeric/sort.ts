/** Sorting numbers by index in linear time. */

const DIGIT_BITS = 11;
const BUCKETS = 1 << DIGIT_BITS;
const DIGITS = 6;

/**
 * The row order that sorts values ascending, ties in their original order: order[0] is the row of the smallest. Least
 * significant digit radix sort over the bits of the doubles, O(n). -0 equals 0; NaN sorts last.
 */
export function argsort(values: ArrayLike<number>): Uint32Array {
  const n = values.length;
  const bits = new Uint32Array(2 * n);
  const doubles = new Float64Array(bits.buffer);
  const histograms = new Uint32Array(DIGITS * BUCKETS);
  for (let i = 0; i < n; i++) {
    doubles[i] = values[i] + 0;
    const low = bits[2 * i];
    const high = bits[2 * i + 1];
    // Flip so that unsigned order is numeric order: all bits of negatives, the sign bit of the others.
    const negative = high >>> 31 === 1 && !Number.isNaN(doubles[i]);
    bits[2 * i] = negative ? ~low : low;
    bits[2 * i + 1] = negative ? ~high : high | 0x80000000;
    for (let digit = 0; digit < DIGITS; digit++) histograms[digit * BUCKETS + digitOf(bits, i, digit)]++;
  }
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let spare = new Uint32Array(n);
  for (let digit = 0; digit < DIGITS; digit++) {
    const histogram = histograms.subarray(digit * BUCKETS, (digit + 1) * BUCKETS);
    if (n === 0 || histogram[digitOf(bits, 0, digit)] === n) continue;
    let start = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const size = histogram[bucket];
      histogram[bucket] = start;
      start += size;
    }
    for (let i = 0; i < n; i++) {
      const row = order[i];
      spare[histogram[digitOf(bits, row, digit)]++] = row;
    }
    [order, spare] = [spare, order];
  }
  return order;
}

function digitOf(bits: Uint32Array, row: number, digit: number): number {
  const low = bits[2 * row];
  const high = bits[2 * row + 1];
  const shift = digit * DIGIT_BITS;
  if (shift + DIGIT_BITS <= 32) return (low >>> shift) & (BUCKETS - 1);
  if (shift < 32) return ((low >>> shift) | (high << (32 - shift))) & (BUCKETS - 1);
  return (high >>> (shift - 32)) & (BUCKETS - 1);
}
