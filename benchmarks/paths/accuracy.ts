import { familyOf } from '../../src/paths/families/index.js';
import { Penalty } from '../../src/paths/penalty.js';
import type { CaseFamily, DenseProblem } from './cases.js';

/** How exact a model of a path is: both relative to the null model. */
export interface Accuracy {
  readonly gap: number;
  readonly kkt: number;
}

/**
 * Duality gap and violation of the optimality conditions of coefficients from anywhere, on columns of mean 0 and deviation
 * 1 and with an intercept; worst over the path.
 *
 * @param models for each lambda the intercept and the coefficients
 */
export function accuracyOf(
  { features, target }: DenseProblem,
  models: Float64Array,
  { family: name, alpha, lambdas }: { family: CaseFamily; alpha: number; lambdas: readonly number[] },
): Accuracy {
  const { rows: n, columns: p, data } = features;
  const family = familyOf({ family: name });
  const weights = new Float64Array(n).fill(1 / n);
  const unbounded = new Float64Array(p + 1).fill(Number.POSITIVE_INFINITY);
  const factors = new Float64Array(p + 1).fill(1, 0, p);
  const penalty = new Penalty({ alpha, factors, lower: unbounded.map((value) => -value), upper: unbounded });
  const [eta, residual, curvature] = [0, 0, 0].map(() => new Float64Array(n));
  const mean = target.reduce((sum, value) => sum + value, 0) / n;
  const rows = { target, weights };
  const loss0 = family.evaluate(eta.fill(family.link(mean)), rows, residual, curvature) - family.saturated(rows);
  const largest = largestOf(data, n, p, residual);
  let worst: Accuracy = { gap: 0, kkt: 0 };
  lambdas.forEach((lambda, k) => {
    penalty.set(lambda);
    const b = models.subarray(k * (p + 1) + 1, (k + 1) * (p + 1));
    eta.fill(models[k * (p + 1)]);
    for (let j = 0; j < p; j++) if (b[j] !== 0) for (let i = 0; i < n; i++) eta[i] += b[j] * data[j * n + i];
    family.evaluate(eta, rows, residual, curvature);
    const rest = residual.reduce((sum, value) => sum + value, 0);
    for (let i = 0; i < n; i++) residual[i] -= rest / n;
    const z = new Float64Array(p);
    let [share, kkt] = [1, Math.abs(rest)];
    for (let j = 0; j < p; j++) {
      for (let i = 0; i < n; i++) z[j] += data[j * n + i] * residual[i];
      share = Math.min(share, penalty.share(j, z[j]));
      kkt = Math.max(kkt, penalty.violation(j, b[j], z[j]));
    }
    let gap = Math.max(0, family.gap(eta, rows, share));
    for (let j = 0; j < p; j++) gap += penalty.gap(j, b[j], share * z[j]);
    worst = { gap: Math.max(worst.gap, gap / loss0), kkt: Math.max(worst.kkt, kkt / largest) };
  });
  return worst;
}

/** Largest product of a column with a residual: the lasso's largest lambda. */
function largestOf(data: Float64Array, n: number, p: number, residual: Float64Array): number {
  let largest = 0;
  for (let j = 0; j < p; j++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += data[j * n + i] * residual[i];
    largest = Math.max(largest, Math.abs(sum));
  }
  return largest;
}
