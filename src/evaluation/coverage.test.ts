/** Do the 95 % intervals hold the truth at least about 95 times in 100? Reduced simulations, seeded. */
import { describe, expect, it } from 'vitest';
import { binomialQuantile, derive } from '../numeric/index.js';
import { evaluate } from './evaluate.js';
import { evaluateFairness } from './fairness.js';
import type { Figure } from './figure.js';
import type { ClassificationInput, RegressionInput } from './input.js';
import { comparePaired } from './paired.js';
import { prepareSample } from './sample.js';
import { simulateClassification, simulatePair } from './simulate.fixture.js';

/** Counts, by name, how many intervals there were and how many held the truth. */
class Coverage {
  readonly #counts = new Map<string, { held: number; all: number }>();

  add(name: string, figure: Figure, truth: number): void {
    const count = this.#counts.get(name) ?? { held: 0, all: 0 };
    this.#counts.set(name, count);
    count.all++;
    if (figure.interval[0] <= truth + 1e-9 && truth - 1e-9 <= figure.interval[1]) count.held++;
  }

  /**
   * Names whose intervals held the truth so rarely that intervals of the given true coverage would do so once in 10,000
   * simulations.
   */
  tooRare(coverage = 0.92): string[] {
    return [...this.#counts].flatMap(([name, { held, all }]) =>
      held < binomialQuantile(1e-4, all, coverage) ? [`${name}: ${held} of ${all}`] : [],
    );
  }

  get size(): number {
    return this.#counts.size;
  }
}

/** Few resamples; `maxRows` decides between the bootstrap and the large-sample intervals. */
const FAST = { bootstrap: { resamples: 150 } };
/** Metrics with an absolute value in them: their intervals may cover more than asked for. */
const CALIBRATION = new Set(['ece', 'eceAdaptive', 'eceClasswise']);

describe('coverage of 95 % intervals', () => {
  it.each([
    ['two classes, overconfident, bootstrap', 2, 1.6, 100, 100, 1000],
    ['four classes, calibrated, bootstrap', 4, 1, 250, 60, 1000],
    ['two classes, overconfident, large-sample', 2, 1.6, 400, 80, 100],
  ] as const)('%s', (_name, classes, sharpness, rows, trials, maxRows) => {
    const whole = evaluate({
      ...simulateClassification(derive(1, 'truth'), 60_000, classes, sharpness),
      ...FAST,
    }).metrics;
    const bootstrap = { ...FAST.bootstrap, maxRows };
    const plain = new Coverage();
    const calibration = new Coverage();
    for (let trial = 0; trial < trials; trial++) {
      const sample = simulateClassification(derive(2, trial), rows, classes, sharpness);
      for (const [name, figure] of Object.entries(evaluate({ ...sample, seed: trial, bootstrap }).metrics)) {
        // The largest error of all bins hangs on bins that most samples do not reach.
        if (name === 'mce') continue;
        (CALIBRATION.has(name) ? calibration : plain).add(name, figure, whole[name].value);
      }
    }
    expect(plain.size).toBe(12);
    expect(plain.tooRare()).toEqual([]);
    expect(calibration.size).toBe(3);
    expect(calibration.tooRare()).toEqual([]);
  });

  it('regression with normal errors', () => {
    const draw = (seed: number, rows: number): RegressionInput => {
      const random = derive(3, seed);
      const target = Float64Array.from({ length: rows }, () => 20 + random.normal(0, 3));
      return { task: 'regression', target, predictions: target.map((y) => y + random.normal()) };
    };
    const whole = evaluate({ ...draw(-1, 300_000), metrics: ['pinball@0.9'], ...FAST }).metrics;
    const coverage = new Coverage();
    for (let trial = 0; trial < 200; trial++) {
      const { metrics } = evaluate({ ...draw(trial, 80), metrics: ['pinball@0.9'], ...FAST, seed: trial });
      for (const [name, figure] of Object.entries(metrics)) coverage.add(name, figure, whole[name].value);
    }
    expect(coverage.size).toBe(5);
    expect(coverage.tooRare()).toEqual([]);
  });

  it.each([
    ['equal groups', [0.4, 0.4, 0.4]],
    ['unequal groups', [0.3, 0.45, 0.6]],
  ] as const)('fairness, %s', (_name, shares) => {
    const [hit, miss] = [0.8, 0.2];
    const selected = shares.map((share) => share * hit + (1 - share) * miss);
    const truth = {
      demographicParityDifference: Math.max(...selected) - Math.min(...selected),
      demographicParityRatio: Math.min(...selected) / Math.max(...selected),
      equalizedOddsDifference: 0,
    };
    const coverage = new Coverage();
    for (let trial = 0; trial < 150; trial++) {
      const random = derive(4, trial);
      const codes = Int32Array.from({ length: 400 }, () => random.integer(3));
      const target = Array.from(codes, (group) => Number(random.uniform() < shares[group]));
      const predictions = target.map((positive) => Number(random.uniform() < (positive === 1 ? hit : miss)));
      const sample = prepareSample({ task: 'classification', target, predictions });
      if (sample.task !== 'classification') continue;
      const column = { name: 'group', codes, dictionary: ['a', 'b', 'c'] };
      const fairness = evaluateFairness(sample, column, { level: 0.95, seed: trial, resamples: 200, maxRows: 1000 });
      for (const [name, value] of Object.entries(truth))
        coverage.add(name, fairness.metrics[name as keyof typeof truth]!, value);
    }
    expect(coverage.size).toBe(3);
    expect(coverage.tooRare()).toEqual([]);
  });
});

