import { familyOf } from '../../src/paths/families/index.js';
import { openKernels } from '../../src/paths/kernels/kernels.js';
import { penaltyOf } from '../../src/paths/path-penalty.js';
import { settingsOf } from '../../src/paths/settings.js';
import type { DenseProblem, PathCase } from './cases.js';

/** How exact a model of a path is: both relative to the null model. */
export interface Accuracy {
  readonly gap: number;
  readonly kkt: number;
}

/**
 * Duality gap and violation of the optimality conditions of coefficients from anywhere, on columns of mean 0 and deviation
 * 1 and with an intercept; worst over the path.
 *
 * @param models for each lambda, and each output, the intercept and the coefficients
 */
export function accuracyOf(
  problem: DenseProblem,
  models: Float64Array,
  {
    family: name,
    alpha,
    grouped,
    lambdas,
  }: Pick<PathCase, 'family' | 'alpha' | 'grouped'> & { lambdas: readonly number[] },
): Accuracy {
  const { features, target } = problem;
  const { rows: n, columns: p, data } = features;
  const settings = settingsOf({ family: name, grouped }, problem);
  const family = familyOf(settings);
  const outputs = family.outputs ?? 1;
  const weights = new Float64Array(n).fill(1 / n);
  const { penalty } = penaltyOf({ family: name, alpha }, openKernels(0, 'script'), {
    scale: new Float64Array(p).fill(1),
    outputs: family.outputs,
    intercept: true,
    grouped: settings.grouped === true,
  });
  const [eta, residual, curvature] = [0, 0, 0].map(() => new Float64Array(n * outputs));
  const rows = { target, weights };
  for (let k = 0; k < outputs; k++) eta.fill(startOf(k), k * n, (k + 1) * n);
  const loss0 = family.evaluate(eta, rows, residual, curvature) - family.saturated(rows);
  const [b, g] = [new Float64Array(p * outputs), new Float64Array(p * outputs)];
  const size = p * outputs;
  const coordinates = { members: Int32Array.from({ length: size }, (_, c) => c), size, model: { b, g } };
  multiplyOut();
  let largest = 0;
  for (let c = 0; c < size; c++) largest = Math.max(largest, Math.abs(penalty.pull(g, c)));
  let worst: Accuracy = { gap: 0, kkt: 0 };
  lambdas.forEach((lambda, at) => {
    penalty.set(lambda);
    for (let k = 0; k < outputs; k++) {
      const own = models.subarray((at * outputs + k) * (p + 1), (at * outputs + k + 1) * (p + 1));
      const part = eta.subarray(k * n, (k + 1) * n).fill(own[0]);
      for (let j = 0; j < p; j++) {
        b[j * outputs + k] = own[j + 1];
        if (own[j + 1] !== 0) for (let i = 0; i < n; i++) part[i] += own[j + 1] * data[j * n + i];
      }
    }
    family.evaluate(eta, rows, residual, curvature);
    let kkt = 0;
    for (let k = 0; k < outputs; k++) {
      const part = residual.subarray(k * n, (k + 1) * n);
      const rest = part.reduce((sum, value) => sum + value, 0);
      kkt = Math.max(kkt, Math.abs(rest));
      for (let i = 0; i < n; i++) part[i] -= rest / n;
    }
    multiplyOut();
    const share = penalty.feasible(coordinates);
    const gap = Math.max(0, family.gap(eta, rows, share)) + penalty.gapAt(coordinates, share);
    kkt = Math.max(kkt, penalty.worst(coordinates));
    worst = { gap: Math.max(worst.gap, gap / loss0), kkt: Math.max(worst.kkt, kkt / largest) };
  });
  return worst;

  /** The predictor of the model without columns. */
  function startOf(k: number): number {
    if (name === 'multinomial') return Math.log(target.filter((code) => code === k).length / n);
    const own = name === 'mgaussian' ? target.subarray(k * n, (k + 1) * n) : target;
    return family.link(own.reduce((sum, value) => sum + value, 0) / n);
  }

  function multiplyOut(): void {
    for (let j = 0; j < p; j++) {
      for (let k = 0; k < outputs; k++) {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += data[j * n + i] * residual[k * n + i];
        g[j * outputs + k] = sum;
      }
    }
  }
}
