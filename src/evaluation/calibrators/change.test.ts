import { describe, expect, test } from 'vitest';
import { derive } from '../../numeric/random.js';
import { miscalibrationChange } from './change.js';

/** Logits of the true probabilities, multiplied: above 1 is too sure. */
function input(rows: number, seed: number, sharper: number) {
  const random = derive(seed, 'miscalibration');
  const target = new Int32Array(rows);
  const logits = new Float64Array(2 * rows);
  for (let row = 0; row < rows; row++) {
    const z = 3 * random.normal();
    target[row] = random.uniform() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
    logits[2 * row + 1] = sharper * z;
  }
  return { task: 'classification', target, logits } as const;
}

describe('miscalibrationChange', () => {
  test('is what sharpening costs, whatever the model is worth otherwise', () => {
    const { before, after, change } = miscalibrationChange(input(4000, 1, 1), input(4000, 1, 3), { level: 0.99 });
    expect(Math.abs(before)).toBeLessThan(0.003);
    // E[log loss at 3z - log loss at z] of the same draws.
    expect(after).toBeGreaterThan(0.1);
    expect(change.value).toBeCloseTo(after - before, 12);
    expect(change.interval[0]).toBeGreaterThan(0.05);
  });

  test('calls models that are alike clearly different no more often than its level allows', () => {
    let alarms = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { target, logits } = input(300, seed, 1);
      const noise = derive(seed, 'noise');
      const blurred = logits.map((value) => value * (1 + 0.05 * noise.normal()));
      const after = { task: 'classification', target, logits: blurred } as const;
      alarms += Number(
        miscalibrationChange({ task: 'classification', target, logits }, after, { level: 0.99, seed }).change
          .interval[0] > 0,
      );
    }
    expect(alarms).toBeLessThanOrEqual(6);
  });
});
