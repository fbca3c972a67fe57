import { minimize } from '../../numeric/index.js';
import type { CalibrationMap, CalibrationRows } from './calibrator.js';

/**
 * The temperature that minimizes the log loss of softmax(scores / T) (Guo et al., On Calibration of Modern Neural
 * Networks, ICML 2017). The loss is convex in 1 / T: Newton's method within a bracket.
 */
export function fitTemperature(data: CalibrationRows): CalibrationMap {
  // exp(-8) to exp(8): beyond, the scores say nothing, or everything.
  let [low, high] = [Math.exp(-8), Math.exp(8)];
  let inverse = 1;
  for (let i = 0; i < 200; i++) {
    const { slope, curvature } = temperatureSlope(data, inverse);
    if (slope > 0) high = inverse;
    else low = inverse;
    const newton = curvature > 0 ? inverse - slope / curvature : Number.NaN;
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high);
    if (Math.abs(next - inverse) <= 1e-13 * inverse || high - low <= 1e-13 * high) {
      inverse = next;
      break;
    }
    inverse = next;
  }
  return { kind: 'temperature', temperature: 1 / inverse };
}

/** First and second derivative of the log loss by 1 / T. */
function temperatureSlope({ rows, classes, scores, target, weights }: CalibrationRows, inverse: number) {
  let slope = 0;
  let curvature = 0;
  for (let row = 0; row < rows; row++) {
    const from = row * classes;
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < classes; k++) most = Math.max(most, scores[from + k]);
    let [total, first, second] = [0, 0, 0];
    for (let k = 0; k < classes; k++) {
      const z = scores[from + k] - most;
      const e = Math.exp(z * inverse);
      total += e;
      first += e * z;
      second += e * z * z;
    }
    const mean = first / total;
    const weight = weights?.[row] ?? 1;
    slope += weight * (mean - (scores[from + target[row]] - most));
    curvature += weight * (second / total - mean * mean);
  }
  return { slope, curvature };
}

/**
 * Vector scaling: softmax(scale * scores + shift) with a scale and a shift a class, by the least log loss (Guo et al.
 * 2017). A ridge of 1e-6 holds the one direction that changes nothing (a shift of all classes).
 */
export function fitVector(data: CalibrationRows): CalibrationMap {
  const { rows, classes, scores, target, weights } = data;
  const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? rows;
  const ridge = 1e-6;
  const start = Float64Array.from({ length: 2 * classes }, (_, i) => (i < classes ? 1 : 0));
  const { at } = minimize(
    (at, gradient) => {
      gradient.fill(0);
      let loss = 0;
      const z = new Float64Array(classes);
      for (let row = 0; row < rows; row++) {
        const from = row * classes;
        let most = Number.NEGATIVE_INFINITY;
        for (let k = 0; k < classes; k++) {
          z[k] = at[k] * scores[from + k] + at[classes + k];
          most = Math.max(most, z[k]);
        }
        let sum = 0;
        for (let k = 0; k < classes; k++) sum += Math.exp(z[k] - most);
        const weight = (weights?.[row] ?? 1) / total;
        loss += weight * (most + Math.log(sum) - z[target[row]]);
        for (let k = 0; k < classes; k++) {
          const error = weight * (Math.exp(z[k] - most) / sum - (k === target[row] ? 1 : 0));
          gradient[k] += error * scores[from + k];
          gradient[classes + k] += error;
        }
      }
      for (let k = 0; k < classes; k++) {
        const [scale, shift] = [at[k] - 1, at[classes + k]];
        loss += (ridge / 2) * (scale * scale + shift * shift);
        gradient[k] += ridge * scale;
        gradient[classes + k] += ridge * shift;
      }
      return loss;
    },
    start,
    { tolerance: 1e-8 },
  );
  return { kind: 'vector', scale: Array.from(at.subarray(0, classes)), shift: Array.from(at.subarray(classes)) };
}
