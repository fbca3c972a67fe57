import { pauses } from '../synthetic-rows/pause.js';

/** What a latent variable shows of itself, row by row. */
export interface Scored {
  readonly scores: Float64Array;
  readonly variance: number;
}

/** Beyond it two variables are taken for one, and the matrix for singular. */
const HIGHEST = 0.999;

/**
 * Correlations of latent variables out of their scores, row-major. Scores of repeating values vary less than what they
 * stand for; the correlation is put right by both variances, cov v0 / (v_i v_j) with v0 that of a variable without
 * repetitions (exact where one of the two is continuous: the polyserial estimate).
 *
 * It is then shrunk towards independence as far as sampling error asks for (Schaefer & Strimmer 2005, target D): with
 * fewer rows than columns it is regular nevertheless.
 */
export async function latentCorrelation(latents: readonly Scored[]): Promise<Float64Array> {
  const d = latents.length;
  const n = latents[0]?.scores.length ?? 0;
  const pause = pauses();
  const whole = latents.reduce((most, { variance }) => Math.max(most, variance), 0);
  const result = new Float64Array(d * d);
  let errors = 0;
  let squares = 0;
  for (let i = 0; i < d; i++) {
    result[i * d + i] = 1;
    for (let j = 0; j < i; j++) {
      const [a, b] = [latents[i], latents[j]];
      let product = 0;
      for (let row = 0; row < n; row++) product += a.scores[row] * b.scores[row];
      const found = (product / n) * (whole / (a.variance * b.variance));
      const r = Math.min(HIGHEST, Math.max(-HIGHEST, found));
      result[i * d + j] = r;
      result[j * d + i] = r;
      errors += (1 - r * r) ** 2 / Math.max(1, n - 1);
      squares += r * r;
    }
    await pause();
  }
  const kept = squares === 0 ? 1 : 1 - Math.min(1, errors / squares);
  for (let i = 0; i < d * d; i++) if (i % (d + 1) !== 0) result[i] *= kept;
  return result;
}

/**
 * Lower factor L of a correlation matrix, L L' = R. A matrix that is not positive definite, as estimates of single pairs
 * may be, is moved towards independence until it is.
 */
export async function factorOf(correlation: Float64Array, d: number): Promise<Float64Array> {
  const pause = pauses();
  for (let shrunk = 0; ; shrunk = shrunk === 0 ? 1e-3 : Math.min(1, shrunk * 2)) {
    const factor = new Float64Array(d * d);
    let positive = true;
    for (let i = 0; i < d && positive; i++) {
      for (let j = 0; j <= i; j++) {
        let rest = i === j ? 1 : (1 - shrunk) * correlation[i * d + j];
        for (let k = 0; k < j; k++) rest -= factor[i * d + k] * factor[j * d + k];
        if (i === j) {
          positive = rest > 1e-10;
          factor[i * d + i] = Math.sqrt(Math.max(0, rest));
        } else factor[i * d + j] = rest / factor[j * d + j];
      }
      await pause();
    }
    if (positive) return factor;
  }
}
