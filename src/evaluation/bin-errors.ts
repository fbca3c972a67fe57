/** Intervals of calibration errors out of bootstrapped bins. */
import { derive, forEachResample, type Interval, type Random } from '../numeric/index.js';
import type { BinErrors } from './metric.js';
import { normInterval } from './norm-interval.js';

/** Enough groups and resamples that more of them would not move an interval by a tenth of its width. */
const GROUPS = 300;
const RESAMPLES = 500;
/** Bounds on groups times bins and on resamples times bins: with many classes there are fewer of both. */
const MAX_GROUP_CELLS = 30_000;
const MAX_RESAMPLE_CELLS = 75_000;

export interface BinResampling {
  readonly rows: number;
  /** More rows than this are resampled in random groups. */
  readonly maxRows: number;
  readonly resamples: number;
  readonly seed: number;
  readonly level: number;
}

/** The interval, and the norm of every resample; equal options resample equally, so that two models may be correlated. */
export function binErrorInterval(bins: BinErrors, options: BinResampling): { interval: Interval; norms: Float64Array } {
  return normInterval({ ...bins, noise: bootstrapNoise(bins, options) }, options.level);
}

/** Bin errors of resamples minus those of the sample, [resamples, bins]. */
function bootstrapNoise({ errors, resample, grouped }: BinErrors, options: BinResampling): Float64Array {
  const { rows, maxRows, seed } = options;
  const width = errors.length;
  const resamples = Math.min(options.resamples, RESAMPLES, Math.max(200, Math.floor(MAX_RESAMPLE_CELLS / width)));
  const random = derive(seed, 'bin errors', rows);
  const many = rows > maxRows;
  const groups = Math.min(GROUPS, Math.max(100, Math.floor(MAX_GROUP_CELLS / width)));
  const draw = many ? grouped(randomGroups(rows, groups, random), groups) : resample;
  const noise = new Float64Array(resamples * width);
  forEachResample({ rows: many ? groups : rows, resamples, random }, (counts, b) => {
    const drawn = noise.subarray(b * width, (b + 1) * width);
    draw(counts, drawn);
    for (let j = 0; j < width; j++) drawn[j] -= errors[j];
  });
  return noise;
}

/** Puts rows into groups of equal size (to one row) at random: a bootstrap over groups then stands for one over rows. */
function randomGroups(rows: number, groups: number, random: Random): Int32Array {
  const groupOfRow = new Int32Array(rows);
  for (let i = 0; i < rows; i++) groupOfRow[i] = i % groups;
  return random.shuffle(groupOfRow);
}
