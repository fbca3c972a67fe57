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
    const { before, after, change, inverse } = miscalibrationChange(input(4000, 1, 1), input(4000, 1, 3), {
      level: 0.99,
    });
    expect(Math.abs(before)).toBeLessThan(0.003);
    // E[log loss at 3z - log loss at z] of the same draws.
    expect(after).toBeGreaterThan(0.1);
    expect(change.value).toBeCloseTo(after - before, 12);
    expect(change.interval[0]).toBeGreaterThan(0.05);
    expect(inverse.before).toBeCloseTo(1, 1);
    expect(inverse.after).toBeCloseTo(1 / 3, 1);
    expect(inverse.difference.value).toBeCloseTo(inverse.after - inverse.before, 12);
  });

  test('covers a difference of inverse temperatures as often as it says', () => {
    let covered = 0;
    for (let seed = 0; seed < 300; seed++) {
      // Two models whose scores go different ways to the same labels.
      const random = derive(seed, 'inverse temperatures');
      const [first, second] = [1, 2].map(() => new Float64Array(2 * 200));
      const target = Int32Array.from({ length: 200 }, (_, row) => {
        const z = 2 * random.normal();
        first[2 * row + 1] = z;
        second[2 * row + 1] = 2 * z;
        return random.uniform() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
      });
      const of = (logits: Float64Array) => ({ task: 'classification', target, logits }) as const;
      const [low, high] = miscalibrationChange(of(first), of(second), { seed }).inverse.difference.interval;
      covered += Number(low <= -0.5 && -0.5 <= high);
    }
    expect(covered / 300).toBeGreaterThan(0.91);
    expect(covered / 300).toBeLessThan(0.985);
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
