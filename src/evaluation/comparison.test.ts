import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { delongVariance, derive, normalQuantile, rocArea } from '../numeric/index.js';
import { type Evaluation, evaluate } from './evaluate.js';
import { evaluateFairness, fairnessValues } from './fairness.js';
import type { ClassificationInput, PredictionInput } from './input.js';
import { buildLedger, gapOf, measureLoss } from './ledger.js';
import { compareLedgers } from './ledger-compare.js';
import { mcnemarTest } from './mcnemar.js';
import { comparePaired, meanOverSeeds, pairedOverSeeds } from './paired.js';
import { type ClassificationSample, prepareSample } from './sample.js';
import { simulateClassification, simulatePair } from './simulate.fixture.js';
import { compareModels, judgeDifference } from './verdict.js';

const golden = JSON.parse(readFileSync(new URL('./goldens/metrics.json', import.meta.url), 'utf8')) as {
  mcnemar: { onlyFirst: number; onlySecond: number; exact: number; midP: number }[];
  fairness: { group: number[]; target: number[]; predictions: number[]; values: Record<string, number> }[];
};

const sampleOf = (input: ClassificationInput): ClassificationSample => prepareSample(input) as ClassificationSample;

describe('paired comparison', () => {
  it("agrees with statsmodels' McNemar test", () => {
    for (const { onlyFirst, onlySecond, exact, midP } of golden.mcnemar) {
      const test = mcnemarTest(onlyFirst, onlySecond);
      expect(test.exact).toBeCloseTo(exact, 11);
      expect(test.midP).toBeCloseTo(midP, 11);
      expect(mcnemarTest(onlySecond, onlyFirst).midP).toBe(test.midP);
    }
  });

  it("is DeLong's test for the ROC-AUC", () => {
    const { first, second } = simulatePair(derive(1), 90, 2, [0.8, 1.2]);
    const paired = comparePaired({ metric: 'rocAuc', first, second });
    if ('reason' in paired) throw new Error(paired.reason);
    const labels = Uint8Array.from(first.target);
    const [a, b] = [first, second].map((input) => {
      const probabilities = sampleOf(input).probabilities!;
      return rocArea(
        Float64Array.from(labels, (_, row) => probabilities[2 * row + 1]),
        labels,
      );
    });
    const deviation = Math.sqrt(
      delongVariance(
        a.influence.map((value, i) => value - b.influence[i]),
        labels,
      ),
    );
    expect(paired.difference.method).toBe('paired DeLong');
    expect(paired.difference.value).toBeCloseTo(a.area - b.area, 12);
    expect(paired.difference.interval[1]).toBeCloseTo(a.area - b.area + normalQuantile(0.975) * deviation, 10);
  });

  it('turns around when the models change places', () => {
    const { first, second } = simulatePair(derive(2), 200, 3, [0.5, 1.2]);
    for (const metric of ['accuracy', 'logLoss', 'rocAuc', 'f1', 'ece']) {
      const forth = comparePaired({ metric, first, second });
      const back = comparePaired({ metric, first: second, second: first });
      if ('reason' in forth || 'reason' in back) throw new Error('undefined');
      expect(forth.difference.value).toBeCloseTo(-back.difference.value, 12);
      const width = forth.difference.interval[1] - forth.difference.interval[0];
      expect(Math.abs(forth.difference.interval[0] + back.difference.interval[1])).toBeLessThan(0.1 * width);
    }
  });

  it('is narrower than comparing as if the rows differed', () => {
    const { first, second } = simulatePair(derive(3), 400, 2, [0.3, 0.3]);
    const [a, b] = [evaluate(first).metrics, evaluate(second).metrics];
    for (const metric of ['accuracy', 'logLoss', 'rocAuc', 'brier']) {
      const paired = comparePaired({ metric, first, second });
      if ('reason' in paired) throw new Error(paired.reason);
      const width = paired.difference.interval[1] - paired.difference.interval[0];
      const apart = Math.hypot(
        a[metric].interval[1] - a[metric].interval[0],
        b[metric].interval[1] - b[metric].interval[0],
      );
      expect(width).toBeLessThan(0.8 * apart);
    }
  });

  it('says nothing lies between a model and itself', () => {
    const { first } = simulatePair(derive(4), 100, 2, [1, 1]);
    for (const metric of ['accuracy', 'logLoss', 'rocAuc', 'ece']) {
      const paired = comparePaired({ metric, first, second: first });
      if ('reason' in paired) throw new Error(paired.reason);
      expect(paired.difference.value).toBe(0);
      expect(judgeDifference(paired.difference, 'higher')).toBe('no clear difference');
    }
  });

  it('refuses other rows, other tasks, and gives the reason where a metric is undefined', () => {
    const { first } = simulatePair(derive(5), 20, 2, [1, 1]);
    const { second } = simulatePair(derive(6), 20, 2, [1, 1]);
    expect(() => comparePaired({ metric: 'accuracy', first, second })).toThrow(/same rows/);
    expect(() => comparePaired({ metric: 'rmse', first, second: first })).toThrow(/metric of regression/);
    const labels: PredictionInput = { task: 'classification', target: [0, 1], predictions: [0, 1] };
    expect(comparePaired({ metric: 'ece', first: labels, second: labels })).toEqual({
      reason: 'it needs probabilities',
    });
  });

  it("uses Student's t over seeds", () => {
    expect(pairedOverSeeds([0.9, 0.92, 0.95], [0.88, 0.91, 0.93])).toEqual({
      value: expect.closeTo(0.05 / 3, 12),
      // scipy.stats.t.interval(0.95, 2, loc=0.05/3, scale=scipy.stats.sem([0.02, 0.01, 0.02]))
      interval: [expect.closeTo(0.0023244909008, 11), expect.closeTo(0.0310088424325, 11)],
      method: 'Student t over 3 paired seeds',
    });
    expect(meanOverSeeds([1])).toBeUndefined();
    expect(() => pairedOverSeeds([1, 2], [1])).toThrow(/equal numbers/);
  });
});

