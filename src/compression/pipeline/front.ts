import { isHigherBetter } from '../../evaluation/direction.js';
import type { Figures } from './figures.js';

/** Timings differ by so much from one measurement to the next. */
const TIMING_SLACK = 0.02;

/**
 * Objectives of a model, each to be made small: quality, calibration error, worst class, p99, cold start, memory, bytes. What was
 * not measured is alike for all.
 */
function objectives(figures: Figures, higherIsBetter: boolean) {
  const { quality, ece, worstClass, p99Ms, coldStartMs, peakMemoryBytes, bytes } = figures;
  return {
    exact: [higherIsBetter ? -quality.value : quality.value, ece?.value ?? 0, -(worstClass?.value ?? 0), bytes],
    // Memory differs from one process to the next as times do.
    timed: [p99Ms, coldStartMs ?? 0, peakMemoryBytes ?? 0],
  };
}

/** Which of the models are on the Pareto front: no other is as good in everything and better in something. */
export function paretoFront(all: readonly Figures[], primary: string): boolean[] {
  const higher = isHigherBetter(primary);
  const points = all.map((figures) => objectives(figures, higher));
  return points.map((point, i) => !points.some((other, j) => i !== j && dominates(other, point)));
}

type Point = ReturnType<typeof objectives>;

function dominates(a: Point, b: Point): boolean {
  const asGood =
    a.exact.every((value, i) => value <= b.exact[i]) &&
    a.timed.every((value, i) => value <= b.timed[i] * (1 + TIMING_SLACK));
  const better =
    a.exact.some((value, i) => value < b.exact[i]) ||
    a.timed.some((value, i) => value < b.timed[i] * (1 - TIMING_SLACK));
  return asGood && better;
}

/**
 * What a model costs against the original, size and time alike: below 0 is cheaper. Time as its interval warrants: on a busy
 * machine single ratios are luck, and the luckiest would be chosen.
 */
export function costAgainst(
  { bytes, timeRatio }: Pick<Figures, 'bytes' | 'timeRatio'>,
  baseline: Pick<Figures, 'bytes'>,
): number {
  return Math.log(bytes / baseline.bytes) + Math.log(timeRatio.interval[1]);
}
