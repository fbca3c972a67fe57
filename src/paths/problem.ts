import { BallastError } from '../errors.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { FamilySettings } from './families/family.js';
import { familyOf } from './families/index.js';
import { checkFeatures, type Features, notFinite } from './features.js';
import { settingsOf } from './settings.js';

/** What a path is fitted to. */
export interface PathData {
  readonly features: Features;
  /**
   * A number a row, of several Gaussian targets the numbers of the first, then of the second, and so on; of a binomial family 0 or 1 (or a share of trials), of a multinomial one the index of its class, of a Poisson family a count, of a Cox family a
   * survival time.
   */
  readonly target: Float64Array;
  /** How much each row counts, 0 or more; only proportions matter. */
  readonly weights?: Float64Array | undefined;
  /** Added to each row's linear predictor as it is; of several outputs, by output as several targets are. */
  readonly offset?: Float64Array | undefined;
  /** Of a Cox family: 1 where the event was seen at the row's time, 0 where the row was last seen without it. */
  readonly event?: Float64Array | undefined;
}

/**
 * How a path is fitted. With standardised columns x, weights w of sum 1, and penalty factors v of mean 1:
 *
 *     minimise over b0, b   sum_i w_i f(y_i, o_i + b0 + x_i b) + lambda sum_j v_j (alpha |b_j| + (1 - alpha) / 2 b_j^2)
 *
 * Of groups of columns, and of the coefficients of a column for several outputs where they are `grouped`, the sum is over groups:
 * |b_j| is the length of the vector of a group's coefficients, and v_j is the group's factor times the root of the number of its
 * columns.
 */