describe('fairness', () => {
  it('agrees with fairlearn', () => {
    for (const { group, target, predictions, values } of golden.fairness) {
      const sample = sampleOf({ task: 'classification', target, predictions });
      const column = { name: 'group', codes: group, dictionary: ['a', 'b', 'c', 'd'] };
      expect(fairnessValues(sample, column)).toEqual(
        Object.fromEntries(Object.entries(values).map(([name, value]) => [name, expect.closeTo(value, 12)])),
      );
      const full = evaluateFairness(sample, column, { level: 0.95, seed: 1, resamples: 300, maxRows: 1000 });
      for (const [name, value] of Object.entries(values)) {
        const figure = full.metrics[name as 'demographicParityRatio']!;
        expect(figure.value).toBeCloseTo(value, 12);
        expect(figure.interval[0]).toBeLessThan(value);
        expect(figure.interval[1]).toBeGreaterThan(value);
      }
      expect(full.groups.reduce((total, { rows }) => total + rows, 0)).toBe(target.length);
    }
  });

  it('lists small groups and missing values, and compares without them', () => {
    const target = Array.from({ length: 43 }, (_, i) => i % 2);
    const codes = target.map((_, i) => (i < 20 ? 0 : i < 40 ? 1 : i < 42 ? 2 : -1));
    const predictions = target.map((_, i) => (i < 20 ? 1 : i < 40 ? i % 2 : 0));
    const { fairness } = evaluate({
      task: 'classification',
      target,
      predictions,
      sensitive: [{ name: 'sex', codes, dictionary: ['f', 'm', 'x'] }],
    });
    expect(fairness?.[0].groups.map(({ group, rows, compared }) => [group, rows, compared])).toEqual([
      [undefined, 1, false],
      ['f', 20, true],
      ['m', 20, true],
      ['x', 2, false],
    ]);
    expect(fairness?.[0].metrics.demographicParityDifference?.value).toBe(0.5);
    expect(fairness?.[0].metrics.equalizedOddsDifference?.value).toBe(1);
    const alone = evaluate({
      task: 'classification',
      target: [0, 1],
      predictions: [0, 1],
      sensitive: [{ name: 's', codes: [0, 1], dictionary: ['a', 'b'] }],
    });
    expect(alone.fairness?.[0].omitted.demographicParityRatio).toMatch(/fewer than two groups/);
    const three = evaluate({
      task: 'classification',
      target: [0, 1, 2],
      predictions: [0, 1, 2],
      sensitive: [{ name: 's', codes: [0, 1, 0], dictionary: ['a', 'b'] }],
    });
    expect(three.fairness?.[0].omitted.demographicParityRatio).toMatch(/must be named as positive/);
  });
});

