/**
 * The bootstrap (Efron 1979) over statistics written as functions of row counts: a resample is how often each row was
 * drawn. Several statistics share the same resamples, so their joint distribution (a difference, a ratio) is right.
 */
import { BallastError } from '../errors.js';
import { normalCdf, normalQuantile } from './distributions/normal.js';
import { criticalValue, type Interval } from './intervals.js';
import { quantileSorted } from './quantile.js';
import type { Random } from './random.js';

/** A statistic of a resample: counts[i] is how often row i was drawn. NaN where the resample leaves it undefined. */
export type CountStatistic = (counts: Float64Array) => number;

export interface ResampleOptions {
  readonly rows: number;
  readonly resamples: number;
  readonly random: Random;
  /** Stratum of every row; each stratum keeps its size in every resample. */
  readonly strata?: ArrayLike<number>;
}

export interface BootstrapOptions extends ResampleOptions {
  readonly statistics: readonly CountStatistic[];
}

/** Draws resamples with replacement and hands over how often each row was drawn; the array is reused. */
export function forEachResample(options: ResampleOptions, use: (counts: Float64Array, resample: number) => void): void {
  const { rows, resamples, random } = options;
  if (!(rows >= 1 && resamples >= 1)) {
    throw new BallastError('A bootstrap needs at least one row and one resample', {
      code: 'BOOTSTRAP_EMPTY',
      value: { rows, resamples },
    });
  }
  const blocks = options.strata === undefined ? [undefined] : groupRows(options.strata);
  const counts = new Float64Array(rows);
  const words = new Uint32Array(rows);
  for (let b = 0; b < resamples; b++) {
    counts.fill(0);
    random.fillBits(words);
    let next = 0;
    for (const block of blocks) {
      const size = block === undefined ? rows : block.length;
      // Scaling a 32-bit word favours some rows by at most size / 2^32: nothing beside the resampling error.
      const scale = size / 4294967296;
      for (let i = 0; i < size; i++) {
        const drawn = Math.floor(words[next++] * scale);
        counts[block === undefined ? drawn : block[drawn]]++;
      }
    }
    use(counts, b);
  }
}

/** For each statistic its values over the resamples, ascending, undefined ones left out. */
export function bootstrapDistributions(options: BootstrapOptions): Float64Array[] {
  const { statistics, resamples } = options;
  const distributions = statistics.map(() => new Float64Array(resamples));
  const sizes = new Int32Array(statistics.length);
  forEachResample(options, (counts) => {
    for (let s = 0; s < statistics.length; s++) {
      const value = statistics[s](counts);
      if (!Number.isNaN(value)) distributions[s][sizes[s]++] = value;
    }
  });
  return distributions.map((values, s) => values.subarray(0, sizes[s]).sort());
}

function groupRows(strata: ArrayLike<number>): Int32Array[] {
  const groups = new Map<number, number[]>();
  for (let i = 0; i < strata.length; i++) {
    const group = groups.get(strata[i]);
    if (group === undefined) groups.set(strata[i], [i]);
    else group.push(i);
  }
  return [...groups.values()].map((rows) => Int32Array.from(rows));
}

/** Percentile interval: the quantiles of the bootstrap distribution. */
export function percentileInterval(distribution: Float64Array, level = 0.95): Interval {
  criticalValue(level);
  return [quantileSorted(distribution, (1 - level) / 2), quantileSorted(distribution, (1 + level) / 2)];
}

/** Basic (reverse percentile) interval 2 t - quantile: corrects the bias that the resamples show. */
export function basicInterval(distribution: Float64Array, estimate: number, level = 0.95): Interval {
  const [low, high] = percentileInterval(distribution, level);
  return [2 * estimate - high, 2 * estimate - low];
}

/**
 * Bias-corrected and accelerated interval (Efron 1987): percentile limits moved for median bias (z0) and for a standard
 * error that changes with the value (`acceleration`, see {@link acceleration}). Falls back to the percentile limits
 * where the estimate lies outside its bootstrap distribution.
 */
export function bcaInterval(distribution: Float64Array, estimate: number, accelerated: number, level = 0.95): Interval {
  criticalValue(level);
  let below = 0;
  let equal = 0;
  for (const value of distribution) {
    if (value < estimate) below++;
    else if (value === estimate) equal++;
  }
  const z0 = normalQuantile((below + equal / 2) / distribution.length);
  if (!Number.isFinite(z0)) return percentileInterval(distribution, level);
  const limit = (tail: number): number => {
    const z = z0 + normalQuantile(tail);
    return quantileSorted(distribution, normalCdf(z0 + z / (1 - accelerated * z)));
  };
  return [limit((1 - level) / 2), limit((1 + level) / 2)];
}

/**
 * The acceleration sum(u^3) / (6 sum(u^2)^(3/2)) out of each row's influence on the statistic: its empirical influence
 * values, or the jackknife's mean minus the value without the row.
 */
export function acceleration(influence: ArrayLike<number>): number {
  let squares = 0;
  let cubes = 0;
  for (let i = 0; i < influence.length; i++) {
    squares += influence[i] ** 2;
    cubes += influence[i] ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}
