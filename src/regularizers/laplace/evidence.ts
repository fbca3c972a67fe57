/**
 * The evidence of a Gaussian approximation around fixed weights, and the precisions that it is largest at (MacKay 1992):
 *
 *     log p(D) = log p(D | w) - 1/2 (delta |w|^2 + sum_i log(beta h_i + delta) - P log delta)
 *
 * where h_i are the eigenvalues of the curvature (for noise of variance 1), beta = 1 / sigma^2 the precision of the noise (1
 * for classes), delta that of the prior and P the number of weights.
 */
export interface Fit {
  /** Eigenvalues of the curvature summed over rows. */
  readonly curvature: Float64Array;
  /** |w|^2. */
  readonly squaredNorm: number;
}

/** Precisions are looked for between these. */
const [LOWEST, HIGHEST] = [1e-10, 1e10];

/** How many weights the data determine: sum of h / (h + delta), MacKay's gamma. */
export function determined(curvature: Float64Array, precision: number): number {
  return curvature.reduce((sum, h) => sum + h / (h + precision), 0);
}

/**
 * The prior precision of largest evidence: the one fixed point of delta = gamma / |w|^2. gamma falls and delta |w|^2 rises, so
 * that bisection finds it, to the last bits.
 */
export function bestPrecision({ curvature, squaredNorm }: Fit): number {
  return crossing((precision) => determined(curvature, precision) - precision * squaredNorm);
}

/** Where a falling function crosses 0, on a logarithmic scale. */
function crossing(f: (at: number) => number): number {
  let [low, high] = [Math.log(LOWEST), Math.log(HIGHEST)];
  for (let i = 0; i < 100 && high - low > 1e-14; i++) {
    const middle = (low + high) / 2;
    if (f(Math.exp(middle)) > 0) low = middle;
    else high = middle;
  }
  return Math.exp((low + high) / 2);
}

/** The noise precision of largest evidence: N - gamma = beta SSE. @param squares sum of squared residuals */
function bestNoise(curvature: Float64Array, precision: number, rows: number, squares: number): number {
  return crossing((beta) => {
    const gamma = curvature.reduce((sum, h) => sum + (beta * h) / (beta * h + precision), 0);
    return rows - gamma - beta * squares;
  });
}

/**
 * Prior and noise precision of largest evidence together: each at its best given the other, in turns, until neither moves.
 *
 * @param fixed a prior precision that is given
 */
export function bestPrecisions(
  { curvature, squaredNorm }: Fit,
  { rows, squares, fixed }: { rows: number; squares: number; fixed: number | undefined },
): { precision: number; noisePrecision: number } {
  let noisePrecision = rows / Math.max(squares, 1e-12 * rows);
  let precision = fixed ?? 1;
  for (let turn = 0; turn < 1000; turn++) {
    const [before, noiseBefore] = [precision, noisePrecision];
    const scaled = curvature.map((h) => h * noisePrecision);
    precision = fixed ?? bestPrecision({ curvature: scaled, squaredNorm });
    noisePrecision = bestNoise(curvature, precision, rows, squares);
    const moved = Math.abs(Math.log(precision / before)) + Math.abs(Math.log(noisePrecision / noiseBefore));
    if (moved < 1e-10) break;
  }
  return { precision, noisePrecision };
}

/** log p(D), for curvature already scaled by the noise. */
export function logEvidence({ curvature, squaredNorm }: Fit, precision: number, logLikelihood: number): number {
  const logDeterminants = curvature.reduce((sum, h) => sum + Math.log1p(h / precision), 0);
  return logLikelihood - (precision * squaredNorm + logDeterminants) / 2;
}
