import type { PathFold } from '../cross-validate.js';
import type { PathData, PathOptions } from '../problem.js';
import type { PenaltyShape } from '../selection/penalized.js';

/** Options of a path that go from thread to thread: all but what is of this one. */
export type PlainPathOptions = Omit<PathOptions, 'runtime' | 'signal' | 'onProgress'>;

/** One fold of a cross-validation. */
export interface FoldTask {
  readonly data: PathData;
  readonly fold: PathFold;
  readonly index: number;
  readonly shares: readonly number[];
  /** With the lambdas of the path that is cross-validated. */
  readonly options: PlainPathOptions & { readonly shape?: PenaltyShape | undefined };
}

export interface FoldControl {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** What the models of one fold's path say of the rows that they have not seen. */
export interface FoldScores {
  /** Mean deviance (of a Cox family an event), by share and lambda. */
  readonly deviances: number[][];
  /** Of a Cox family: Harrell's C by lambda, null where no two rows can be compared. */
  readonly concordance?: (number | null)[] | undefined;
}

/** Fits folds: one after the other, or several at once. */
export interface FoldRunner {
  /** Folds that are fitted at once. */
  readonly slots: number;
  run(task: FoldTask, control: FoldControl): Promise<FoldScores>;
}
