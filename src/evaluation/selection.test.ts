import { describe, expect, test } from 'vitest';
import { derive } from '../numeric/random.js';
import type { PredictionInput } from './input.js';
import { selectBest } from './selection.js';

/** Candidates that are right about each row with a chance of their own, all about the same rows. */
function candidates(chances: readonly number[], rows: number, seed: number): PredictionInput[][] {
  const random = derive(seed, 'selection-test');
  const target = Int32Array.from({ length: rows }, () => random.integer(2));
  return chances.map((chance) => [
    {
      task: 'classification',
      target,
      predictions: Int32Array.from(target, (code) => (random.uniform() < chance ? code : 1 - code)),
      classes: ['no', 'yes'],
    },
  ]);
}

describe('choosing the best of many', () => {
  test('takes the luck off: of 30 equal models the best looks better than any is', () => {
    let apparent = 0;
    let corrected = 0;
    let covered = 0;
    const times = 40;
    for (let seed = 0; seed < times; seed++) {
      const input = candidates(Array(30).fill(0.7), 150, seed);
      const chosen = selectBest({ metric: 'accuracy', candidates: input, resamples: 150, seed })!;
      apparent += chosen.apparent.value / times;
      corrected += chosen.corrected.value / times;
      const [low, high] = chosen.corrected.interval;
      if (low <= 0.7 && 0.7 <= high) covered++;
    }
    // The expected largest of 30 means of 150 rows is two standard errors (2 x 0.037) above 0.7.
    expect(apparent).toBeGreaterThan(0.76);
    expect(Math.abs(corrected - 0.7)).toBeLessThan(0.015);
    expect(covered / times).toBeGreaterThanOrEqual(0.9);
  });

  test('leaves a clear winner as it is', () => {
    const input = candidates([0.6, 0.62, 0.95, 0.6], 400, 3);
    const chosen = selectBest({ metric: 'accuracy', candidates: input, seed: 3 })!;
    expect(chosen.best).toBe(2);
    expect(chosen.apparent.value - chosen.corrected.value).toBeLessThan(0.005);
    expect(chosen.tied).toEqual([]);
  });

  test('names those that cannot be told from the best, and averages over folds', () => {
    const folds = [1, 2, 3].map((seed) => candidates([0.8, 0.8, 0.55], 200, seed));
    const input = [0, 1, 2].map((candidate) => folds.map((fold) => fold[candidate][0]));
    const chosen = selectBest({ metric: 'accuracy', candidates: input, seed: 1 })!;
    expect(chosen.tied).toEqual([1 - chosen.best]);
    const [low, high] = chosen.apparent.interval;
    expect(high - low).toBeLessThan(0.08);
  });

  test('has no answer where the metric has no value or cannot be resampled', () => {
    const input = candidates([0.8, 0.7], 50, 1);
    expect(selectBest({ metric: 'logLoss', candidates: input })).toBeUndefined();
  });
});
