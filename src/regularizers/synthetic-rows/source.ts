import { int64 } from '../../graph/tensor.js';
import type { Finding } from '../finding.js';
import type { AddedExamples, PreparationContext } from '../regularizer.js';
import { type Layout, type Matrix, type RealRows, realRows } from './real-rows.js';

/** All that synthetic rows are made from: plain values, so that a thread can be given them. */
export interface Source {
  readonly real: Matrix & { readonly layout: Layout };
  /** Empty for regression, as are `members` and `counts`. */
  readonly classes: readonly string[];
  /** Positions (in the matrix of real rows) of each class, by class index. */
  readonly members: readonly Int32Array[];
  /** How many rows of each class are trained on already: real ones and those of earlier regularizers. */
  readonly counts: readonly number[];
  /** Targets of the real rows; regression. */
  readonly values: Float32Array | undefined;
  /** Rows trained on already. */
  readonly trained: number;
  readonly strength: number;
  readonly seed: number;
}

/** Rows as they were made. */
export interface Synthetic {
  readonly made: Matrix;
  /** Class of each made row; empty for regression. */
  readonly labels: readonly number[];
  /** Target of each made row; regression. */
  readonly values?: Float32Array;
  readonly findings: readonly Finding[];
}

export function sourceOf(context: PreparationContext): { source: Source; real: RealRows } {
  const { task, train, added, target, classes, strength, seed } = context;
  const real = realRows(context);
  const { rows, width, data, layout } = real;
  const regression = task === 'regression';
  const members: number[][] = regression ? [] : classes.map(() => []);
  const counts = members.map(() => 0);
  if (!regression) {
    train.forEach((row, at) => {
      members[Number(target.data[row])].push(at);
    });
    for (const some of [train, added]) for (const row of some) counts[Number(target.data[row])]++;
  }
  const source: Source = {
    real: { rows, width, data, layout },
    classes: regression ? [] : classes,
    members: members.map((list) => Int32Array.from(list)),
    counts,
    values: regression ? Float32Array.from(train, (row) => Number(target.data[row])) : undefined,
    trained: train.length + added.length,
    strength,
    seed,
  };
  return { source, real };
}

/** Made rows as rows to train on. */
export function asExamples(real: RealRows, { made, labels, values, findings }: Synthetic): AddedExamples {
  return {
    inputs: real.examples(made),
    target:
      values === undefined
        ? int64([labels.length], [...labels])
        : { type: 'float32', shape: [values.length, 1], data: values },
    findings,
  };
}
