import { BallastError } from '../../errors.js';
import { type Criteria, type CriterionName, informationCriteria } from '../criteria.js';
import { type CrossValidation, crossValidate, type PathFold } from '../cross-validate.js';
import type { FoldRunner } from '../parallel/fold-runner.js';
import { fitPath, type RegularizationPath } from '../path.js';
import type { LinearModel, PathPoint, PathStop } from '../path-point.js';
import type { PathData, PathOptions } from '../problem.js';
import { refuseInterrupted } from './interrupted.js';
import { type KnockoffOptions, type KnockoffSelection, knockoffSelection } from './knockoffs.js';
import { isChain, type PenaltyShape, penalizedPath } from './penalized.js';
import { freeFits, relaxed, unpenalisedFit } from './refit.js';
import { type StabilityOptions, type StabilitySelection, stabilitySelection } from './stability.js';

/** How a model is taken. */
export type ChoiceRule = 'min' | '1se' | CriterionName | 'relaxed' | 'stability' | 'knockoffs';

/** A penalty other than the elastic net. */
export type PenaltyRequest =
  | { readonly type: 'adaptive'; readonly power?: number | undefined }
  | Exclude<PenaltyShape, { type: 'adaptive' }>;

export interface ChoiceOptions {
  readonly by: ChoiceRule;
  /** Default: the elastic net. */
  readonly penalty?: PenaltyRequest | undefined;
  /** Folds of the cross-validation. */
  readonly folds: readonly PathFold[];
  /** Repetitions that the folds are of. Default 1. */
  readonly repeats?: number | undefined;
  /** Who fits the folds. Default: this thread, one after the other. */
  readonly runner?: FoldRunner | undefined;
  /** Tolerance of the models of folds. Default: that of the path. */
  readonly foldTolerance?: number | undefined;
  readonly stability?: StabilityOptions;
  readonly knockoffs?: KnockoffOptions;
  /** How far each part is. */
  readonly onPart?: (part: ChoicePart, done: number, of: number) => void;
}

export type ChoicePart = 'pilot' | 'path' | 'folds' | 'pairs of halves' | 'knockoffs';

export interface ChosenModel {
  readonly by: ChoiceRule;
  /** Its penalty; 0 of columns that were selected apart from the path and then fitted without a penalty. */
  readonly lambda: number;
  /** Its place on the path, where it is there (relaxed or as it is). */
  readonly index?: number;
  readonly model: LinearModel;
  readonly relaxed?: RelaxedChoice;
  readonly stability?: StabilitySelection;
  readonly knockoffs?: KnockoffSelection;
  /** Why the fit without penalty has one nevertheless. */
  readonly stopped?: PathStop;
}

export interface RelaxedChoice {
  /** Share of the penalised coefficients; the rest is the unpenalised fit's. */
  readonly share: number;
  /** Cross-validated mean deviance, and its standard error. */
  readonly mean: number;
  readonly se: number;
}

export interface PathSelection {
  readonly path: RegularizationPath;
  readonly cv: CrossValidation;
  /** undefined where degrees of freedom are not known. */
  readonly criteria: Criteria | undefined;
  readonly chosen: ChosenModel;
  /** The penalty, where it is not the elastic net. */
  readonly shape?: PenaltyShape;
}

/** Shares of the penalised coefficients that a relaxed model is chosen among; 1 is the path itself. */
const SHARES = [0.75, 0.5, 0.25, 0];

/**
 * Fits a path, cross-validates it and takes one model by a rule: the whole of what depends on the target, so that
 * {@link nestedEstimate} can do it again on a part of the rows.
 *
 * @throws BallastError INTERRUPTED, and those of {@link fitPath} and of the selections
 */
