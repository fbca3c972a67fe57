import type { Family } from './families/family.js';
import type { Fit } from './solver.js';

/** A linear model of one output. */
export interface OutputModel {
  /** Columns whose coefficient is not 0, ascending. */
  readonly columns: Int32Array;
  readonly coefficients: Float64Array;
  readonly intercept: number;
}

/** A linear model on the original scale. */
export interface LinearModel extends OutputModel {
  /**
   * Of several outputs the model of each. `columns` are then those that some output has, `coefficients` the length of
   * each one's vector over the outputs, and `intercept` is 0.
   */
  readonly outputs?: readonly OutputModel[];
}

/** One model of a path, on the original scale. */
export interface PathPoint extends LinearModel {
  readonly lambda: number;
  /** Mean deviance of the rows: twice the loss above the model that predicts exactly. */
  readonly deviance: number;
  /** Share of the null model's deviance that the model explains. */
  readonly explained: number;
  /** Duality gap, relative to the null deviance: the objective is at most so far above its minimum. */
  readonly dualityGap: number;
  /** Largest violation of the optimality conditions, relative to the largest penalty of the path. */
  readonly kkt: number;
  /** Whether the gap is within the tolerance. */
  readonly converged: boolean;
  /** Where differences are penalised: how many numbers the model has to choose, those between which nothing differs being one. */
  readonly degrees?: number;
}

export interface PathStop {
  readonly reason: 'separation' | 'saturated' | 'interrupted' | 'unsolved' | 'columns';
  readonly message: string;
}

/** What the figures of a point are relative to. */
export interface Scale {
  readonly nullDeviance: number;
  readonly saturated: number;
  readonly largestLambda: number;
  readonly alpha: number;
  /** Whether centering goes into the intercept; else only differences between rows count. */
  readonly intercept: boolean;
  /** Of classes: whether nothing tells what is common to a column's coefficients of all of them. */
  readonly free: (column: number) => boolean;
}

/** Of the features alone: what is taken off each column, and what it is divided by. */
interface Standardized {
  readonly center: Float64Array;
  readonly scale: Float64Array;
}

/** A path ends where so much of the deviance is explained: nothing is left to fit but noise. */
const SATURATED = { quadratic: 1 - 1e-6, other: 0.999 };

/** A fit as a model of the path. */
export function pointOf(
  fit: Fit,
  lambda: number,
  design: Standardized,
  { name, outputs }: Family,
  { nullDeviance, saturated, largestLambda, alpha, intercept, free }: Scale,
): PathPoint {
  const deviance = 2 * (fit.loss - saturated);
  const model = outputs === undefined ? onOriginalScale(fit, design, intercept) : together(ofOutputs(outputs));
  return {
    lambda,
    ...model,
    deviance,
    explained: nullDeviance > 0 ? 1 - deviance / nullDeviance : 0,
    dualityGap: nullDeviance > 0 ? (2 * fit.gap) / nullDeviance : 0,
    kkt: largestLambda > 0 ? fit.violation / (largestLambda * Math.max(alpha, 1e-3)) : fit.violation,
    converged: fit.converged,
  };

  function ofOutputs(count: number): OutputModel[] {
    const models = Array.from({ length: count }, (_, k) => outputOf(fit, k, count, design));
    const centred = name === 'multinomial' ? models.map((each) => lessMean(each, models, free)) : models;
    const original = centred.map((each) => onOriginalScale(each, design, intercept));
    const mean = original.reduce((sum, each) => sum + each.intercept, 0) / count;
    return name === 'multinomial' && intercept && mean !== 0
      ? original.map((each) => ({ ...each, intercept: each.intercept - mean }))
      : original;
  }
}

/** The model of one class, in free columns less the mean of all classes' coefficients. */
function lessMean(model: OutputModel, all: readonly OutputModel[], free: (column: number) => boolean): OutputModel {
  const coefficients = model.coefficients.map((value, k) => {
    const column = model.columns[k];
    if (!free(column)) return value;
    const sum = all.reduce((total, each) => total + (each.coefficients[each.columns.indexOf(column)] ?? 0), 0);
    return value - sum / all.length;
  });
  return { ...model, coefficients };
}

function onOriginalScale(fit: OutputModel, { center, scale }: Standardized, absolute: boolean): OutputModel {
  let { intercept } = fit;
  const coefficients = fit.coefficients.map((value, k) => value / scale[fit.columns[k]]);
  coefficients.forEach((value, k) => {
    if (absolute) intercept -= value * center[fit.columns[k]];
  });
  return { columns: fit.columns, coefficients, intercept };
}

/** One output's part of a fit of several: coordinates are those of a stacked design. */
function outputOf({ columns, coefficients }: Fit, k: number, outputs: number, { scale }: Standardized): OutputModel {
  const own = Array.from(columns.keys()).filter((at) => columns[at] % outputs === k);
  const column = (at: number): number => Math.floor(columns[at] / outputs);
  const free = own.find((at) => column(at) === scale.length);
  const kept = own.filter((at) => at !== free);
  return {
    columns: Int32Array.from(kept, column),
    coefficients: Float64Array.from(kept, (at) => coefficients[at]),
    intercept: free === undefined ? 0 : coefficients[free],
  };
}

/** Models of several outputs as one. */
export function together(outputs: readonly OutputModel[]): LinearModel {
  const squares = new Map<number, number>();
  for (const { columns, coefficients } of outputs) {
    columns.forEach((column, k) => {
      squares.set(column, (squares.get(column) ?? 0) + coefficients[k] ** 2);
    });
  }
  const columns = Int32Array.from(squares.keys()).sort();
  const coefficients = Float64Array.from(columns, (column) => Math.sqrt(squares.get(column) ?? 0));
  return { columns, coefficients, intercept: 0, outputs };
}

/** Why the path ends with this model. */
export function stopOf({ explained, lambda }: PathPoint, { quadratic, name }: Family): PathStop | undefined {
  if (explained < (quadratic ? SATURATED.quadratic : SATURATED.other)) return undefined;
  const share = `${(100 * explained).toFixed(2)}% of the deviance is explained at lambda ${lambda.toPrecision(4)}`;
  return name === 'binomial' || name === 'multinomial'
    ? {
        reason: 'separation',
        message: `the classes are perfectly separated: ${share}, and with less penalty the coefficients grow without end`,
      }
    : { reason: 'saturated', message: `${share}: what is left is noise` };
}
