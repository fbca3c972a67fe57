import type { Figure } from '../evaluation/figure.js';
import type { IntervalOptions } from '../evaluation/input.js';
import { findMetric } from '../evaluation/metrics/index.js';
import { pairedOverSeeds } from '../evaluation/paired.js';
import { compareModels, judgeDifference, type ModelComparison, type Verdict } from '../evaluation/verdict.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { ExperimentResult } from './experiment.js';
import { predictionsOf } from './judge.js';
import { leftOut, planRuns } from './plan.js';
import type { RunResult } from './run-result.js';

/** What one regularizer of a spec is worth: the model against the model without it, on the same validation rows. */
export interface Worth {
  /** Its type; with a number where the spec has several of one type. */
  readonly regularizer: string;
  /** The primary metric. */
  readonly score: WorthFigure | undefined;
  /** Quality lost from train to validation. */
  readonly gap: WorthFigure | undefined;
  /** Expected calibration error; classification only. */
  readonly ece: WorthFigure | undefined;
}

/** With the regularizer minus without it. */
export interface WorthFigure {
  readonly metric: string;
  readonly difference: Figure;
  readonly verdict: Verdict;
}

/**
 * The model against another run of its seed and fold, paired row by row.
 *
 * @param without the run that stands for "before": the baseline, or the model without one regularizer
 */
export function compareRuns(
  resolved: ResolvedSpec,
  { data, primary }: Pick<ExperimentResult, 'data' | 'primary'>,
  { model, without, interval = {} }: { model: RunResult; without: RunResult; interval?: IntervalOptions },
): ModelComparison | undefined {
  const plan = planRuns(resolved.spec, data).find(({ seed, fold }) => seed === model.seed && fold === model.fold);
  if (plan === undefined) return undefined;
  const rows = Uint32Array.from([...plan.train, ...plan.validation]);
  const examples = data.preprocessor.transform(data.table, rows);
  const positions = Int32Array.from(rows, (_, i) => i);
  const of = (part: 'train' | 'validation', run: RunResult) => {
    const own = part === 'train' ? positions.subarray(0, plan.train.length) : positions.subarray(plan.train.length);
    return predictionsOf(resolved.spec, data, examples, own, run.outputs[part]);
  };
  const predictions = (run: RunResult) => ({ train: of('train', run), validation: of('validation', run) });
  return compareModels({
    metric: primary,
    baseline: predictions(without),
    model: predictions(model),
    seed: plan.seed,
    ...interval,
  });
}

/**
 * What each regularizer is worth, from the runs of an ablation. With several seeds or folds the interval is Student's over
 * their paired differences, else that of the validation rows. All intervals are 95 % each: of many regularizers some
 * seem to help by luck.
 */
export function worthOf(resolved: ResolvedSpec, result: ExperimentResult): Worth[] {
  const { spec } = resolved;
  const { runs, primary } = result;
  const alone = spec.regularizers.length === 1;
  return spec.regularizers.map((_, index) => {
    const pairs = runs.flatMap((model) => {
      if (model.role !== 'model') return [];
      const without = runs.find(
        ({ role, seed, fold, without: missing }) =>
          seed === model.seed &&
          fold === model.fold &&
          // Without its only regularizer a model is the baseline.
          (alone ? role === 'baseline' : role === 'ablation' && missing === index),
      );
      return without === undefined ? [] : [{ model, without }];
    });
    const overSeeds = (metric: string, better: 'higher' | 'lower', of: (run: RunResult) => number | undefined) => {
      const values = pairs.flatMap(({ model, without }) => {
        const [a, b] = [of(model), of(without)];
        return a === undefined || b === undefined ? [] : [{ a, b }];
      });
      const difference = pairedOverSeeds(
        values.map(({ a }) => a),
        values.map(({ b }) => b),
      );
      return difference && { metric, difference, verdict: judgeDifference(difference, better) };
    };
    const regularizer = leftOut(spec, index);
    if (pairs.length > 1) {
      return {
        regularizer,
        score: overSeeds(
          primary,
          findMetric(primary).metric.direction,
          (run) => run.validation.metrics[primary]?.value,
        ),
        gap: overSeeds('gap', 'lower', ({ gap }) => gap.value),
        ece: overSeeds('ece', 'lower', (run) => run.validation.metrics.ece?.value),
      };
    }
    const [pair] = pairs;
    const comparison = pair && compareRuns(resolved, result, pair);
    const figure = (metric: string, part: ModelComparison['score'] | undefined): WorthFigure | undefined =>
      part === undefined || 'reason' in part
        ? undefined
        : { metric, difference: part.difference, verdict: part.verdict };
    return {
      regularizer,
      score: figure(primary, comparison?.score),
      gap: figure('gap', comparison?.gap),
      ece: figure('ece', comparison?.ece),
    };
  });
}
