import { BallastError } from '../errors.js';
import { derive } from '../numeric/random.js';
import { DIRECTIONS } from './sobol-table.js';

const BITS = 32;
/** Dimensions that the table knows. */
const MOST_DIMENSIONS = DIRECTIONS.length + 1;

/** Direction numbers of a dimension, 32 of them, as unsigned 32-bit fractions. */
function directionsOf(dimension: number): Uint32Array {
  const v = new Uint32Array(BITS);
  if (dimension === 0) return v.map((_, k) => 2 ** (BITS - 1 - k));
  const [polynomial, ...initial] = DIRECTIONS[dimension - 1];
  const degree = initial.length;
  for (let k = 0; k < BITS; k++) {
    if (k < degree) {
      v[k] = initial[k] * 2 ** (BITS - 1 - k);
      continue;
    }
    let next = v[k - degree] ^ (v[k - degree] >>> degree);
    for (let i = 1; i < degree; i++) if ((polynomial >>> (degree - i)) & 1) next ^= v[k - i];
    v[k] = next >>> 0;
  }
  return v;
}

/**
 * The n-th point of Sobol's sequence in Gray-code order (Antonov and Saleev 1979), digitally shifted by a seed: a random
 * xor of every coordinate, which keeps the evenness of the net. Without a seed it is the plain sequence, whose point 0 is
 * the origin.
 *
 * @throws BallastError SOBOL_DIMENSIONS
 */
export function sobolPoint(index: number, dimensions: number, seed?: number): Float64Array {
  if (dimensions > MOST_DIMENSIONS) {
    throw new BallastError(`Sobol's sequence is known up to ${MOST_DIMENSIONS} dimensions`, {
      code: 'SOBOL_DIMENSIONS',
      value: dimensions,
      remedy: 'Search fewer parameters, or use another sampler',
    });
  }
  const gray = index ^ (index >>> 1);
  const shift = new Uint32Array(dimensions);
  if (seed !== undefined) derive(seed, 'sobol').fillBits(shift);
  return Float64Array.from({ length: dimensions }, (_, d) => {
    const v = directionsOf(d);
    let bits = shift[d];
    for (let k = 0; k < BITS; k++) if ((gray >>> k) & 1) bits ^= v[k];
    return (bits >>> 0) / 2 ** BITS;
  });
}
