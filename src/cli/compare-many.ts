import type { Figure } from '../evaluation/figure.js';
import type { PredictionInput } from '../evaluation/input.js';
import { comparePaired, type PairedComparison } from '../evaluation/paired.js';
import { selectBest } from '../evaluation/selection.js';
import { metricDisplay, metricText } from '../reports/metric-display.js';
import { candidatesTable } from '../reports/terminal-candidates.js';
import { terminalOptions } from '../reports/terminal-style.js';

/** What choosing one of several models on the same rows comes to. */
export interface Choice {
  readonly metric: string;
  readonly rows: number;
  readonly candidates: readonly {
    readonly model: string;
    /** Best minus this one, paired; the intervals of all hold together at 95 %. Null of the best itself. */
    readonly difference: Figure | null;
    readonly value: number;
  }[];
  /** The winner's curse: how many were chosen from, and what the best is worth on other rows. */
  readonly selection: {
    readonly from: number;
    readonly best: string;
    readonly apparent: Figure;
    readonly corrected: Figure;
    /** Within one standard error of the best: the choice between them is luck. */
    readonly tied: readonly string[];
  };
}

/**
 * Chooses the best of models that answered the same rows, and says what that is worth; undefined where the metric has no
 * value on them.
 *
 * @throws BallastError EVALUATION_NOT_PAIRED
 */
export function chooseModel(
  models: readonly string[],
  answers: readonly PredictionInput[],
  metric: string,
): Choice | undefined {
  const level = 1 - 0.05 / (models.length - 1);
  const against = (one: number, other: number): PairedComparison | undefined => {
    const compared = comparePaired({ metric, first: answers[one], second: answers[other], level });
    return 'reason' in compared ? undefined : compared;
  };
  // Before anything is chosen: other rows are an error, whichever model has them.
  const known = models.map((_, i) => against(0, i));
  if (known.includes(undefined)) return undefined;
  const selection = selectBest({ metric, candidates: answers.map((each) => [each]) });
  if (selection === undefined) return undefined;
  const { best, apparent, corrected, tied } = selection;
  return {
    metric,
    rows: answers[0].target.length,
    candidates: models.map((model, i) => ({
      model,
      value: known[i]!.second,
      difference: i === best ? null : against(best, i)!.difference,
    })),
    selection: {
      ...{ from: models.length, best: models[best], apparent, corrected },
      tied: tied.map((i) => models[i]),
    },
  };
}

/** A choice as lines of text. */
export function choiceLines({ metric, rows, candidates, selection }: Choice): string {
  const { from, best, apparent, corrected, tied } = selection;
  const { label } = metricDisplay(metric);
  const told = ({ value, interval }: Figure): string =>
    `${metricText(metric, value)} (${interval.map((end) => metricText(metric, end)).join(' to ')})`;
  return [
    candidatesTable({ metric, rows, candidates }, terminalOptions()),
    '',
    `best of ${from}: ${best}, ${label} ${told(apparent)} on the rows that it was chosen on`,
    `on other rows ${told(corrected)}: the best of several looks better than it is`,
    ...(tied.length === 0 ? [] : [`within one standard error of it: ${tied.join(', ')}`]),
  ].join('\n');
}
