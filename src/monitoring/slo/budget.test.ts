import { describe, expect, test } from 'vitest';
import { burnRate, errorBudget, tooFew } from './budget.js';
import { pyrraRules, rulesOf, workbookRules } from './burn-rules.js';
import { calibrationError, calibrationNoise } from './calibration-error.js';
import { reweight } from './mix.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const shown = (rules: ReturnType<typeof workbookRules>) =>
  rules.map(({ severity, factor, longMs, shortMs }) => [severity, Number(factor.toFixed(6)), longMs, shortMs]);

describe('burn-rate rules', () => {
  test('are those of the SRE workbook (table 5-8), which Sloth publishes as google-30d', () => {
    expect(shown(workbookRules(30 * DAY))).toEqual([
      ['page', 14.4, HOUR, 5 * MINUTE],
      ['page', 6, 6 * HOUR, 30 * MINUTE],
      ['ticket', 3, DAY, 2 * HOUR],
      ['ticket', 1, 3 * DAY, 6 * HOUR],
    ]);
  });

  test('of 28 days keep the shares of the budget, as Sloth does: 2 % of 28 days in an hour is 13.44 times', () => {
    expect(workbookRules(28 * DAY).map(({ factor }) => Number(factor.toFixed(4)))).toEqual([13.44, 5.6, 2.8, 0.9333]);
  });

  test("are Pyrra's for other periods: 14, 7, 2, 1 over windows in proportion to the period", () => {
    expect(shown(pyrraRules(28 * DAY))).toEqual([
      ['page', 14, HOUR, 5 * MINUTE],
      ['page', 7, 6 * HOUR, 30 * MINUTE],
      ['ticket', 2, DAY, 2 * HOUR],
      ['ticket', 1, 4 * DAY, 6 * HOUR],
    ]);
    // Of a week: a quarter of each, rounded to minutes.
    expect(shown(pyrraRules(7 * DAY)).map(([, , long, short]) => [long, short])).toEqual([
      [15 * MINUTE, MINUTE],
      [90 * MINUTE, 8 * MINUTE],
      [6 * HOUR, 30 * MINUTE],
      [DAY, 90 * MINUTE],
    ]);
  });

  test('are chosen by the period, or written out', () => {
    const answered = { sli: { type: 'availability' }, stage: 'production' } as const;
    expect(rulesOf({ ...answered, burn: 'workbook', window: '30d' })).toEqual(workbookRules(30 * DAY));
    expect(rulesOf({ ...answered, burn: 'workbook', window: '2d' })).toEqual(pyrraRules(2 * DAY));
    expect(
      rulesOf({ ...answered, burn: [{ severity: 'page', factor: 2, long: '1h', short: '5m' }], window: '30d' }),
    ).toEqual([{ severity: 'page', factor: 2, longMs: HOUR, shortMs: 5 * MINUTE }]);
  });
});

describe('error budget', () => {
  test('is what the objective allows of the events there were', () => {
    const budget = errorBudget({ good: 999_600, total: 1_000_000 }, 0.999);
    expect(budget.allowed).toBeCloseTo(1000, 6);
    expect(budget.bad).toBe(400);
    expect(budget.remaining).toBeCloseTo(0.6, 9);
    expect(errorBudget({ good: 0, total: 0 }, 0.999).remaining).toBe(1);
    expect(errorBudget({ good: 996, total: 1000 }, 0.999).remaining).toBeCloseTo(-3, 9);
  });

  test('is gone after the period at a burn rate of 1, and after the period / 14.4 at 14.4', () => {
    expect(burnRate({ good: 999, total: 1000 }, 0.999)).toBeCloseTo(1, 9);
    expect(burnRate({ good: 1000 - 14.4, total: 1000 }, 0.999)).toBeCloseTo(14.4, 9);
    expect(burnRate({ good: 0, total: 0 }, 0.999)).toBe(0);
  });
});

describe('few events', () => {
  const limits = { events: 2, level: 0.001 };

  test('alert nobody: one failure of ten an hour burns a budget of 0.1 % a hundred times too fast', () => {
    expect(burnRate({ good: 9, total: 10 }, 0.999)).toBeCloseTo(100, 9);
    expect(tooFew({ good: 9, total: 10 }, 0.999, limits)).toContain('1 bad of 10');
  });

  test('alert where chance does not explain them: P(X >= 2) of 10 at 0.1 % is 4.5e-5', () => {
    expect(tooFew({ good: 8, total: 10 }, 0.999, limits)).toBeUndefined();
    // Of 10 at 5 %: P(X >= 2) = 1 - 0.95^10 - 10 * 0.05 * 0.95^9 = 0.0861.
    expect(tooFew({ good: 8, total: 10 }, 0.95, limits)).toContain('0.086');
    expect(tooFew({ good: 0, total: 3 }, 0.95, limits)).toBeUndefined();
  });
});

describe('calibration', () => {
  const bins = [
    { count: 100, confidence: 60, right: 50 },
    { count: 300, confidence: 270, right: 285 },
  ];

  test('error is the mean distance of accuracy and confidence by bins', () => {
    // 100/400 |0.5 - 0.6| + 300/400 |0.95 - 0.9|
    expect(calibrationError(bins)).toBeCloseTo(0.0625, 12);
    expect(calibrationError([])).toBeNaN();
  });

  test('noise is what a calibrated model has: sqrt(2 / pi) sum sqrt(n p (1 - p)) / n', () => {
    const expected = (Math.sqrt(2 / Math.PI) * (Math.sqrt(100 * 0.6 * 0.4) + Math.sqrt(300 * 0.9 * 0.1))) / 400;
    expect(calibrationNoise(bins)).toBeCloseTo(expected, 12);
  });
});

describe('a reference mix', () => {
  const slices = new Map([
    ['phone', { good: 900, total: 1000, pending: 5 }],
    ['desktop', { good: 98, total: 100, pending: 0 }],
  ]);

  test('weighs slices by its shares, whatever the traffic: 0.5 * 10 % + 0.5 * 2 %', () => {
    const { good, total, uncovered, pending } = reweight(slices, { phone: 1, desktop: 1 });
    expect(1 - good / total).toBeCloseTo(0.06, 12);
    // 1 / (0.25 / 1000 + 0.25 / 100)
    expect(total).toBeCloseTo(363.636363, 5);
    expect([uncovered, pending]).toEqual([0, 5]);
  });

  test('that is the traffic changes nothing, and what was not seen is told', () => {
    const same = reweight(slices, { phone: 10, desktop: 1 });
    expect(1 - same.good / same.total).toBeCloseTo(102 / 1100, 12);
    expect(same.total).toBeCloseTo(1100, 6);
    expect(reweight(slices, { phone: 0.6, tablet: 0.4 }).uncovered).toBeCloseTo(0.4, 12);
    expect(reweight(slices, { tablet: 1 })).toEqual({ good: 0, total: 0, pending: 0, uncovered: 1 });
  });
});