export interface PathOptions extends FamilySettings {
  /** 1 is the lasso, 0 is ridge. Default 1. */
  readonly alpha?: number;
  /** Penalties to fit, in any order; else `count` of them, from the least that leaves no coefficient downwards. */
  readonly lambdas?: readonly number[] | undefined;
  /** Default 100. */
  readonly count?: number;
  /** Least penalty over largest. Default 1e-4, or 1e-2 where there are more columns than rows. */
  readonly ratio?: number | undefined;
  /** Penalise coefficients of columns of standard deviation 1 (weighted, population). Default true. */
  readonly standardize?: boolean;
  /** Default true. */
  readonly intercept?: boolean;
  /** Relative penalty of each column: 0 is not penalised, Infinity leaves it out. Scaled to mean 1. Default all 1. */
  readonly factors?: ArrayLike<number> | undefined;
  /** Group of each column, any number: columns of a group come into the model together. */
  readonly groups?: ArrayLike<number> | undefined;
  /** Least and greatest value of each coefficient, on the original scale; around 0. */
  readonly lower?: ArrayLike<number> | undefined;
  readonly upper?: ArrayLike<number> | undefined;
  /** The path ends with the first model of so many columns or more. Default: none. */
  readonly mostColumns?: number | undefined;
  /** Largest duality gap, relative to the loss that the null model loses. Default 1e-8. */
  readonly tolerance?: number;
  readonly kernels?: 'simd' | 'script';
  /** Where it is given, large products are made by ONNX Runtime. */
  readonly runtime?: Runtime | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** Refuses what no path can be fitted to. @throws BallastError PATH_* */
export function checkProblem(data: PathData, options: PathOptions): void {
  const { features, target, weights, offset, event } = data;
  const { rows, columns } = features;
  if (columns === 0) throw refuse('PATH_NO_COLUMNS', 'there is no column to fit', 'Give at least one feature');
  if (rows < 2) throw refuse('PATH_TOO_FEW_ROWS', 'a path needs at least two rows', 'Give more rows', rows);
  const { family } = options;
  const targets = family === 'mgaussian' ? target.length / rows : 1;
  if (!Number.isInteger(targets) || targets < 1) {
    throw refuse('PATH_SHAPE', `${target.length} numbers are no targets of ${rows} rows`, 'Give each row all targets');
  }
  const finite = (values: Float64Array | undefined, name: string, each: number): void => {
    if (values === undefined) return;
    if (values.length !== rows * each) {
      throw refuse('PATH_SHAPE', `${name} has ${values.length} values for ${rows} rows`, `Give ${each} a row`);
    }
    const at = values.findIndex((value) => !Number.isFinite(value));
    if (at !== -1) throw notFinite(`row ${(at % rows) + 1} of ${name}`, values[at]);
  };
  finite(target, 'target', targets);
  finite(weights, 'weights', 1);
  finite(event, 'event', 1);
  const settings = settingsOf(options, data);
  finite(offset, 'offset', settings.outputs ?? 1);
  checkFeatures(features);
  if (weights !== undefined) {
    const row = weights.findIndex((weight) => weight < 0);
    if (row !== -1) throw refuse('PATH_WEIGHT', `row ${row + 1} has a weight below 0`, 'Mend it', weights[row]);
    if (weights.filter((weight) => weight > 0).length < 2) {
      throw refuse('PATH_WEIGHT', 'fewer than two rows have a weight above 0', 'Give weights that sum above 0');
    }
  }
  checkOptions(options, columns);
  const countedOf = (values: Float64Array): Float64Array =>
    weights === undefined ? values : values.filter((_, at) => weights[at % rows] > 0);
  const counted = countedOf(target);
  familyOf(settings).check(counted, event === undefined ? undefined : countedOf(event));
  if (
    offset !== undefined ||
    (family !== 'gaussian' && family !== 'huber' && family !== 'quantile' && family !== 'mgaussian')
  )
    return;
  for (let from = 0; from < counted.length; from += counted.length / targets) {
    const own = counted.subarray(from, from + counted.length / targets);
    if (own.some((value) => value !== own[0])) continue;
    const which = targets === 1 ? 'the target' : `target ${from / own.length + 1}`;
    throw refuse('PATH_TARGET', `${which} is the same in every row`, 'Choose a target that varies', own[0]);
  }
}

function checkOptions(options: PathOptions, columns: number): void {
  const {
    alpha = 1,
    lambdas,
    count = 100,
    ratio,
    tolerance = 1e-8,
    factors,
    lower,
    upper,
    groups,
    family,
    delta,
    quantile,
    grouped,
  } = options;
  if (delta !== undefined && family !== 'huber') {
    throw refuse('PATH_DELTA', `the family ${family} has no delta`, 'Leave it out, or choose the family huber', delta);
  }
  if (delta !== undefined && !(delta > 0 && delta < Number.POSITIVE_INFINITY)) {
    throw refuse('PATH_DELTA', 'delta is a finite number above 0', 'Mend it', delta);
  }
  if (quantile !== undefined && family !== 'quantile') {
    throw refuse(
      'PATH_QUANTILE',
      `the family ${family} has no quantile`,
      'Leave it out, or choose the family quantile',
      quantile,
    );
  }
  if (family === 'quantile' && (groups !== undefined || lower !== undefined || upper !== undefined)) {
    throw refuse(
      'PATH_QUANTILE',
      'quantiles are fitted without groups and bounds',
      'Leave them out, or choose the family huber',
    );
  }
  if (!(alpha >= 0 && alpha <= 1)) throw refuse('PATH_ALPHA', 'alpha is between 0 and 1', 'Mend it', alpha);
  if (!(Number.isInteger(count) && count >= 1))
    throw refuse('PATH_COUNT', 'a path has at least 1 lambda', 'Mend it', count);
  if (lambdas?.length === 0) throw refuse('PATH_LAMBDA', 'no lambda is given', 'Give one, or leave the list out');
  const wrong = lambdas?.find((lambda) => !(lambda > 0 && lambda < Number.POSITIVE_INFINITY));
  if (wrong !== undefined) throw refuse('PATH_LAMBDA', 'a lambda is a finite number above 0', 'Remove it', wrong);
  if (ratio !== undefined && !(ratio > 0 && ratio < 1)) {
    throw refuse('PATH_RATIO', 'the ratio of least to largest lambda is between 0 and 1', 'Mend it', ratio);
  }
  if (!(tolerance > 0 && tolerance < 1)) {
    throw refuse('PATH_TOLERANCE', 'the tolerance is above 0 and below 1', 'Mend it', tolerance);
  }
  // Several targets always are.
  if (grouped !== undefined && family !== 'multinomial' && !(family === 'mgaussian' && grouped)) {
    throw refuse('PATH_GROUPED', `of the family ${family} nothing is grouped or not`, 'Leave it out', grouped);
  }
  for (const [name, values] of Object.entries({ factors, lower, upper, groups })) {
    if (values !== undefined && values.length !== columns) {
      throw refuse('PATH_SHAPE', `${name} has ${values.length} values for ${columns} columns`, 'Give one a column');
    }
  }
  const blocks = groups !== undefined || grouped === true || family === 'mgaussian';
  if (blocks && (lower !== undefined || upper !== undefined)) {
    throw refuse('PATH_BOUNDS', 'coefficients that are penalised together have no bounds', 'Leave one of the two out');
  }
  const factorOf = new Map<number, number>();
  for (let j = 0; j < columns; j++) {
    if (groups !== undefined) {
      const factor = factors?.[j] ?? 1;
      if ((factorOf.get(groups[j]) ?? factor) !== factor) {
        throw refuse(
          'PATH_GROUPS',
          `columns of group ${groups[j]} have different penalty factors`,
          'Give all the same',
        );
      }
      factorOf.set(groups[j], factor);
    }
    if (factors !== undefined && !(factors[j] >= 0)) {
      throw refuse('PATH_FACTOR', `the penalty factor of column ${j + 1} is below 0`, 'Mend it', factors[j]);
    }
    if ((lower !== undefined && !(lower[j] <= 0)) || (upper !== undefined && !(upper[j] >= 0))) {
      throw refuse('PATH_BOUNDS', `the bounds of column ${j + 1} do not hold 0 between them`, 'Mend them');
    }
  }
}

function refuse(code: string, message: string, remedy: string, value?: unknown): BallastError {
  return new BallastError(message, { code, remedy, ...(value === undefined ? {} : { value }) });
}
