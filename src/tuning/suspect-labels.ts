import { kFold } from '../data/folds.js';
import { BallastError } from '../errors.js';
import { type SuspectLabels, suspectLabels } from '../evaluation/suspect-labels.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import { problemOf, trainRun } from './train-run.js';

export interface OutOfFold {
  /** Rows of the table, all outside the holdout. */
  readonly rows: Uint32Array;
  /** Their labels, as indices of {@link classes}. */
  readonly labels: Int32Array;
  readonly classes: readonly string[];
  /** [rows, classes], each row's from a model that was trained without it. */
  readonly probabilities: Float64Array;
}

export interface OutOfFoldOptions {
  readonly runtime: Runtime;
  readonly folds: number;
  /** A line after each fold. */
  readonly tell?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Probabilities of every row outside the holdout by the spec's model, trained on the other folds. The choice of an epoch
 * (early stopping) looks at the fold itself, as it looks at the validation part elsewhere.
 *
 * @throws BallastError LABELS_NEED_CLASSES; CANCELLED
 */
export async function outOfFold(
  resolved: ResolvedSpec,
  data: PreparedData,
  { runtime, folds, tell, signal }: OutOfFoldOptions,
): Promise<OutOfFold> {
  const { spec } = resolved;
  if (spec.task !== 'classification') {
    throw new BallastError(`labels are of classes, and the task is ${spec.task}`, {
      code: 'LABELS_NEED_CLASSES',
      place: 'task',
      remedy: 'Leave --labels out',
    });
  }
  const rows = Uint32Array.from([...data.split.train, ...data.split.validation]).sort();
  // Forward chaining would leave the earliest rows without a prediction.
  const strategy = data.strategy === 'time' ? 'random' : data.strategy;
  const { seed } = spec.training;
  const parts = kFold(data.splitInput, rows, { strategy, folds, seed });
  const classes = (data.preprocessor.classes ?? []).map(String);
  const labels = new Int32Array(rows.length);
  const probabilities = new Float64Array(rows.length * classes.length);
  const positionOf = new Map(Array.from(rows, (row, position) => [row, position]));
  for (const [index, part] of parts.entries()) {
    const { problem } = await problemOf(resolved, data, { role: 'model', seed, fold: index + 1, ...part });
    const { outcome, outputs } = await trainRun(problem, {
      runtime,
      signal,
      resume: undefined,
      onEvent: () => Promise.resolve(),
    });
    if (outcome === 'cancelled') throw new BallastError('interrupted', { code: 'CANCELLED', kind: 'cancelled' });
    part.validation.forEach((row, i) => {
      const position = positionOf.get(row)!;
      labels[position] = Number(problem.data.target.data[problem.data.validation[i]]);
      softmaxInto(
        probabilities,
        position * classes.length,
        outputs.validation.subarray(i * classes.length, (i + 1) * classes.length),
      );
    });
    tell?.(`fold ${index + 1} of ${parts.length}: ${part.validation.length} rows judged by a model of the others`);
  }
  return { rows, labels, classes, probabilities };
}

/** Rows outside the holdout whose labels are probably wrong, by confident learning on out-of-fold probabilities. */
export async function findSuspectLabels(
  resolved: ResolvedSpec,
  data: PreparedData,
  options: OutOfFoldOptions,
): Promise<SuspectLabels & Pick<OutOfFold, 'classes'>> {
  const { rows, labels, classes, probabilities } = await outOfFold(resolved, data, options);
  const found = suspectLabels({ labels, probabilities, classes: classes.length });
  return { ...found, classes, suspects: found.suspects.map((suspect) => ({ ...suspect, row: rows[suspect.row] })) };
}

function softmaxInto(target: Float64Array, from: number, logits: Float32Array): void {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const shares = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = shares.reduce((a, b) => a + b, 0);
  shares.forEach((share, k) => {
    target[from + k] = share / sum;
  });
}
