import type { Random } from '../numeric/index.js';
import type { ClassificationInput } from './input.js';

/**
 * Rows whose class is drawn from softmax(z) and whose logits are `sharpness` z: calibrated at 1, overconfident above.
 */
export function simulateClassification(
  random: Random,
  rows: number,
  classes: number,
  sharpness = 1,
): ClassificationInput {
  const target = new Int32Array(rows);
  const logits = new Float64Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    const z = Float64Array.from({ length: classes }, () => random.normal(0, 1.3));
    target[row] = random.choice(z.map(Math.exp));
    logits.set(
      z.map((value) => value * sharpness),
      row * classes,
    );
  }
  return { task: 'classification', target, logits };
}

/** Two models of the same rows: a common signal, and noise of each one's own. */
export function simulatePair(
  random: Random,
  rows: number,
  classes: number,
  noise: readonly [number, number],
): { first: ClassificationInput; second: ClassificationInput } {
  const target = new Int32Array(rows);
  const logits = noise.map(() => new Float64Array(rows * classes));
  for (let row = 0; row < rows; row++) {
    target[row] = random.integer(classes);
    for (let k = 0; k < classes; k++) {
      const signal = (k === target[row] ? 1.5 : 0) + random.normal(0, 0.7);
      noise.forEach((deviation, model) => {
        logits[model][row * classes + k] = signal + random.normal(0, deviation);
      });
    }
  }
  return {
    first: { task: 'classification', target, logits: logits[0] },
    second: { task: 'classification', target, logits: logits[1] },
  };
}
