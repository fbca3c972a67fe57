import { criticalValue, delongVariance, rocArea } from '../numeric/index.js';
import type { Figure } from './figure.js';
import type { ClassificationInput } from './input.js';
import { type ClassificationSample, prepareSample } from './sample.js';

/** What an uncertainty knows of errors. */
export interface UncertaintyEvaluation {
  readonly measure: UncertaintyMeasure;
  /** Probability that a wrong row is more uncertain than a right one (M10); undefined where all are right or all wrong. */
  readonly errorAuroc: Figure | undefined;
  /** Area under the risk-coverage curve: the mean error rate over all coverages (Geifman and El-Yaniv 2017). */
  readonly aurc: number;
  /** The part of it that a perfect order of the rows would not have. */
  readonly excessAurc: number;
  /** Error rate among the most certain share of the rows. */
  readonly riskCoverage: readonly { readonly coverage: number; readonly risk: number }[];
}

export const UNCERTAINTY_MEASURES = ['entropy', 'confidence', 'margin'] as const;
export type UncertaintyMeasure = (typeof UNCERTAINTY_MEASURES)[number] | 'given';

/** The uncertainty of each row: entropy in nats, 1 - largest probability, or 1 - (largest - second). */
export function uncertaintyOf(
  measure: (typeof UNCERTAINTY_MEASURES)[number],
  { probabilities, rows, classes }: Pick<ClassificationSample, 'probabilities' | 'rows' | 'classes'>,
): Float64Array {
  const count = classes.length;
  return Float64Array.from({ length: rows }, (_, row) => {
    const p = probabilities!.subarray(row * count, (row + 1) * count);
    if (measure === 'entropy') return p.reduce((sum, value) => (value > 0 ? sum - value * Math.log(value) : sum), 0);
    let [first, second] = [0, 0];
    for (const value of p) {
      if (value > first) [first, second] = [value, first];
      else if (value > second) second = value;
    }
    return measure === 'confidence' ? 1 - first : 1 - (first - second);
  });
}

/**
 * How well uncertainty tells wrong rows from right ones. Each measure of the probabilities, and `given` ones [rows] (mutual
 * information of an ensemble, say).
 *
 * @returns nothing where there are no probabilities
 */
export function evaluateUncertainty(
  input: ClassificationInput,
  { given, level = 0.95 }: { given?: ArrayLike<number>; level?: number } = {},
): UncertaintyEvaluation[] {
  const sample = prepareSample(input);
  if (sample.task !== 'classification' || sample.probabilities === undefined) return [];
  const wrong = Uint8Array.from(sample.target, (code, row) => (code === sample.predicted[row] ? 0 : 1));
  const measures: [UncertaintyMeasure, Float64Array][] = UNCERTAINTY_MEASURES.map((measure) => [
    measure,
    uncertaintyOf(measure, sample),
  ]);
  if (given !== undefined) measures.push(['given', Float64Array.from(given)]);
  return measures.map(([measure, uncertainty]) => ({
    measure,
    errorAuroc: separation(uncertainty, wrong, level),
    ...riskOverCoverage(uncertainty, wrong),
  }));
}

/** How well uncertainty tells rows from elsewhere from rows like those of training: the AUROC of the two. */
export function outOfDistribution(
  inside: ArrayLike<number>,
  outside: ArrayLike<number>,
  level = 0.95,
): Figure | undefined {
  const scores = Float64Array.from([...Array.from(inside), ...Array.from(outside)]);
  const labels = Uint8Array.from(scores, (_, i) => (i < inside.length ? 0 : 1));
  return separation(scores, labels, level);
}

/** AUROC with DeLong's interval on the logit scale. */
function separation(scores: Float64Array, labels: Uint8Array, level: number): Figure | undefined {
  const { area, influence, positives, negatives } = rocArea(scores, labels);
  if (positives === 0 || negatives === 0) return undefined;
  const method = 'DeLong on the logit scale';
  if (area <= 0 || area >= 1) return { value: area, interval: [area, area], method };
  const logit = Math.log(area / (1 - area));
  const half = (criticalValue(level) * Math.sqrt(delongVariance(influence, labels))) / (area * (1 - area));
  const back = (z: number): number => 1 / (1 + Math.exp(-z));
  return { value: area, interval: [back(logit - half), back(logit + half)], method };
}

const POINTS = 100;

function riskOverCoverage(uncertainty: Float64Array, wrong: Uint8Array) {
  const rows = wrong.length;
  const order = Uint32Array.from(wrong, (_, i) => i).sort((a, b) => uncertainty[a] - uncertainty[b] || a - b);
  const riskCoverage: { coverage: number; risk: number }[] = [];
  let [errors, area] = [0, 0];
  order.forEach((row, i) => {
    errors += wrong[row];
    const risk = errors / (i + 1);
    area += risk / rows;
    const due = Math.ceil(((riskCoverage.length + 1) * rows) / Math.min(rows, POINTS));
    if (i + 1 >= due) riskCoverage.push({ coverage: (i + 1) / rows, risk });
  });
  // The best order has all right rows first.
  let best = 0;
  for (let i = 0; i < rows; i++) best += Math.max(0, i + 1 - (rows - errors)) / (i + 1) / rows;
  return { aurc: area, excessAurc: area - best, riskCoverage };
}