describe('paired comparisons', () => {
  const METRICS = ['accuracy', 'logLoss', 'brier', 'rocAuc', 'prAuc', 'f1', 'mcc', 'ece'];

  it.each([
    ['few rows', 120, 2, 1000],
    ['many rows', 400, 3, 100],
  ] as const)('reject about 5 % where two models are equally good: %s', (_name, rows, classes, maxRows) => {
    const coverage = new Coverage();
    const trials = 100;
    let mcnemar = 0;
    for (let trial = 0; trial < trials; trial++) {
      const pair = simulatePair(derive(5, trial), rows, classes, [0.9, 0.9]);
      for (const metric of METRICS) {
        const paired = comparePaired({ ...pair, metric, seed: trial, bootstrap: { resamples: 150, maxRows } });
        if ('reason' in paired) throw new Error(paired.reason);
        coverage.add(metric, paired.difference, 0);
        if (metric === 'accuracy' && paired.mcnemar!.midP < 0.05) mcnemar++;
      }
    }
    expect(coverage.size).toBe(METRICS.length);
    expect(coverage.tooRare()).toEqual([]);
    expect(mcnemar / trials).toBeLessThan(0.1);
  });

  it('hold the true difference of unequal models and see it', () => {
    const whole = simulatePair(derive(6, 'truth'), 100_000, 2, [0.5, 1.2]);
    const coverage = new Coverage();
    const seen = new Map<string, number>();
    const trials = 100;
    const metrics = ['accuracy', 'logLoss', 'rocAuc', 'f1'];
    const truth = new Map<string, number>();
    for (const metric of metrics) {
      const paired = comparePaired({ ...whole, metric });
      if (!('reason' in paired)) truth.set(metric, paired.difference.value);
    }
    for (let trial = 0; trial < trials; trial++) {
      const pair = simulatePair(derive(7, trial), 250, 2, [0.5, 1.2]);
      for (const metric of metrics) {
        const paired = comparePaired({ ...pair, metric, seed: trial, ...FAST });
        if ('reason' in paired) throw new Error(paired.reason);
        coverage.add(metric, paired.difference, truth.get(metric)!);
        const [low, high] = paired.difference.interval;
        if (low > 0 || high < 0) seen.set(metric, (seen.get(metric) ?? 0) + 1);
      }
    }
    expect(coverage.tooRare()).toEqual([]);
    for (const metric of metrics) expect((seen.get(metric) ?? 0) / trials).toBeGreaterThan(0.7);
  });

  it('with weights, intervals use the effective number of rows', () => {
    const random = derive(8);
    const base = simulateClassification(random, 300, 2);
    const weights = Float64Array.from(base.target, () => random.gamma(0.5));
    const width = (input: ClassificationInput, name: string): number => {
      const { interval } = evaluate({ ...input, ...FAST }).metrics[name];
      return interval[1] - interval[0];
    };
    for (const name of ['accuracy', 'logLoss', 'rocAuc', 'brier']) {
      expect(width({ ...base, weights }, name)).toBeGreaterThan(1.3 * width(base, name));
      expect(width({ ...base, weights: weights.map((w) => w * 1000) }, name)).toBeCloseTo(
        width({ ...base, weights }, name),
        9,
      );
    }
  });
});
