import { BallastError } from '../errors.js';
import { criticalValue, delongVariance, rocArea, wilsonInterval } from '../numeric/index.js';
import type { Figure } from './figure.js';
import { type PredictionInput, SAID_MEASURES, type SaidMeasure } from './input.js';
import { type ClassificationSample, prepareSample } from './sample.js';

/** What an uncertainty knows of errors. */
export interface UncertaintyEvaluation {
  readonly measure: UncertaintyMeasure;
  /** Probability that a wrong row is more uncertain than a right one (M10); undefined where all are right or all wrong. */
  readonly errorAuroc: Figure | undefined;
  /**
   * Area under the risk-coverage curve: the mean risk over all coverages (Geifman and El-Yaniv 2017). Risk is the error rate
   * of a classifier, the mean squared error of numbers.
   */
  readonly aurc: number;
  /** The part of it that a perfect order of the rows would not have. */
  readonly excessAurc: number;
  /** Risk among the most certain share of the rows. */
  readonly riskCoverage: readonly { readonly coverage: number; readonly risk: number }[];
  /** Of `predictiveDeviation`: the answers as normal distributions. */
  readonly normal?: {
    /** Share of targets within the central 95 % of their own distribution. */
    readonly within95: Figure;
    /** Mean of minus the logarithm of the density at the target, in nats. */
    readonly logLoss: number;
  };
  /** Probability that a row from elsewhere is more uncertain than one of these; where there are some. */
  readonly outside?: { readonly rows: number; readonly auroc: Figure };
}

export const UNCERTAINTY_MEASURES = ['entropy', 'confidence', 'margin'] as const;
export type UncertaintyMeasure = (typeof UNCERTAINTY_MEASURES)[number] | SaidMeasure | 'given';

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

/** The error of answers that say nothing of how sure they are. */
export function noUncertainty(task: PredictionInput['task']): BallastError {
  const isRegression = task === 'regression';
  return new BallastError(
    isRegression
      ? 'the model does not say how uncertain its predictions are'
      : 'there are no probabilities to tell uncertainty from',
    {
      code: 'UNCERTAINTY_NEEDS_PROBABILITIES',
      place: '--uncertainty',
      remedy: isRegression
        ? 'Train it with laplace, swag, variational, mc-dropout or ensemble'
        : 'Evaluate a classifier on an output of logits or probabilities',
    },
  );
}

/**
 * How well uncertainty tells wrong rows from right ones: each measure of the probabilities, what the model says itself, and
 * `given` ones [rows]. Of numbers it tells large errors from small ones, by what the model says alone.
 *
 * @returns nothing where there are neither probabilities nor anything said
 */
export function evaluateUncertainty(
  input: PredictionInput,
  { given, level = 0.95 }: { given?: ArrayLike<number>; level?: number } = {},
): UncertaintyEvaluation[] {
  const measures = saidOf(input);
  if (given !== undefined) measures.push(['given', Float64Array.from(given)]);
  if (input.task === 'regression') {
    const residuals = Float64Array.from(input.target, (value, row) => value - input.predictions[row]);
    const squares = residuals.map((value) => value * value);
    return measures.map(([measure, uncertainty]) => ({
      measure,
      errorAuroc: undefined,
      ...riskOverCoverage(uncertainty, squares),
      ...(measure === 'predictiveDeviation' ? { normal: asNormal(residuals, uncertainty, level) } : {}),
    }));
  }
  const sample = prepareSample(input);
  if (sample.task !== 'classification' || sample.probabilities === undefined) return [];
  const wrong = Float64Array.from(sample.target, (code, row) => (code === sample.predicted[row] ? 0 : 1));
  return [...derivedOf(sample), ...measures].map(([measure, uncertainty]) => ({
    measure,
    errorAuroc: separation(uncertainty, Uint8Array.from(wrong), level),
    ...riskOverCoverage(uncertainty, wrong),
  }));
}

type Measures = [UncertaintyMeasure, Float64Array][];

const saidOf = ({ said }: PredictionInput): Measures =>
  SAID_MEASURES.flatMap((measure): Measures => {
    const values = said?.[measure];
    return values === undefined ? [] : [[measure, Float64Array.from(values)]];
  });

const derivedOf = (sample: ClassificationSample): Measures =>
  UNCERTAINTY_MEASURES.map((measure) => [measure, uncertaintyOf(measure, sample)]);

/** The uncertainties of each row that can be had of answers, whatever was right: [rows] each. */
function uncertaintiesOf(input: PredictionInput): Measures {
  if (input.task === 'regression') return saidOf(input);
  const sample = prepareSample(input);
  const scored = sample.task === 'classification' && sample.probabilities !== undefined;
  return [...(scored ? derivedOf(sample) : []), ...saidOf(input)];
}

/**
 * The same evaluation with how well each measure tells rows from elsewhere.
 *
 * @param outside answers to them; their targets are not looked at
 */
export function withOutside(
  found: readonly UncertaintyEvaluation[],
  inside: PredictionInput,
  outside: PredictionInput,
  level = 0.95,
): UncertaintyEvaluation[] {
  const [here, there] = [inside, outside].map((input) => new Map(uncertaintiesOf(input)));
  const rows = outside.target.length;
  return found.map((evaluation) => {
    const [own, other] = [here.get(evaluation.measure), there.get(evaluation.measure)];
    const auroc = own === undefined || other === undefined ? undefined : outOfDistribution(own, other, level);
    return auroc === undefined ? evaluation : { ...evaluation, outside: { rows, auroc } };
  });
}

/** Residuals judged as draws of normal distributions of these deviations around 0. */
function asNormal(residuals: Float64Array, deviations: Float64Array, level: number) {
  const within = residuals.reduce(
    (count, residual, row) => count + Number(Math.abs(residual) <= criticalValue(0.95) * deviations[row]),
    0,
  );
  const logLoss = residuals.reduce((sum, residual, row) => {
    const deviation = deviations[row];
    return sum + (Math.log(2 * Math.PI) + (residual / deviation) ** 2) / 2 + Math.log(deviation);
  }, 0);
  const rows = residuals.length;
  return {
    within95: { value: within / rows, interval: wilsonInterval(within, rows, level), method: 'Wilson' },
    logLoss: logLoss / rows,
  };
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

function riskOverCoverage(uncertainty: Float64Array, losses: Float64Array) {
  const rows = losses.length;
  const order = Uint32Array.from(losses, (_, i) => i).sort((a, b) => uncertainty[a] - uncertainty[b] || a - b);
  const riskCoverage: { coverage: number; risk: number }[] = [];
  let [total, area] = [0, 0];
  order.forEach((row, i) => {
    total += losses[row];
    const risk = total / (i + 1);
    area += risk / rows;
    const due = Math.ceil(((riskCoverage.length + 1) * rows) / Math.min(rows, POINTS));
    if (i + 1 >= due) riskCoverage.push({ coverage: (i + 1) / rows, risk });
  });
  // The best order has the smallest losses first.
  let [best, sum] = [0, 0];
  losses
    .slice()
    .sort()
    .forEach((loss, i) => {
      sum += loss;
      best += sum / (i + 1) / rows;
    });
  return { aurc: area, excessAurc: area - best, riskCoverage };
}
