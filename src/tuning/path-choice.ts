import { join } from 'node:path';
import { BallastError } from '../errors.js';
import type { PathData, PathOptions } from '../paths/problem.js';
import { type ChoiceOptions, fitAndChoose, type PathSelection } from '../paths/selection/choose.js';
import { isChain } from '../paths/selection/penalized.js';
import type { PreparedData } from '../spec/prepare.js';
import type { Spec } from '../spec/schema.js';
import { chainOf } from './path-columns.js';
import { defaultWorkers, keptFolds } from './path-folds.js';
import { type NestedScore, namedIntervals, nestedScore, type PathIntervals, repeatedFolds } from './path-inference.js';
import type { PathRunOptions } from './path-run.js';

/** A path, the model that is taken of it, and what is told of that model by training rows alone. */
export interface ChosenPath extends PathSelection {
  readonly intervals?: PathIntervals;
  readonly nested?: NestedScore;
  /** Forgets the folds that were kept for the case of an interruption. */
  readonly conclude: () => Promise<void>;
}

export interface ChoiceSetting {
  readonly spec: Spec;
  readonly data: PreparedData;
  /** Rows of the table that the path is fitted to. */
  readonly rows: Uint32Array;
  readonly train: PathData;
  readonly settings: PathOptions;
  readonly options: PathRunOptions;
}

/** How much looser the models of folds are solved: what is told of them is far less exact anyway. */
const LOOSER = 100;

/** @throws BallastError INTERRUPTED, saying what is kept; and those of the fits */
export async function choosePath({ spec, data, rows, train, settings, options }: ChoiceSetting): Promise<ChosenPath> {
  const { runtime, signal, repeats = 1, folds, workFolder, ballastVersion } = options;
  const { seed } = spec.training;
  const tell = (part: string, done: number, of: number): void => options.onEvent?.({ type: 'fitted', part, done, of });
  const runner = keptFolds(join(workFolder, 'paths', 'folds'), {
    workers: options.workers ?? defaultWorkers(train, settings.family === 'gaussian', folds * repeats),
    runtime,
    version: ballastVersion,
  });
  const { penalty } = options.choice;
  const choice: Omit<ChoiceOptions, 'folds'> = {
    ...options.choice,
    penalty: penalty !== undefined && isChain(penalty) ? { ...penalty, chain: chainOf(data.preprocessor) } : penalty,
    stability: { ...options.choice.stability, seed },
    knockoffs: { ...options.choice.knockoffs, seed },
    repeats,
    runner,
    foldTolerance: Math.min(0.1, LOOSER * (settings.tolerance ?? 1e-8)),
  };
  try {
    const selection = await fitAndChoose(train, settings, {
      ...choice,
      folds: repeatedFolds(data, rows, { folds, seed, repeats }),
      onPart: tell,
    });
    const { found } = runner.counts;
    if (found > 0) {
      options.onEvent?.({ type: 'notice', message: `${found} folds were done before the interruption` });
    }
    const intervals =
      options.intervals &&
      (await namedIntervals(
        data.preprocessor,
        train,
        selection.path,
        selection.path.points[selection.cv.indexMin],
        { ...options.intervals, bounded: settings.lower !== undefined || settings.upper !== undefined },
        signal,
        (done, of) => tell('intervals', done, of),
      ));
    const nested =
      options.nested &&
      (await nestedScore({ spec, data, rows, train, outer: options.nested, inner: folds, seed }, settings, {
        ...choice,
        onFold: (done, of) => tell('nested folds', done, of),
      }));
    if (signal?.aborted === true) {
      throw new BallastError('interrupted', { code: 'INTERRUPTED', kind: 'cancelled' });
    }
    return {
      ...selection,
      ...(intervals === undefined ? {} : { intervals }),
      ...(nested === undefined || nested === 0 ? {} : { nested }),
      conclude: () => runner.clear(),
    };
  } catch (error) {
    if (!(error instanceof BallastError) || error.code !== 'INTERRUPTED') throw error;
    const { found, done } = runner.counts;
    throw new BallastError('interrupted before the path was whole; nothing was recorded', {
      code: 'INTERRUPTED',
      kind: 'cancelled',
      remedy:
        found + done === 0
          ? 'Run the command again; it begins anew'
          : `Run the command again: ${found + done} folds are kept and will not be fitted again`,
      cause: error,
    });
  } finally {
    await runner.close();
  }
}
