import { BallastError } from '../../errors.js';
import { derive, type Seed } from '../../numeric/random.js';
import { fitPath } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';
import { rowsOf } from '../rows.js';
import { refuseInterrupted } from './interrupted.js';

export interface StabilityOptions {
  /** Pairs of halves of the rows. Default 50. */
  readonly pairs?: number | undefined;
  /** Share of the halves in which a column must be among the selected. Default 0.75; above 0.5. */
  readonly threshold?: number | undefined;
  /** Columns that each half selects: the first to enter its path. Default sqrt(0.8 p), at least 1. */
  readonly perHalf?: number | undefined;
  /** Bound on the expected number of wrong columns, which `perHalf` then is made for. */
  readonly expectedFalse?: number | undefined;
  readonly seed?: Seed;
}

export interface StabilitySelection {
  /** Columns that enough halves select, most often selected first. */
  readonly selected: readonly number[];
  /** For each column the share of halves that select it. */
  readonly frequencies: Float64Array;
  /** The same had each half selected 1, 2, ... `perHalf` columns, of every column that any half selects. */
  readonly paths: ReadonlyMap<number, Float64Array>;
  readonly pairs: number;
  readonly perHalf: number;
  readonly threshold: number;
  /** Columns that compete: those that are penalised. */
  readonly candidates: number;
  /** Bound on the expected number of columns selected wrongly: perHalf^2 / ((2 threshold - 1) p). */
  readonly expectedFalse: number;
  /** The same, where the shares of the halves that select a wrong column are spread with a single peak. */
  readonly expectedFalseUnimodal: number;
}

/**
 * Stability selection (Meinshausen and Bühlmann 2010) with complementary pairs (Shah and Samworth 2013): which columns
 * enter first, whatever half of the rows is looked at. Columns that are not penalised, or are left out, do not compete.
 *
 * @throws BallastError PATH_STABILITY, INTERRUPTED, and those of {@link fitPath}
 */
export async function stabilitySelection(
  data: PathData,
  options: PathOptions,
  { pairs = 50, threshold = 0.75, perHalf, expectedFalse, seed = 1 }: StabilityOptions = {},
): Promise<StabilitySelection> {
  const { rows: n, columns } = data.features;
  const competes = (column: number): boolean => isPenalised(options.factors?.[column]);
  const p = Array.from({ length: columns }, (_, column) => column).filter(competes).length;
  if (!(threshold > 0.5 && threshold <= 1)) throw refuse('the threshold is above 0.5, at most 1', threshold);
  if (!(Number.isInteger(pairs) && pairs >= 1)) throw refuse('at least one pair of halves is drawn', pairs);
  const q = perHalf ?? halfFor(expectedFalse, threshold, p);
  if (!(Number.isInteger(q) && q >= 1 && q <= p)) throw refuse(`a half selects 1 to ${p} columns`, q);
  if (n < 8) throw refuse('halves of the rows have at least 4', n);
  const entered = new Map<number, Float64Array>();
  for (let pair = 0; pair < pairs; pair++) {
    const order = Uint32Array.from({ length: n }, (_, row) => row);
    derive(seed, 'stability', pair).shuffle(order);
    const half = n >> 1;
    for (const rows of [order.subarray(0, half), order.subarray(half, 2 * half)]) {
      const first = await firstToEnter(rowsOf(data, rows.slice().sort()), options, q, competes);
      for (const [place, column] of first.entries()) {
        const counts = entered.get(column) ?? new Float64Array(q);
        for (let most = place; most < q; most++) counts[most]++;
        entered.set(column, counts);
      }
    }
    options.onProgress?.(pair + 1, pairs);
  }
  const paths = new Map([...entered].map(([column, counts]) => [column, counts.map((count) => count / (2 * pairs))]));
  const frequencies = Float64Array.from({ length: columns }, (_, column) => paths.get(column)?.[q - 1] ?? 0);
  const selected = Array.from(frequencies.keys())
    .filter((j) => frequencies[j] >= threshold)
    .sort((a, b) => frequencies[b] - frequencies[a]);
  return {
    selected,
    frequencies,
    paths,
    pairs,
    perHalf: q,
    threshold,
    candidates: p,
    expectedFalse: (q * q) / ((2 * threshold - 1) * p),
    expectedFalseUnimodal: unimodalBound(q, p, threshold, pairs),
  };
}

/** Whether a penalty factor penalises its column and does not leave it out. */
export function isPenalised(factor = 1): boolean {
  return factor > 0 && Number.isFinite(factor);
}

function halfFor(expectedFalse: number | undefined, threshold: number, p: number): number {
  if (expectedFalse === undefined) return Math.max(1, Math.floor(Math.sqrt(0.8 * p)));
  const q = Math.floor(Math.sqrt(expectedFalse * (2 * threshold - 1) * p));
  if (q >= 1) return Math.min(q, p);
  throw refuse(
    `no more than ${expectedFalse} wrong columns cannot be promised of ${p} columns at a threshold of ${threshold}`,
    expectedFalse,
  );
}

/** Theorem 2 of Shah and Samworth (2013) for the columns that are selected less often than by chance. */
function unimodalBound(q: number, p: number, threshold: number, pairs: number): number {
  const grain = 1 / (2 * pairs);
  const chance = q / p;
  const least = Math.min(0.5 + chance ** 2, 0.5 + grain + 0.75 * chance ** 2);
  const plain = (q * q) / ((2 * threshold - 1) * p);
  if (chance > 1 / Math.sqrt(3) || threshold <= least) return plain;
  const factor =
    threshold <= 0.75 ? 1 / (2 * (2 * threshold - 1 - grain)) : (4 * (1 - threshold + grain)) / (1 + 2 * grain);
  return Math.min(plain, (factor * q * q) / p);
}

/** The first so many columns of a path; of several that enter at once, those of the largest coefficients. */
async function firstToEnter(
  data: PathData,
  options: PathOptions,
  most: number,
  competes: (column: number) => boolean,
): Promise<number[]> {
  const free = Array.from(options.factors ?? []).filter((factor) => factor === 0).length;
  const path = await fitPath(data, {
    ...options,
    lambdas: undefined,
    ratio: 0.01,
    tolerance: 1e-5,
    count: 60,
    mostColumns: most + free,
    onProgress: undefined,
  });
  refuseInterrupted(path);
  const entered = new Set<number>();
  for (const { columns, coefficients } of path.points) {
    Array.from(columns, (column, k) => ({ column, size: Math.abs(coefficients[k] * path.scales[column]) }))
      .filter(({ column }) => competes(column) && !entered.has(column))
      .sort((a, b) => b.size - a.size)
      .forEach(({ column }) => {
        entered.add(column);
      });
    if (entered.size >= most) break;
  }
  return [...entered].slice(0, most);
}

function refuse(message: string, value: number): BallastError {
  return new BallastError(message, { code: 'PATH_STABILITY', value, remedy: 'Mend the setting' });
}