const rightly = (right: number, rows: number): Evaluation =>
  evaluate({
    task: 'classification',
    target: new Array<number>(rows).fill(1).map((one, i) => (i % 2 === 0 ? one : 0)),
    predictions: new Array<number>(rows).fill(0).map((_, i) => (i < right ? 1 - (i % 2) : i % 2)),
  });

describe('gap ledger', () => {
  it('splits what was lost into stages that sum up', () => {
    const [train, validation, holdout] = [rightly(990, 1000), rightly(380, 400), rightly(376, 400)];
    const ledger = buildLedger('accuracy', [
      { stage: 'train', evaluation: train },
      { stage: 'validation', evaluation: validation },
      { stage: 'holdout', evaluation: holdout },
    ]);
    expect(ledger.stages.map(({ stage, value, delta }) => [stage, value, delta])).toEqual([
      ['train', 0.99, null],
      ['validation', 0.95, expect.closeTo(0.04, 12)],
      ['holdout', 0.94, expect.closeTo(0.01, 12)],
    ]);
    expect(ledger.largest).toBe('validation');
    expect(ledger.stages[1].deltaMethod).toBe('Newcombe');
    expect(ledger.stages[1].deltaInterval![0]).toBeGreaterThan(0);
    expect(ledger.stages[2].deltaInterval![0]).toBeLessThan(0);
    expect(gapOf(train, validation, 'accuracy')).toEqual({
      value: ledger.stages[1].delta,
      interval: ledger.stages[1].deltaInterval,
      method: 'Newcombe',
    });
  });

  it('counts losses as positive whichever way the metric runs', () => {
    const train = evaluate(simulateClassification(derive(1), 300, 2, 1));
    const worse = evaluate(simulateClassification(derive(2), 300, 2, 3));
    for (const metric of ['logLoss', 'brier', 'ece']) {
      const { stages, largest } = buildLedger(metric, [
        { stage: 'validation', evaluation: train },
        { stage: 'production', evaluation: worse },
      ]);
      expect(stages[1].delta).toBeCloseTo(worse.metrics[metric].value - train.metrics[metric].value, 12);
      expect(largest).toBe('production');
    }
    const better = buildLedger('logLoss', [
      { stage: 'validation', evaluation: worse },
      { stage: 'calibrated', evaluation: train },
    ]);
    expect(better.stages[1].delta).toBeLessThan(0);
    expect(better.largest).toBeNull();
  });

  it('pairs stages of the same rows', () => {
    const { first, second } = simulatePair(derive(3), 300, 2, [0.5, 0.6]);
    const stages = (rowSet: string) =>
      buildLedger('brier', [
        { stage: 'holdout', evaluation: evaluate(first), paired: { rowSet: 'holdout', predictions: first } },
        { stage: 'compressed', evaluation: evaluate(second), paired: { rowSet, predictions: second } },
      ]).stages[1];
    const [same, other] = [stages('holdout'), stages('another')];
    expect(same.delta).toBeCloseTo(other.delta!, 12);
    expect(same.deltaMethod).toBe('paired BCa bootstrap');
    expect(other.deltaMethod).toBe('MOVER');
    expect(same.deltaInterval![1] - same.deltaInterval![0]).toBeLessThan(
      other.deltaInterval![1] - other.deltaInterval![0],
    );
  });

  it('calls a clear loss the largest before one that may be chance', () => {
    const { stages, largest } = buildLedger('accuracy', [
      { stage: 'holdout', evaluation: rightly(380, 400) },
      { stage: 'compressed', evaluation: rightly(344, 400) },
      { stage: 'production', evaluation: rightly(6, 8) },
    ]);
    expect(stages[1].deltaInterval![0]).toBeGreaterThan(0);
    expect(stages[2].deltaInterval![0]).toBeLessThan(0);
    expect(stages[2].delta).toBeGreaterThan(stages[1].delta!);
    expect(largest).toBe('compressed');
  });

  it('finds where a model begins to lose what another does not', () => {
    const of = (validation: number, holdout: number, production: number) =>
      buildLedger('accuracy', [
        { stage: 'train', evaluation: rightly(990, 1000) },
        { stage: 'validation', evaluation: rightly(validation, 1000) },
        { stage: 'holdout', evaluation: rightly(holdout, 1000) },
        { stage: 'production', evaluation: rightly(production, 1000) },
      ]);
    // A gap of 9 points is usual here; the holdout loses 8 beyond that, production 10 as its consequence.
    const { stages, origin } = compareLedgers(of(900, 820, 720), of(905, 905, 900));
    expect(stages.map(({ stage, clear }) => [stage, clear])).toEqual([
      ['validation', false],
      ['holdout', true],
      ['production', true],
    ]);
    expect(stages[1].excess).toBeCloseTo(0.08, 12);
    expect(origin).toBe('holdout');
    expect(compareLedgers(of(900, 895, 890), of(905, 905, 900)).origin).toBeNull();
    const lone = buildLedger('accuracy', [{ stage: 'train', evaluation: rightly(9, 10) }]);
    expect(() => compareLedgers(lone, lone)).toThrow(expect.objectContaining({ code: 'LEDGER_COMPARE' }));
  });

  it('takes stress for a branch, and comparisons that were kept for those of the same rows', () => {
    const [holdout, stressed, calibrated] = [rightly(380, 400), rightly(200, 400), rightly(382, 400)];
    const kept = { value: 0.45, interval: [0.4, 0.5] as const, method: 'kept' };
    const ledger = buildLedger('accuracy', [
      { stage: 'holdout', evaluation: holdout },
      { stage: 'stress', evaluation: stressed, lost: { from: 'holdout', figures: { accuracy: kept } } },
      { stage: 'calibrated', evaluation: calibrated, lost: { from: 'train', figures: { accuracy: kept } } },
    ]);
    expect(ledger.stages.map(({ from }) => from)).toEqual([null, 'holdout', 'holdout']);
    expect(ledger.stages[1]).toMatchObject({ delta: 0.45, deltaInterval: [0.4, 0.5], deltaMethod: 'kept' });
    // Kept against another stage: not what was lost here.
    expect(ledger.stages[2].delta).toBeCloseTo(-0.005, 12);
    expect(ledger.largest).toBeNull();
  });

  it('keeps what a stage lost against another on the same rows, in every metric, losses positive', () => {
    const { first, second } = simulatePair(derive(5), 300, 2, [0.5, 0.9]);
    const { from, figures } = measureLoss('holdout', first, second);
    expect(from).toBe('holdout');
    const [before, after] = [evaluate(first), evaluate(second)];
    expect(figures.accuracy.value).toBeCloseTo(before.metrics.accuracy.value - after.metrics.accuracy.value, 12);
    expect(figures.logLoss.value).toBeCloseTo(after.metrics.logLoss.value - before.metrics.logLoss.value, 12);
  });

  it('looks at one class or slice, and bridges stages without a value', () => {
    const input = simulateClassification(derive(4), 200, 2);
    const column = { name: 'site', codes: Array.from(input.target, (_, i) => i % 2), dictionary: ['a', 'b'] };
    const evaluation = evaluate({ ...input, slices: [column] });
    const inputs = [
      { stage: 'train', evaluation },
      { stage: 'validation', evaluation: rightly(9, 10) },
      { stage: 'holdout', evaluation },
    ] as const;
    expect(buildLedger('recall', inputs, { scope: { class: '1' } }).stages[0].value).toBe(
      evaluation.perClass['1'].recall?.value,
    );
    const slice = buildLedger('brier', inputs, { scope: { slice: 'site', value: 'b' } });
    expect(slice.stages.map(({ stage, rows }) => [stage, rows])).toEqual([
      ['train', 100],
      ['holdout', 100],
    ]);
    expect(slice.stages[1].delta).toBe(0);
    expect(slice.omitted.validation).toMatch(/no slice/);
    expect(buildLedger('brier', inputs).omitted.validation).toBe('it needs probabilities');
  });

  it('refuses stages out of order', () => {
    const evaluation = rightly(9, 10);
    expect(() =>
      buildLedger('accuracy', [
        { stage: 'holdout', evaluation },
        { stage: 'train', evaluation },
      ]),
    ).toThrow(/in their order/);
    expect(() => buildLedger('acc', [{ stage: 'train', evaluation }])).toThrow(/no such metric/);
  });
});

