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

/** The interval of each metric of one sample, and its norm in every resample. Equal options resample equally. */
export function binErrorIntervals(
  metrics: readonly BinErrors[],
  options: BinResampling,
): { interval: Interval; norms: Float64Array }[] {
  const noises =
    options.rows > options.maxRows ? metrics.map((bins) => groupNoise(bins, options)) : rowNoise(metrics, options);
  return metrics.map((bins, m) => normInterval({ ...bins, noise: noises[m] }, options.level));
}

/** Bin errors of resamples minus those of the sample, [resamples, bins], all metrics on the same resamples of rows. */
function rowNoise(metrics: readonly BinErrors[], options: BinResampling): Float64Array[] {
  const resamples = metrics.map(({ errors }) => resamplesFor(errors.length, options));
  const noises = metrics.map(({ errors }, m) => new Float64Array(resamples[m] * errors.length));
  const random = derive(options.seed, 'bin errors', options.rows);
  forEachResample({ rows: options.rows, resamples: Math.max(0, ...resamples), random }, (counts, b) => {
    metrics.forEach((bins, m) => {
      if (b < resamples[m]) writeNoise(noises[m], b, bins.errors, counts, bins.resample);
    });
  });
  return noises;
}

/** The same from resamples of random groups of rows. */
function groupNoise({ errors, grouped }: BinErrors, options: BinResampling): Float64Array {
  const resamples = resamplesFor(errors.length, options);
  const random = derive(options.seed, 'bin errors', options.rows);
  const groups = Math.min(GROUPS, Math.max(100, Math.floor(MAX_GROUP_CELLS / errors.length)));
  const draw = grouped(randomGroups(options.rows, groups, random), groups);
  const noise = new Float64Array(resamples * errors.length);
  forEachResample({ rows: groups, resamples, random }, (counts, b) => writeNoise(noise, b, errors, counts, draw));
  return noise;
}

function resamplesFor(width: number, options: BinResampling): number {
  return Math.min(options.resamples, RESAMPLES, Math.max(200, Math.floor(MAX_RESAMPLE_CELLS / width)));
}

function writeNoise(
  noise: Float64Array,
  resample: number,
  errors: Float64Array,
  counts: Float64Array,
  draw: (counts: Float64Array, errors: Float64Array) => void,
): void {
  const width = errors.length;
  const drawn = noise.subarray(resample * width, (resample + 1) * width);
  draw(counts, drawn);
  for (let j = 0; j < width; j++) drawn[j] -= errors[j];
}

/** Puts rows into groups of equal size (to one row) at random: a bootstrap over groups then stands for one over rows. */
function randomGroups(rows: number, groups: number, random: Random): Int32Array {
  const groupOfRow = new Int32Array(rows);
  for (let i = 0; i < rows; i++) groupOfRow[i] = i % groups;
  return random.shuffle(groupOfRow);
}
