import type { Counts, Measured } from './metric.js';
import type { ClassificationSample } from './sample.js';

/** The margins of a confusion matrix, weighted: all that its usual metrics depend on. Arrays are [classes]. */
export interface Margins {
  readonly correct: Float64Array;
  readonly predicted: Float64Array;
  readonly actual: Float64Array;
  readonly total: number;
}

/** A metric's derivatives by the margins. */
export interface MarginGradient {
  readonly correct: Float64Array;
  readonly predicted: Float64Array;
  readonly actual: Float64Array;
  readonly total: number;
}

function marginsOf(sample: ClassificationSample, counts?: Float64Array): Margins {
  const { rows, target, predicted, weights } = sample;
  const count = sample.classes.length;
  const margins = {
    correct: new Float64Array(count),
    predicted: new Float64Array(count),
    actual: new Float64Array(count),
    total: 0,
  };
  for (let i = 0; i < rows; i++) {
    const weight = (weights === undefined ? 1 : weights[i]) * (counts === undefined ? 1 : counts[i]);
    if (weight === 0) continue;
    margins.total += weight;
    margins.actual[target[i]] += weight;
    margins.predicted[predicted[i]] += weight;
    if (target[i] === predicted[i]) margins.correct[target[i]] += weight;
  }
  return margins;
}

const functions = new WeakMap<ClassificationSample, (counts: Counts) => Margins>();

/** The margins of resamples; the same function whenever it is asked for, so that metrics can share its results. */
function marginsFunction(sample: ClassificationSample): (counts: Counts) => Margins {
  const known = functions.get(sample);
  if (known !== undefined) return known;
  const created = (counts: Counts): Margins => marginsOf(sample, counts);
  functions.set(sample, created);
  return created;
}

/** A smooth function of the margins as a measured metric; `value` gives NaN where it is undefined. */
export function marginMetric(
  sample: ClassificationSample,
  value: (margins: Margins) => number,
  gradient: (margins: Margins) => MarginGradient,
): Measured {
  const margins = marginsOf(sample);
  return {
    value: value(margins),
    support: sample.rows,
    margins: { of: marginsFunction(sample), value },
    influence: () => {
      const slope = gradient(margins);
      const { target, predicted, weights } = sample;
      return Float64Array.from({ length: sample.rows }, (_, i) => {
        const hit = target[i] === predicted[i] ? slope.correct[target[i]] : 0;
        const weight = weights === undefined ? 1 : weights[i];
        return weight * (hit + slope.predicted[predicted[i]] + slope.actual[target[i]] + slope.total);
      });
    },
  };
}

/** A rate of one class out of its four margins, with its derivatives. NaN where it is undefined. */
export interface ClassRate {
  readonly value: (correct: number, predicted: number, actual: number, total: number) => number;
  /** Derivatives by correct, predicted, actual, total at that value. */
  readonly gradient: (
    value: number,
    correct: number,
    predicted: number,
    actual: number,
    total: number,
  ) => readonly [number, number, number, number];
}

/** The rate of one class, as a function of the margins. */
export function classRateMetric(sample: ClassificationSample, rate: ClassRate, k: number): Measured {
  return averagedRateMetric(sample, rate, () => [k]);
}

/**
 * The plain mean of a class's rate over the classes that occur, in targets or predictions; a rate that is 0 / 0 there
 * counts as 0 (scikit-learn's macro average).
 */
export function macroRateMetric(sample: ClassificationSample, rate: ClassRate): Measured {
  const zeroed: ClassRate = {
    value: (...margins) => rate.value(...margins) || 0,
    gradient: (value, ...margins) =>
      Number.isNaN(rate.value(...margins)) ? [0, 0, 0, 0] : rate.gradient(value, ...margins),
  };
  return averagedRateMetric(sample, zeroed, occurring);
}

/** The plain mean of a class's rate over the classes that occur among the targets. */
export function meanOverActualClasses(sample: ClassificationSample, rate: ClassRate): Measured {
  return averagedRateMetric(sample, rate, ({ actual }) => indices(actual, (k) => actual[k] > 0));
}

function occurring({ actual, predicted }: Margins): number[] {
  return indices(actual, (k) => actual[k] > 0 || predicted[k] > 0);
}

function indices(values: Float64Array, keep: (index: number) => boolean): number[] {
  const kept: number[] = [];
  for (let k = 0; k < values.length; k++) if (keep(k)) kept.push(k);
  return kept;
}

function averagedRateMetric(
  sample: ClassificationSample,
  rate: ClassRate,
  over: (margins: Margins) => readonly number[],
): Measured {
  const rateOf = (m: Margins, k: number): number => rate.value(m.correct[k], m.predicted[k], m.actual[k], m.total);
  return marginMetric(
    sample,
    (margins) => {
      const classes = over(margins);
      let total = 0;
      for (const k of classes) total += rateOf(margins, k);
      return total / classes.length;
    },
    (margins) => {
      const classes = over(margins);
      const count = sample.classes.length;
      const slope = {
        correct: new Float64Array(count),
        predicted: new Float64Array(count),
        actual: new Float64Array(count),
        total: 0,
      };
      for (const k of classes) {
        const m = [margins.correct[k], margins.predicted[k], margins.actual[k], margins.total] as const;
        const [correct, predicted, actual, total] = rate.gradient(rateOf(margins, k), ...m);
        slope.correct[k] = correct / classes.length;
        slope.predicted[k] = predicted / classes.length;
        slope.actual[k] = actual / classes.length;
        slope.total += total / classes.length;
      }
      return slope;
    },
  );
}

/** The confusion matrix: counts[i][j] rows (or weights) of class i predicted as class j. */
export interface ConfusionMatrix {
  readonly classes: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

export function confusionMatrix({ classes, rows, target, predicted, weights }: ClassificationSample): ConfusionMatrix {
  const counts = classes.map(() => new Array<number>(classes.length).fill(0));
  for (let i = 0; i < rows; i++) counts[target[i]][predicted[i]] += weights === undefined ? 1 : weights[i];
  return { classes, counts };
}
