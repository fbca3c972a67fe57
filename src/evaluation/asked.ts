/** What a user asks of an evaluation beside its standard metrics. */

import type { PredictionInput } from './input.js';
import { invalid } from './invalid.js';
import { ofTask } from './measure.js';
import type { Task } from './metric.js';
import { findMetric } from './metrics/index.js';

export interface Asked {
  /** Metrics beside the standard ones: `precision@100`. */
  readonly metrics: readonly string[];
  /** The class that counts as positive, and as favourable where groups are compared. */
  readonly positive?: string | undefined;
  /** Cost of predicting class j when it is class i, in the order of the classes. */
  readonly cost?: readonly (readonly number[])[] | undefined;
}

/**
 * Whether what is asked can be had, before anything is scored.
 *
 * @throws BallastError METRIC_UNKNOWN, METRIC_PARAMETER, METRIC_TASK, EVALUATION_POSITIVE, EVALUATION_COST
 */
export function requireAsked({ metrics, positive, cost }: Asked, task: Task, classes: readonly string[]): void {
  for (const name of metrics) ofTask(findMetric(name), task);
  if (task === 'regression' && (positive !== undefined || cost !== undefined)) {
    const [place, what] = positive === undefined ? ['--cost', 'costs are'] : ['--positive', 'a positive class is'];
    throw invalid(
      `${what} of classification, and this is a regression`,
      'METRIC_TASK',
      undefined,
      place,
      'Leave it out',
    );
  }
  if (positive !== undefined && !classes.includes(positive)) {
    const known = classes.slice(0, 20).join(', ');
    throw invalid(
      'The positive class is not one of the classes',
      'EVALUATION_POSITIVE',
      positive,
      '--positive',
      `Classes are ${known}`,
    );
  }
  if (cost !== undefined && (cost.length !== classes.length || cost.some((row) => row.length !== classes.length))) {
    throw invalid(
      `The cost matrix needs ${classes.length} rows of ${classes.length} numbers, a row a true class in the order ${classes.slice(0, 20).join(', ')}`,
      'EVALUATION_COST',
      undefined,
      '--cost',
    );
  }
}

/** The predictions with what was asked of them. */
export function withAsked(predictions: PredictionInput, { positive, cost }: Asked): PredictionInput {
  if (predictions.task === 'regression') return predictions;
  return { ...predictions, ...(positive === undefined ? {} : { positive }), ...(cost === undefined ? {} : { cost }) };
}
