import { fitPath, type RegularizationPath } from '../path.js';
import type { PathPoint } from '../path-point.js';
import type { PathData, PathOptions } from '../problem.js';
import { type ChainPenalty, chainedPath } from './chained.js';
import { type ConcavePenalty, concavePath } from './concave.js';
import { refuseInterrupted } from './interrupted.js';
import { adaptiveFactors } from './refit.js';

/** A penalty other than the elastic net; see {@link adaptivePath}, {@link concavePath} and {@link chainedPath}. */
export type PenaltyShape =
  | {
      readonly type: 'adaptive';
      /** Default 1. */
      readonly power?: number | undefined;
      /** Penalty of the fit that the weights are made of. */
      readonly pilot: number;
    }
  | { readonly type: ConcavePenalty; readonly gamma?: number | undefined }
  | ChainShape;

/** A penalty on differences between neighbours. */
export interface ChainShape {
  readonly type: ChainPenalty;
  /** Columns that follow each other; all unless given. */
  readonly chain?: readonly number[] | undefined;
}

export const isChain = (shape: { readonly type: string }): shape is ChainShape =>
  shape.type === 'fused' || shape.type === 'trend';

/** The path of a penalty of any shape; the elastic net's where none is given. */
export async function penalizedPath(
  data: PathData,
  options: PathOptions,
  shape: PenaltyShape | undefined,
): Promise<RegularizationPath> {
  if (shape === undefined) return fitPath(data, options);
  if (shape.type === 'adaptive') return adaptivePath(data, options, shape);
  if (isChain(shape)) return chainedPath(data, options, { penalty: shape.type, chain: shape.chain });
  const { alpha: _alpha, ...rest } = options;
  return concavePath(data, { ...rest, penalty: shape.type, gamma: shape.gamma });
}

/**
 * The adaptive lasso (Zou 2006), or elastic net: each column's penalty is divided by the size that its standardised
 * coefficient has in a pilot fit, |pilot_j|^power; columns that the pilot leaves out stay out. Lambda is that of the
 * objective
 *
 *     loss + lambda sum_j v_j / |pilot_j|^power (alpha |b_j| + (1 - alpha) / 2 b_j^2)
 *
 * whose weights are not scaled to mean 1, so that it means the same in every fold.
 */
export async function adaptivePath(
  data: PathData,
  options: PathOptions,
  { pilot: lambda, power = 1 }: Omit<Extract<PenaltyShape, { type: 'adaptive' }>, 'type'>,
): Promise<RegularizationPath> {
  const pilot = await fitPath(data, { ...options, lambdas: [lambda], onProgress: undefined });
  refuseInterrupted(pilot);
  const weights = adaptiveFactors(pilot, pilot.points[0], power);
  const factors = weights.map((weight, j) => (pilot.factors[j] === 0 ? 0 : pilot.factors[j] * weight));
  const penalised = factors.filter((factor) => factor > 0 && Number.isFinite(factor));
  if (penalised.length === 0) return withoutColumns(data, options, pilot, factors);
  const finite = factors.filter(Number.isFinite);
  const mean = finite.reduce((sum, factor) => sum + factor, 0) / finite.length;
  const path = await fitPath(data, {
    ...options,
    factors,
    lambdas: options.lambdas?.map((each) => each * mean),
  });
  const points = path.points.map((point) => ({ ...point, lambda: point.lambda / mean }));
  return { ...path, points, largestLambda: path.largestLambda / mean, factors };
}

/** Where the pilot leaves every penalised column out, so does every model. */
async function withoutColumns(
  data: PathData,
  options: PathOptions,
  pilot: RegularizationPath,
  factors: Float64Array,
): Promise<RegularizationPath> {
  const { largestLambda } = pilot;
  const { points, ...rest } = await fitPath(data, {
    ...options,
    lambdas: [largestLambda * (1 + 1e-9)],
    onProgress: undefined,
  });
  const lambdas = options.lambdas ?? [largestLambda];
  return { ...rest, factors, points: lambdas.map((lambda): PathPoint => ({ ...points[0], lambda })) };
}
