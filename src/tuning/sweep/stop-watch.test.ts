import { expect, test } from 'vitest';
import { derive } from '../../numeric/random.js';
import { variance } from '../../numeric/statistics.js';
import { foldVariance } from './stop-watch.js';

test('the variance over folds is that of Nadeau and Bengio', () => {
  // (1/k + 1/(k - 1)) s^2 with s^2 = 2.5 of 1, ..., 5 and k = 5.
  expect(foldVariance([1, 2, 3, 4, 5])).toBeCloseTo((1 / 5 + 1 / 4) * 2.5, 12);
});

test('it covers folds that are alike because they are trained on the same rows', () => {
  const random = derive(1, 'folds');
  const k = 5;
  // Correlation 1/k between folds: what each is off by has a part in common.
  const sweeps = Array.from({ length: 4000 }, () => {
    const common = Math.sqrt(1 / k) * random.normal();
    const folds = Array.from({ length: k }, () => common + Math.sqrt(1 - 1 / k) * random.normal());
    return { mean: folds.reduce((a, b) => a + b, 0) / k, claimed: foldVariance(folds) };
  });
  const true_ = variance(sweeps.map(({ mean }) => mean));
  const claimed = sweeps.reduce((sum, each) => sum + each.claimed, 0) / sweeps.length;
  expect(claimed / true_).toBeGreaterThan(0.9);
  expect(claimed / true_).toBeLessThan(1.15);
});