export async function fitAndChoose(
  data: PathData,
  options: PathOptions,
  choice: ChoiceOptions,
): Promise<PathSelection> {
  const { by, folds, repeats, runner, foldTolerance, onPart } = choice;
  const telling = (part: ChoicePart): PathOptions => ({
    ...options,
    onProgress: (done, of) => onPart?.(part, done, of),
  });
  refuseChoice(choice, options);
  const shape = await shapeOf();
  const path = await penalizedPath(data, telling('path'), shape);
  refuseInterrupted(path);
  const shares = by === 'relaxed' ? SHARES : [];
  const cv = await crossValidate(data, telling('folds'), path, folds, {
    shares,
    shape,
    repeats,
    runner,
    tolerance: foldTolerance,
  });
  const criteria = informationCriteria(data, path, options.intercept ?? true);
  const chosen = await chosenOf();
  return { path, cv, criteria, chosen, ...(shape === undefined ? {} : { shape }) };

  /** The pilot of an adaptive penalty is the elastic net of least cross-validated error. */
  async function shapeOf(): Promise<PenaltyShape | undefined> {
    const { penalty } = choice;
    if (penalty?.type !== 'adaptive') return penalty;
    const pilot = await fitPath(data, telling('pilot'));
    refuseInterrupted(pilot);
    const { lambdaMin } = await crossValidate(data, telling('pilot'), pilot, folds, {
      repeats,
      runner,
      tolerance: foldTolerance,
    });
    return { ...penalty, pilot: lambdaMin };
  }

  async function chosenOf(): Promise<ChosenModel> {
    switch (by) {
      case 'min':
        return onPath(cv.indexMin);
      case '1se':
        return onPath(cv.index1se);
      case 'aic':
      case 'bic':
      case 'ebic':
        return onPath(leastOf(criteria, by));
      case 'relaxed':
        return relaxedChoice();
      case 'stability': {
        const stability = await stabilitySelection(data, telling('pairs of halves'), choice.stability);
        return { ...(await fitOf(stability.selected)), stability };
      }
      case 'knockoffs': {
        const knockoffs = await knockoffSelection(data, telling('knockoffs'), choice.knockoffs);
        return { ...(await fitOf(knockoffs.selected)), knockoffs };
      }
    }
  }

  function onPath(index: number): ChosenModel {
    return { by, index, lambda: path.points[index].lambda, model: path.points[index] };
  }

  /** Selected columns and those that are not penalised, fitted without penalty; of none, the model without columns. */
  async function fitOf(selected: readonly number[]): Promise<ChosenModel> {
    const { constant } = path;
    const free = Array.from(options.factors ?? []).flatMap((factor, column) =>
      factor === 0 && !constant.includes(column) ? [column] : [],
    );
    const columns = [...selected, ...free].sort((a, b) => a - b);
    if (columns.length === 0) return { by, lambda: path.largestLambda, model: await emptyModel() };
    const { point, stopped } = await unpenalisedFit(data, options, columns);
    return { by, lambda: 0, model: point, ...(stopped === undefined ? {} : { stopped }) };
  }

  async function emptyModel(): Promise<LinearModel> {
    const [first] = path.points;
    if (first.columns.length === 0) return first;
    const { points } = await fitPath(data, { ...options, lambdas: [path.largestLambda * 1.01] });
    return points[0];
  }

  async function relaxedChoice(): Promise<ChosenModel> {
    let [best, index] = [{ share: 1, mean: cv.mean, se: cv.se }, cv.indexMin];
    for (const each of cv.relaxed ?? []) {
      const at = each.mean.indexOf(Math.min(...each.mean));
      if (each.mean[at] < best.mean[index]) [best, index] = [each, at];
    }
    const point: PathPoint = path.points[index];
    const free = best.share === 1 ? undefined : (await freeFits(data, options, { ...path, points: [point] }))[0];
    const model = relaxed(point, free, best.share);
    const { share } = best;
    return { by, index, lambda: point.lambda, model, relaxed: { share, mean: best.mean[index], se: best.se[index] } };
  }
}

/** Place of the least criterion. @throws BallastError PATH_CRITERION */
function leastOf(criteria: Criteria | undefined, by: CriterionName): number {
  if (criteria !== undefined) return criteria[by].indexOf(Math.min(...criteria[by]));
  throw new BallastError(
    'degrees of freedom of several outputs, and of differences, are known where each is penalised by itself, by the lasso alone',
    {
      code: 'PATH_CRITERION',
      value: by,
      remedy: 'Choose by cross-validation, or with alpha 1 and ungrouped',
    },
  );
}

/** @throws BallastError PATH_PENALTY, PATH_GROUPS where the penalty does not go with what is asked for */
function refuseChoice({ by, penalty }: ChoiceOptions, { family, groups }: PathOptions): void {
  if (groups !== undefined && (by === 'stability' || by === 'knockoffs' || penalty !== undefined)) {
    throw new BallastError('groups of columns come and go together, under the elastic net', {
      code: 'PATH_GROUPS',
      value: penalty?.type ?? by,
      remedy: 'Leave the groups out, or choose by cross-validation or a criterion',
    });
  }
  const several = family === 'multinomial' || family === 'mgaussian';
  if (several && (by === 'relaxed' || by === 'stability' || by === 'knockoffs')) {
    throw new BallastError('fits without penalty are those of one output: of classes they do not tell what is common', {
      code: 'PATH_OUTPUTS',
      value: by,
      remedy: 'Choose by cross-validation',
    });
  }
  if (several && (penalty?.type === 'mcp' || penalty?.type === 'scad')) {
    throw new BallastError(`${penalty.type} is that of one coefficient a column`, {
      code: 'PATH_PENALTY',
      value: family,
      remedy: 'Leave the penalty out, or choose adaptive',
    });
  }
  if (penalty !== undefined && isChain(penalty) && by === 'relaxed') {
    throw new BallastError('of penalised differences there is no relaxed model', {
      code: 'PATH_PENALTY',
      value: penalty.type,
      remedy: 'Choose by cross-validation or a criterion',
    });
  }
  if (penalty === undefined || (by !== 'stability' && by !== 'knockoffs')) return;
  throw new BallastError(
    `${by === 'stability' ? 'stability selection looks' : 'knockoffs look'} at where columns enter the lasso`,
    {
      code: 'PATH_PENALTY',
      value: penalty.type,
      remedy: 'Leave the penalty out',
    },
  );
}
