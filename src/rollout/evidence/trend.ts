import { chanceOf } from './evidence.js';

/** Levels of one process, one a block of answers. */
export interface Course {
  /** Names its chances, so that the same levels give the same evidence in another process. */
  readonly name: string;
  /** Where each level stands, ascending, in any unit. */
  readonly at: readonly number[];
  readonly levels: readonly number[];
}

/** Powers of the bets, with equal stakes. */
const POWERS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/**
 * log of the evidence that levels rise faster than a slope: what a gambler holds who bets that each level, less the slope, is among
 * the highest so far. Where they rise by the slope at most, but for a scatter of which any order is equally likely, the rank of each is
 * uniform and independent of those before, and the evidence reaches 1 / alpha with probability alpha at most, whenever one looks (a
 * conformal test martingale with power bets: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, section 7.1).
 *
 * @param slope level per unit of `at`
 * @param sign -1 for falling faster
 */
export function logRising({ name, at, levels }: Course, slope: number, sign: 1 | -1 = 1): number {
  const sorted: number[] = [];
  const logs = new Float64Array(POWERS.length);
  for (const [i, level] of levels.entries()) {
    const value = sign * (level - slope * at[i]);
    const below = firstFrom(sorted, (each) => each >= value);
    const upTo = firstFrom(sorted, (each) => each > value);
    const rank = (sorted.length - upTo + chanceOf(`${name} ${i}`) * (upTo - below + 1)) / (sorted.length + 1);
    sorted.splice(below, 0, value);
    // The first has none to be compared with.
    if (i === 0) continue;
    const log = Math.log(Math.max(rank, Number.EPSILON));
    for (const [j, power] of POWERS.entries()) logs[j] += Math.log(power) + (power - 1) * log;
  }
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, each) => sum + Math.exp(each - most), 0) / logs.length);
}

/**
 * Slopes that are not refuted, by inverting {@link logRising} to both sides: it holds the true one at every number of levels at once
 * with probability 1 - 2 error.
 *
 * @param bounds of the slope, within which it is sought
 */
export function slopeInterval(
  courses: readonly Course[],
  error: number,
  [least, most]: readonly [number, number],
): [number, number] {
  const threshold = Math.log(1 / error);
  const refuted = (slope: number, sign: 1 | -1): boolean =>
    courses.reduce((sum, course) => sum + logRising(course, slope, sign), 0) >= threshold;
  const edge = (sign: 1 | -1): number => {
    let [out, inside] = sign === 1 ? [least, most] : [most, least];
    if (!refuted(out, sign)) return out;
    for (let i = 0; i < BISECTIONS; i++) {
      const middle = (out + inside) / 2;
      if (refuted(middle, sign)) out = middle;
      else inside = middle;
    }
    return out;
  };
  return [edge(1), edge(-1)];
}

const BISECTIONS = 16;

/** The median of the slopes of all pairs (Theil and Sen); of many levels, of some evenly chosen. NaN below two. */
export function medianSlope({ at, levels }: Course): number {
  const step = Math.max(1, Math.ceil(levels.length / MOST_OF_PAIRS));
  const slopes: number[] = [];
  for (let i = 0; i < levels.length; i += step) {
    for (let j = i + step; j < levels.length; j += step) slopes.push((levels[j] - levels[i]) / (at[j] - at[i]));
  }
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  return slopes.length % 2 === 1 ? slopes[middle] : (slopes[middle - 1] + slopes[middle]) / 2;
}

const MOST_OF_PAIRS = 64;

function firstFrom(sorted: readonly number[], holds: (value: number) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
