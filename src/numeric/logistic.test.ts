import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fitLogistic } from './logistic.js';

const { cases } = JSON.parse(readFileSync(new URL('./goldens/logistic.json', import.meta.url), 'utf8')) as {
  cases: readonly {
    rows: number;
    columns: number;
    penalty: number;
    x: number[];
    positive: boolean[];
    weights: number[];
    intercept: number;
  }[];
};

describe("fitLogistic against scikit-learn's LogisticRegression", () => {
  it.each(cases.map((golden, i) => ({ i, golden })))('case $i', ({ golden }) => {
    const { rows, columns, penalty, x, positive, weights, intercept } = golden;
    const found = fitLogistic({ rows, columns, data: Float64Array.from(x) }, positive, penalty);
    expect(Math.abs(found.intercept - intercept)).toBeLessThan(1e-5 * Math.max(1, Math.abs(intercept)));
    weights.forEach((expected, j) => {
      expect(Math.abs(found.weights[j] - expected)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)));
    });
  });
});
