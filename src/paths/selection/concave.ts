import { BallastError } from '../../errors.js';
import { fitPath, type RegularizationPath } from '../path.js';
import type { PathData, PathOptions } from '../problem.js';

export type ConcavePenalty = 'mcp' | 'scad';

export interface ConcaveOptions extends Omit<PathOptions, 'alpha'> {
  readonly penalty: ConcavePenalty;
  /** How soon large coefficients go free: above 1 for MCP (default 3), above 2 for SCAD (default 3.7). */
  readonly gamma?: number | undefined;
}

/** Change of weights at which the reweighting is at rest. */
const AT_REST = 1e-9;

/**
 * Paths of the minimax concave penalty (Zhang 2010) and of SCAD (Fan and Li 2001), which do not shrink large coefficients:
 * local linear approximation (Zou and Li 2008), a lasso whose weights are the penalty's slope at the fit before, repeated
 * until it rests. Each penalty starts from the model before; what is reached is a stationary point (`converged`), of
 * which there may be several: duality gap and conditions are those of the last lasso. A column's penalty factor v
 * multiplies its lambda.
 *
 *     MCP    p(b) = lambda |b| - b^2 / (2 gamma) up to |b| = gamma lambda, then constant
 *     SCAD   slope lambda up to lambda, then (gamma lambda - |b|) / (gamma - 1) down to 0
 *
 * @throws BallastError PATH_GAMMA, and those of {@link fitPath}
 */
export async function concavePath(data: PathData, options: ConcaveOptions): Promise<RegularizationPath> {
  const { penalty, gamma = penalty === 'mcp' ? 3 : 3.7, ...rest } = options;
  const least = penalty === 'mcp' ? 1 : 2;
  if (!(gamma > least && gamma < Number.POSITIVE_INFINITY)) {
    throw new BallastError(`gamma of ${penalty} is above ${least}`, {
      code: 'PATH_GAMMA',
      value: gamma,
      remedy: 'Mend it',
    });
  }
  let relative: Float64Array | undefined;
  return fitPath(data, { ...rest, alpha: 1 }, (lambda, { columns, coefficients }, factors) => {
    relative ??= factors.slice();
    const sizes = new Float64Array(factors.length);
    columns.forEach((column, k) => {
      sizes[column] = Math.abs(coefficients[k]);
    });
    let change = 0;
    for (let j = 0; j < factors.length; j++) {
      const own = relative[j];
      if (own === 0 || own === Number.POSITIVE_INFINITY) continue;
      const weight = own * slope(penalty, sizes[j], lambda * own, gamma);
      change = Math.max(change, Math.abs(weight - factors[j]));
      factors[j] = weight;
    }
    return change > AT_REST;
  });
}

/** The penalty's slope over lambda. */
function slope(penalty: ConcavePenalty, size: number, lambda: number, gamma: number): number {
  if (penalty === 'mcp') return Math.max(0, 1 - size / (gamma * lambda));
  return size <= lambda ? 1 : Math.max(0, (gamma * lambda - size) / ((gamma - 1) * lambda));
}
