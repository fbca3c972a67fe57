/**
 * Intervals of calibration errors. The norm T of noisy bin errors exceeds the norm of the true ones, most where the model
 * is well calibrated; the plain bootstrap adds the noise a second time and misses the truth. Here tests are inverted: a
 * world in which the true errors are s times the observed ones e has norm s T, and shows norm(s e + noise) with the
 * noise of the bootstrap. The interval holds s T of every world in which what was observed is neither too large nor too
 * small to be seen.
 */
import { derive, forEachResample, type Interval, type Random } from '../numeric/index.js';
import type { BinErrors } from './metric.js';

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
  const { errors, norm } = bins;
  const width = errors.length;
  const noise = bootstrapNoise(bins, options);
  const resamples = noise.length / width;
  const observed = norm(errors);
  const noisy = new Float64Array(width);
  const normsAt = (scale: number): Float64Array => {
    const norms = new Float64Array(resamples);
    for (let b = 0; b < resamples; b++) {
      for (let j = 0; j < width; j++) noisy[j] = scale * errors[j] + noise[b * width + j];
      norms[b] = norm(noisy);
    }
    return norms;
  };
  const tail = (1 - options.level) / 2;
  /** Share of resamples of the world `scale` with at least what was observed: grows with the scale. */
  const shareAbove = (scale: number): number =>
    normsAt(scale).reduce((count, value) => count + Number(value >= observed), 0) / resamples;
  const low = crossing((scale) => shareAbove(scale) >= tail, 1);
  const high = crossing((scale) => shareAbove(scale) >= 1 - tail, 8);
  return { interval: [low * observed, high * observed], norms: normsAt(1) };
}

/** The smallest scale in [0, limit] at which a condition holds that holds from some scale on. */
function crossing(holds: (scale: number) => boolean, limit: number): number {
  if (holds(0)) return 0;
  let low = 0;
  let high = limit;
  for (let step = 0; step < 12; step++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
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
