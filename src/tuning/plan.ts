import { kFold } from '../data/folds.js';
import { BallastError } from '../errors.js';
import type { PreparedData } from '../spec/prepare.js';
import type { Spec } from '../spec/schema.js';
import type { RunRole } from '../store/types.js';

/** One run of an experiment: which role, under which seed, on which rows. */
export interface PlannedRun {
  readonly role: RunRole;
  readonly seed: number;
  /** From 1, where the experiment is cross-validated. */
  readonly fold: number | undefined;
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Of an ablation: the place in the spec's list of the regularizer that is left out. */
  readonly without?: number;
}

/**
 * The runs of a spec, baseline and model paired by seed and fold: `repeats` seeds, or `folds` folds of the rows outside
 * the holdout.
 *
 * @param ablate also the model without each of its regularizers, where it has several
 */
export function planRuns(
  { training, regularizers, data: { split: shares } }: Spec,
  data: PreparedData,
  { ablate = false }: { ablate?: boolean } = {},
): PlannedRun[] {
  const { split } = data;
  if (split.validation.length === 0 && training.crossValidation === undefined) {
    throw new BallastError('there are no validation rows, so nothing could be said about generalization', {
      code: 'SPEC_NO_VALIDATION',
      place: 'data.split.validation',
      remedy:
        shares.validation > 0
          ? 'Its share of so few rows is less than one row: bring more rows, or set training.crossValidation.folds'
          : 'Set it above 0, or set training.crossValidation.folds',
    });
  }
  const parts =
    training.crossValidation === undefined
      ? [{ fold: undefined, train: split.train, validation: split.validation }]
      : kFold(data.splitInput, Uint32Array.from([...split.train, ...split.validation]).sort(), {
          strategy: data.strategy,
          folds: training.crossValidation.folds,
          seed: training.seed,
        }).map((part, index) => ({ fold: index + 1, ...part }));
  return Array.from({ length: training.repeats }, (_, repeat) => training.seed + repeat).flatMap((seed) =>
    parts.flatMap((part) => [
      ...(['baseline', 'model'] as const).map((role) => ({ role, seed, ...part })),
      ...(ablate && regularizers.length > 1
        ? regularizers.map((_, without) => ({ role: 'ablation' as const, seed, ...part, without }))
        : []),
    ]),
  );
}

/** The regularizer at a place of the spec's list, told apart from others of its type: `dropout (2)`. */
export function leftOut({ regularizers }: Pick<Spec, 'regularizers'>, index: number): string {
  const { type } = regularizers[index];
  const before = regularizers.slice(0, index).filter((other) => other.type === type).length;
  return before === 0 ? type : `${type} (${before + 1})`;
}
