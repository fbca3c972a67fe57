import { type Interval, wilsonInterval } from '../numeric/index.js';
import { type Announcements, equalMass, ofClass, topLabel } from './calibration.js';
import type { ClassificationSample } from './sample.js';

/** One bin of a reliability diagram; empty bins are left out. */
export interface ReliabilityBin {
  readonly lower: number;
  readonly upper: number;
  /** Rows in it. */
  readonly count: number;
  /** Mean announced probability. */
  readonly confidence: number;
  /** Share of its rows where it came true. */
  readonly accuracy: number;
  /** Wilson's interval of that share. */
  readonly interval: Interval;
}

export interface ReliabilityOptions {
  /** `top-label` (default): confidence against being right. A class code: its probability against its frequency. */
  readonly of?: 'top-label' | number;
  /** `width` (default): equal parts of [0, 1]; `mass`: bins of equally many rows, lower and upper their extremes. */
  readonly bins?: 'width' | 'mass';
  readonly level?: number;
}

/** The bins of a reliability diagram. Needs probabilities; [] without. */
export function reliabilityBins(
  sample: ClassificationSample,
  { of = 'top-label', bins = 'width', level = 0.95 }: ReliabilityOptions = {},
): ReliabilityBin[] {
  if (sample.probabilities === undefined) return [];
  const byWidth = of === 'top-label' ? topLabel(sample) : ofClass(sample, of);
  return summarize(bins === 'width' ? byWidth : equalMass(byWidth, sample.weights), sample.weights, bins, level);
}

function summarize(
  { probability, outcome, bin, bins }: Announcements,
  weights: Float64Array | undefined,
  kind: 'width' | 'mass',
  level: number,
): ReliabilityBin[] {
  const sums = Array.from({ length: bins }, () => ({
    count: 0,
    weight: 0,
    squares: 0,
    confidence: 0,
    right: 0,
    low: 1,
    high: 0,
  }));
  for (let i = 0; i < probability.length; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    const at = sums[bin[i]];
    at.count++;
    at.weight += weight;
    at.squares += weight * weight;
    at.confidence += weight * probability[i];
    at.right += weight * outcome[i];
    at.low = Math.min(at.low, probability[i]);
    at.high = Math.max(at.high, probability[i]);
  }
  return sums.flatMap((at, b) => {
    if (at.weight === 0) return [];
    const accuracy = at.right / at.weight;
    const trials = (at.weight * at.weight) / at.squares;
    return [
      {
        lower: kind === 'width' ? b / bins : at.low,
        upper: kind === 'width' ? (b + 1) / bins : at.high,
        count: at.count,
        confidence: at.confidence / at.weight,
        accuracy,
        interval: wilsonInterval(accuracy * trials, trials, level),
      },
    ];
  });
}