describe('verdict', () => {
  const figure = (low: number, high: number) => ({
    value: (low + high) / 2,
    interval: [low, high] as const,
    method: '',
  });

  it('reads a difference by the direction of its metric', () => {
    expect(judgeDifference(figure(0.01, 0.03), 'higher')).toBe('helped');
    expect(judgeDifference(figure(0.01, 0.03), 'lower')).toBe('hurt');
    expect(judgeDifference(figure(-0.03, -0.01), 'lower')).toBe('helped');
    expect(judgeDifference(figure(-0.01, 0.03), 'higher')).toBe('no clear difference');
  });

  it('sees a model that overfits less', () => {
    const train = simulatePair(derive(1), 800, 2, [0.05, 0.5]);
    const validation = simulatePair(derive(2), 800, 2, [1.3, 0.5]);
    const comparison = compareModels({
      metric: 'accuracy',
      baseline: { train: train.first, validation: validation.first },
      model: { train: train.second, validation: validation.second },
    });
    const { score, gap } = comparison;
    if ('reason' in score || gap === undefined || 'reason' in gap) throw new Error('undefined');
    expect(score.difference.value).toBeCloseTo(score.model - score.baseline, 12);
    expect(score.verdict).toBe('helped');
    expect(gap.difference.value).toBeCloseTo(gap.model - gap.baseline, 12);
    expect(gap.model).toBeLessThan(gap.baseline);
    expect(gap.verdict).toBe('helped');
    expect(comparison.verdict).toBe('helped');
    const turned = compareModels({
      metric: 'logLoss',
      baseline: { train: train.second, validation: validation.second },
      model: { train: train.first, validation: validation.first },
    });
    expect(turned.verdict).toBe('hurt');
    expect((turned.gap as typeof gap).verdict).toBe('hurt');
  });

  it('stays open between equals, and without what it needs', () => {
    const { first, second } = simulatePair(derive(9), 200, 2, [1, 1]);
    const comparison = compareModels({
      metric: 'accuracy',
      baseline: { validation: first },
      model: { validation: second },
    });
    expect(comparison.verdict).toBe('no clear difference');
    expect(comparison.gap).toBeUndefined();
    const target = [1, 2, 3];
    const regression = compareModels({
      metric: 'rmse',
      baseline: { validation: { task: 'regression', target, predictions: [1, 2, 4] } },
      model: { validation: { task: 'regression', target, predictions: [1, 2, 3.9] } },
    });
    expect(regression.ece).toBeUndefined();
  });
});
