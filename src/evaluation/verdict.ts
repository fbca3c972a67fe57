/** Did it help? A regularized model against its baseline on the same rows. */
import { moverDifference } from '../numeric/index.js';
import type { Figure } from './figure.js';
import type { IntervalOptions, PredictionInput } from './input.js';
import type { NotMeasured } from './metric.js';
import { findMetric } from './metrics/index.js';
import { comparePaired } from './paired.js';

export type Verdict = 'helped' | 'hurt' | 'no clear difference';

/** One question answered. */
export interface Judgement {
  readonly baseline: number;
  readonly model: number;
  /** model - baseline, in the unit of what is compared. */
  readonly difference: Figure;
  readonly verdict: Verdict;
}

export interface ComparisonInput extends IntervalOptions {
  /** The metric that decides. */
  readonly metric: string;
  /** Predictions on the same training rows and on the same validation (or holdout) rows. */
  readonly baseline: { readonly train?: PredictionInput; readonly validation: PredictionInput };
  readonly model: { readonly train?: PredictionInput; readonly validation: PredictionInput };
}

export interface ModelComparison {
  readonly metric: string;
  /** The metric on the validation rows. */
  readonly score: Judgement | NotMeasured;
  /** Train minus validation (quality lost); smaller is better. Absent without training predictions. */
  readonly gap?: Judgement | NotMeasured;
  /** Expected calibration error on the validation rows; classification only. */
  readonly ece?: Judgement | NotMeasured;
  /**
   * The score's verdict where it is clear. Otherwise hurt if calibration clearly is, else helped if gap or calibration
   * clearly is: less overfitting at the same quality.
   */
  readonly verdict: Verdict;
}

/** Better, worse or open: whether the interval of a difference (after - before) excludes 0, and on which side. */
export function judgeDifference(difference: Figure, direction: 'higher' | 'lower'): Verdict {
  const [low, high] = difference.interval;
  if (low > 0) return direction === 'higher' ? 'helped' : 'hurt';
  if (high < 0) return direction === 'higher' ? 'hurt' : 'helped';
  return 'no clear difference';
}

/** Compares a model with its baseline, row by row, in score, generalization gap and calibration. */
export function compareModels(input: ComparisonInput): ModelComparison {
  const { metric, baseline, model } = input;
  const { direction } = findMetric(metric).metric;
  const compare = (name: string, first: PredictionInput, second: PredictionInput) =>
    comparePaired({ ...input, metric: name, first, second });
  const judged = (name: string): Judgement | NotMeasured => {
    const paired = compare(name, model.validation, baseline.validation);
    if ('reason' in paired) return paired;
    const { first, second, difference } = paired;
    const better = findMetric(name).metric.direction;
    return { baseline: second, model: first, difference, verdict: judgeDifference(difference, better) };
  };
  const gap = (train: { model: PredictionInput; baseline: PredictionInput }): Judgement | NotMeasured => {
    const onTrain = compare(metric, train.model, train.baseline);
    if ('reason' in onTrain) return onTrain;
    const onValidation = compare(metric, model.validation, baseline.validation);
    if ('reason' in onValidation) return onValidation;
    const sign = direction === 'higher' ? 1 : -1;
    const [a, b] =
      sign === 1 ? [onTrain.difference, onValidation.difference] : [onValidation.difference, onTrain.difference];
    const difference = {
      value: a.value - b.value,
      interval: moverDifference(a, b),
      method: 'MOVER of two paired differences',
    };
    return {
      baseline: sign * (onTrain.second - onValidation.second),
      model: sign * (onTrain.first - onValidation.first),
      difference,
      verdict: judgeDifference(difference, 'lower'),
    };
  };
  const score = judged(metric);
  const parts = {
    ...(model.train && baseline.train ? { gap: gap({ model: model.train, baseline: baseline.train }) } : {}),
    ...(model.validation.task === 'classification' ? { ece: judged('ece') } : {}),
  };
  return { metric, score, ...parts, verdict: overall(score, parts.gap, parts.ece) };
}

function overall(...[score, gap, ece]: readonly (Judgement | NotMeasured | undefined)[]): Verdict {
  const verdictOf = (part: Judgement | NotMeasured | undefined): Verdict =>
    part === undefined || 'reason' in part ? 'no clear difference' : part.verdict;
  if (verdictOf(score) !== 'no clear difference') return verdictOf(score);
  if (verdictOf(ece) === 'hurt') return 'hurt';
  return verdictOf(gap) === 'helped' || verdictOf(ece) === 'helped' ? 'helped' : 'no clear difference';
}
