/** Sorting numbers by index in linear time. */

const BUCKETS = 2048;

/**
 * The row order that sorts values ascending, ties in their original order: order[0] is the row of the smallest. Least
 * significant digit radix sort over the bits of the doubles, O(n). -0 equals 0; NaN sorts last.
 */
export function argsort(values: ArrayLike<number>): Uint32Array {
  const n = values.length;
  const lows = new Uint32Array(n);
  const highs = new Uint32Array(n);
  const double = new Float64Array(1);
  const halves = new Uint32Array(double.buffer);
  for (let i = 0; i < n; i++) {
    const value = values[i] + 0;
    double[0] = value;
    // Flip so that unsigned order is numeric order: all bits of negatives, the sign bit of the others.
    const flip = value < 0 ? 0xffffffff : 0;
    lows[i] = halves[0] ^ flip;
    highs[i] = value < 0 ? ~halves[1] : Number.isNaN(value) ? 0xffffffff : halves[1] | 0x80000000;
  }
  let order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  let spare = new Uint32Array(n);
  const digits = new Uint16Array(n);
  for (let digit = 0; digit < 6; digit++) {
    readDigits(digits, lows, highs, digit);
    const starts = new Uint32Array(BUCKETS);
    for (let i = 0; i < n; i++) starts[digits[i]]++;
    if (n === 0 || starts[digits[0]] === n) continue;
    let start = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const size = starts[bucket];
      starts[bucket] = start;
      start += size;
    }
    for (let i = 0; i < n; i++) {
      const row = order[i];
      spare[starts[digits[row]]++] = row;
    }
    [order, spare] = [spare, order];
  }
  return order;
}

/** Writes one of the six 11-bit digits of each double out of its two halves; digit 0 is the lowest. */
function readDigits(digits: Uint16Array, lows: Uint32Array, highs: Uint32Array, digit: number): void {
  const n = digits.length;
  if (digit < 2) {
    for (let i = 0; i < n; i++) digits[i] = (lows[i] >>> (11 * digit)) & 2047;
  } else if (digit === 2) {
    for (let i = 0; i < n; i++) digits[i] = ((lows[i] >>> 22) | (highs[i] << 10)) & 2047;
  } else {
    for (let i = 0; i < n; i++) digits[i] = (highs[i] >>> (11 * digit - 32)) & 2047;
  }
}
