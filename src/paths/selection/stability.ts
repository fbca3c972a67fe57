import { BallastError } from '../../errors.js';
import { derive, type Seed } from '../../numeric/random.js';
import { fitPath } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';
import { rowsOf } from '../rows.js';

export interface StabilityOptions {
  /** Pairs of halves of the rows. Default 50. */
  readonly pairs?: number;
  /** Share of the halves in which a column must be among the selected. Default 0.75; above 0.5. */
  readonly threshold?: number;
  /** Columns that each half selects: the first to enter its path. Default sqrt(0.8 p), at least 1. */
  readonly perHalf?: number;
  readonly seed?: Seed;
}

export interface StabilitySelection {
  /** Columns that enough halves select, most often selected first. */
  readonly selected: readonly number[];
  /** For each column the share of halves that select it. */
  readonly frequencies: Float64Array;
  readonly perHalf: number;
  readonly threshold: number;
  /** Bound on the expected number of columns selected wrongly: perHalf^2 / ((2 threshold - 1) p). */
  readonly expectedFalse: number;
}

/**
 * Stability selection (Meinshausen and Bühlmann 2010) with complementary pairs (Shah and Samworth 2013): which columns
 * enter first, whatever half of the rows is looked at.
 *
 * @throws BallastError PATH_STABILITY, and those of {@link fitPath}
 */
export async function stabilitySelection(
  data: PathData,
  options: PathOptions,
  { pairs = 50, threshold = 0.75, perHalf, seed = 1 }: StabilityOptions = {},
): Promise<StabilitySelection> {
  const { rows: n, columns: p } = data.features;
  const q = perHalf ?? Math.max(1, Math.floor(Math.sqrt(0.8 * p)));
  if (!(threshold > 0.5 && threshold <= 1)) throw refuse('the threshold is above 0.5, at most 1', threshold);
  if (!(Number.isInteger(q) && q >= 1 && q <= p)) throw refuse(`a half selects 1 to ${p} columns`, q);
  if (n < 8) throw refuse('halves of the rows have at least 4', n);
  const counts = new Float64Array(p);
  for (let pair = 0; pair < pairs; pair++) {
    const order = Uint32Array.from({ length: n }, (_, row) => row);
    derive(seed, 'stability', pair).shuffle(order);
    const half = n >> 1;
    for (const rows of [order.subarray(0, half), order.subarray(half, 2 * half)]) {
      for (const column of await firstToEnter(rowsOf(data, rows.slice().sort()), options, q)) counts[column]++;
    }
  }
  const frequencies = counts.map((count) => count / (2 * pairs));
  const selected = Array.from(frequencies.keys())
    .filter((j) => frequencies[j] >= threshold)
    .sort((a, b) => frequencies[b] - frequencies[a]);
  return { selected, frequencies, perHalf: q, threshold, expectedFalse: (q * q) / ((2 * threshold - 1) * p) };
}

/** The first so many columns of a path; of several that enter at once, those of the largest coefficients. */
async function firstToEnter(data: PathData, options: PathOptions, most: number): Promise<number[]> {
  const { points } = await fitPath(data, { ratio: 0.01, tolerance: 1e-5, count: 60, ...options });
  const entered: number[] = [];
  for (const { columns, coefficients } of points) {
    const fresh = Array.from(columns, (column, k) => ({ column, size: Math.abs(coefficients[k]) }))
      .filter(({ column }) => !entered.includes(column))
      .sort((a, b) => b.size - a.size);
    entered.push(...fresh.map(({ column }) => column));
    if (entered.length >= most) break;
  }
  return entered.slice(0, most);
}

function refuse(message: string, value: number): BallastError {
  return new BallastError(message, { code: 'PATH_STABILITY', value, remedy: 'Mend the setting' });
}
