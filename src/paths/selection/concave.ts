import { BallastError } from '../../errors.js';
import { fitPath, type PathPoint } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';

export type ConcavePenalty = 'mcp' | 'scad';

export interface ConcaveOptions extends Omit<PathOptions, 'alpha' | 'factors'> {
  readonly penalty: ConcavePenalty;
  /** How soon large coefficients go free: above 1 for MCP (default 3), above 2 for SCAD (default 3.7). */
  readonly gamma?: number;
}

/** A model of a concave path: no gap bounds it, since there may be several minima. */
export type ConcavePoint = Pick<
  PathPoint,
  'lambda' | 'columns' | 'coefficients' | 'intercept' | 'deviance' | 'explained'
> & {
  /** Whether the reweighting came to rest: the point is then stationary. */
  readonly settled: boolean;
};

const MOST_STEPS = 200;
/** Change of weights at which the reweighting is at rest. */
const AT_REST = 1e-9;

/**
 * Paths of the minimax concave penalty (Zhang 2010) and of SCAD (Fan and Li 2001), which do not shrink large coefficients:
 * local linear approximation (Zou and Li 2008), a lasso whose weights are the penalty's slope at the fit before, repeated
 * until it rests. Each penalty starts from the model before; what is reached is a stationary point.
 *
 *     MCP    p(b) = lambda |b| - b^2 / (2 gamma) up to |b| = gamma lambda, then constant
 *     SCAD   slope lambda up to lambda, then (gamma lambda - |b|) / (gamma - 1) down to 0
 *
 * @throws BallastError PATH_GAMMA, and those of {@link fitPath}
 */
export async function concavePath(data: PathData, options: ConcaveOptions): Promise<ConcavePoint[]> {
  const { penalty, gamma = penalty === 'mcp' ? 3 : 3.7, ...rest } = options;
  const least = penalty === 'mcp' ? 1 : 2;
  if (!(gamma > least && gamma < Number.POSITIVE_INFINITY)) {
    throw new BallastError(`gamma of ${penalty} is above ${least}`, {
      code: 'PATH_GAMMA',
      value: gamma,
      remedy: 'Mend it',
    });
  }
  const lasso = await fitPath(data, rest);
  const { scales, features } = lasso;
  const points: ConcavePoint[] = [];
  let sizes = new Float64Array(features);
  for (const { lambda } of lasso.points) {
    let weights = sizes.map((size) => slope(penalty, size, lambda, gamma));
    let settled = false;
    let point: PathPoint | undefined;
    for (let step = 0; step < MOST_STEPS && !settled; step++) {
      point = await weightedLasso(data, rest, lambda, weights);
      sizes = new Float64Array(features);
      for (const [k, column] of point.columns.entries())
        sizes[column] = Math.abs(point.coefficients[k] * scales[column]);
      const next = sizes.map((size) => slope(penalty, size, lambda, gamma));
      settled = next.every((weight, j) => Math.abs(weight - weights[j]) <= AT_REST);
      weights = next;
    }
    if (point === undefined) throw new Error('at least one step is made');
    const { columns, coefficients, intercept, deviance, explained } = point;
    points.push({ lambda, columns, coefficients, intercept, deviance, explained, settled });
  }
  return points;
}

/** The penalty's slope over lambda. */
function slope(penalty: ConcavePenalty, size: number, lambda: number, gamma: number): number {
  if (penalty === 'mcp') return Math.max(0, 1 - size / (gamma * lambda));
  return size <= lambda ? 1 : Math.max(0, (gamma * lambda - size) / ((gamma - 1) * lambda));
}

/** Penalty factors are scaled to mean 1, so lambda takes their mean. */
async function weightedLasso(
  data: PathData,
  options: Omit<ConcaveOptions, 'penalty' | 'gamma'>,
  lambda: number,
  weights: Float64Array,
): Promise<PathPoint> {
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  // Where every coefficient is so large as to be free, a penalty that is next to nothing says so too.
  const free = mean === 0;
  const { points } = await fitPath(data, {
    ...options,
    factors: free ? undefined : weights,
    lambdas: [free ? lambda * 1e-12 : lambda * mean],
  });
  return points[0];
}
