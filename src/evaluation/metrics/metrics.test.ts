import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluate } from '../evaluate.js';
import type { ClassificationInput, PredictionInput, RegressionInput } from '../input.js';
import { measure } from '../measure.js';
import { isMeasured } from '../metric.js';
import { resampleFunction } from '../resampling.js';
import { prepareSample } from '../sample.js';
import { findMetric, METRICS, standardMetrics } from './index.js';

interface ClassificationGolden {
  type: 'float32' | 'float64';
  target: number[];
  probabilities: number[];
  logits: number[] | null;
  weights: number[] | null;
  cost: number[][];
  values: Record<string, number>;
  perClass: Record<string, number>[];
  confusion: number[][];
  reliability?: { accuracy: number[]; confidence: number[] };
}

interface RegressionGolden {
  target: number[];
  predictions: number[];
  weights: number[] | null;
  values: Record<string, number>;
}

const golden = JSON.parse(readFileSync(new URL('../goldens/metrics.json', import.meta.url), 'utf8')) as {
  classification: ClassificationGolden[];
  regression: RegressionGolden[];
};

const classificationInput = (sample: ClassificationGolden): ClassificationInput => ({
  task: 'classification',
  target: sample.target,
  probabilities: sample.type === 'float32' ? Float32Array.from(sample.probabilities) : sample.probabilities,
  cost: sample.cost,
  ...(sample.weights === null ? {} : { weights: sample.weights }),
});

const regressionInput = (sample: RegressionGolden): RegressionInput => ({
  task: 'regression',
  target: sample.target,
  predictions: sample.predictions,
  ...(sample.weights === null ? {} : { weights: sample.weights }),
});

function metricOf(name: string, input: PredictionInput): number {
  const measurement = measure(prepareSample(input), findMetric(name));
  if (!isMeasured(measurement)) throw new Error(`${name}: ${measurement.reason}`);
  return measurement.value;
}

/** Inputs on which every metric of the task is defined. */
const INPUTS: PredictionInput[] = [
  ...golden.classification.map(classificationInput),
  ...golden.regression.map(regressionInput),
];

const NAMES = [...standardMetrics('classification'), ...standardMetrics('regression')]
  .map(({ name }) => name)
  .concat('precision@10', 'recall@10', 'pinball@0.3');

const casesOf = (name: string): PredictionInput[] =>
  INPUTS.filter((input) => {
    const { metric } = findMetric(name);
    if (metric.task !== input.task) return false;
    return metric.name.includes('@') ? isMeasured(measure(prepareSample(input), findMetric(name))) : true;
  });

/** The rows of an input in another order, or some of them several times. */
function pick(input: PredictionInput, rows: readonly number[], weights?: readonly number[]): PredictionInput {
  const take = (values: ArrayLike<number>): number[] => rows.map((row) => values[row]);
  const own = weights ?? (input.weights === undefined ? undefined : take(input.weights));
  const { weights: _, ...rest } = input;
  const weighted = own === undefined ? {} : { weights: own };
  if (rest.task === 'regression') {
    return { ...rest, target: take(rest.target), predictions: take(rest.predictions), ...weighted };
  }
  const count = rest.probabilities!.length / rest.target.length;
  const probabilities = rows.flatMap((row) =>
    Array.from({ length: count }, (_unused, k) => rest.probabilities![row * count + k]),
  );
  return { ...rest, target: take(rest.target), probabilities, ...weighted };
}

describe('metrics against scikit-learn', () => {
  it.each(golden.classification.map((sample, i) => [i, sample] as const))('classification sample %i', (_i, sample) => {
    for (const [name, value] of Object.entries(sample.values)) {
      expect([name, metricOf(name, classificationInput(sample))]).toEqual([name, expect.closeTo(value, 11)]);
    }
    const { perClass, confusion, reliability } = evaluate({ ...classificationInput(sample), positive: 1 });
    expect(confusion?.counts).toEqual(sample.confusion);
    sample.perClass.forEach((values, k) => {
      for (const [name, value] of Object.entries(values)) {
        const figure = perClass[String(k)][name as 'f1'];
        expect(figure?.value ?? 0).toBeCloseTo(value, 11);
      }
    });
    expect(reliability?.length).toBeGreaterThan(3);
  });

  it.each(golden.regression.map((sample, i) => [i, sample] as const))('regression sample %i', (_i, sample) => {
    for (const [name, value] of Object.entries(sample.values)) {
      expect([name, metricOf(name, regressionInput(sample))]).toEqual([name, expect.closeTo(value, 11)]);
    }
  });

  it('logits give what their probabilities give, and exact log losses far out', () => {
    for (const sample of golden.classification) {
      if (sample.logits === null) continue;
      const { probabilities: _, ...rest } = classificationInput(sample);
      for (const name of ['logLoss', 'brier', 'rocAuc', 'ece', 'accuracy']) {
        expect(metricOf(name, { ...rest, logits: sample.logits })).toBeCloseTo(sample.values[name], 11);
      }
    }
    const far: ClassificationInput = { task: 'classification', target: [0, 1], logits: [1000, -1000] };
    expect(metricOf('logLoss', far)).toBe(1000);
    // Probabilities say no more than their type can hold: log losses are clipped at its epsilon.
    const sure: ClassificationInput = { task: 'classification', target: [0], probabilities: Float32Array.of(0, 1) };
    expect(metricOf('logLoss', sure)).toBeCloseTo(23 * Math.LN2, 11);
    expect(metricOf('logLoss', { ...sure, probabilities: [0, 1] })).toBeCloseTo(52 * Math.LN2, 11);
  });

  it('takes one column of two classes, and either class as the positive one', () => {
    const [sample] = golden.classification;
    const single = sample.probabilities.filter((_, i) => i % 2 === 1);
    const input = { task: 'classification', target: sample.target, probabilities: single } as const;
    for (const name of ['rocAuc', 'prAuc', 'f1', 'brier', 'logLoss'])
      expect(metricOf(name, input)).toBeCloseTo(sample.values[name], 11);
    const named = { ...input, classes: ['no', 'yes'] };
    expect(metricOf('recall', { ...named, positive: 'no' })).toBeCloseTo(1 - sample.values.fpr, 11);
    expect(metricOf('rocAuc', { ...named, positive: 'no' })).toBeCloseTo(sample.values.rocAuc, 11);
  });
});

describe('every metric', () => {
  it('has metadata that a list can be made of', () => {
    expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
    for (const { range, description, interval } of METRICS) {
      expect(range[0]).toBeLessThan(range[1]);
      expect(description.endsWith('.') || description.endsWith(').')).toBe(true);
      expect(interval.length).toBeGreaterThan(3);
    }
  });

  it.each(NAMES)('%s does not depend on the order of the rows', (name) => {
    for (const input of casesOf(name)) {
      const rows = Array.from(input.target, (_, i) => i);
      fc.assert(
        fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (order) => {
          expect(metricOf(name, pick(input, order))).toBeCloseTo(metricOf(name, input), 11);
        }),
        { numRuns: 5 },
      );
    }
  });

  it.each(NAMES)('%s takes a weight of k as k copies, and only ratios of weights matter', (name) => {
    for (const input of casesOf(name)) {
      if (input.weights !== undefined) continue;
      const rows = Array.from(input.target, (_, i) => i);
      const copies = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: rows.length, maxLength: rows.length });
      fc.assert(
        fc.property(copies, (counts) => {
          const repeated = rows.flatMap((row) => new Array<number>(counts[row]).fill(row));
          expect(metricOf(name, pick(input, rows, counts))).toBeCloseTo(metricOf(name, pick(input, repeated)), 11);
          // The k of precision@k counts weight, so its scale matters there.
          if (name.includes('@') && input.task === 'classification') return;
          const scaled = counts.map((count) => count * 0.37);
          expect(metricOf(name, pick(input, rows, scaled))).toBeCloseTo(metricOf(name, pick(input, rows, counts)), 11);
        }),
        { numRuns: 5 },
      );
    }
  });

  it.each(NAMES)('%s resamples as if the rows were written down as often as counted', (name) => {
    for (const input of casesOf(name)) {
      const measurement = measure(prepareSample(input), findMetric(name));
      // Bins of equal mass stay where they are in a resample, but not in a longer sample.
      if (!isMeasured(measurement) || name === 'eceAdaptive') continue;
      const { bins } = measurement;
      const resample = resampleFunction(measurement);
      const errors = new Float64Array(bins?.errors.length ?? 0);
      const again = (counts: Float64Array): number => {
        if (bins === undefined) return resample?.(counts) ?? Number.NaN;
        bins.resample(counts, errors);
        return bins.norm(errors);
      };
      if (resample === undefined && bins === undefined) continue;
      const ones = new Float64Array(input.target.length).fill(1);
      expect(again(ones)).toBeCloseTo(measurement.value, 11);
      const counts = ones.map((_, i) => 1 + (i % 3));
      const repeated = Array.from(counts, (count, row) => new Array<number>(count).fill(row)).flat();
      if (name !== 'mce') expect(again(counts)).toBeCloseTo(metricOf(name, pick(input, repeated)), 11);
      if (bins === undefined) continue;
      again(counts);
      const grouped = new Float64Array(errors.length);
      bins.grouped(
        Int32Array.from(counts, (_, i) => i % 3),
        3,
      )(Float64Array.of(1, 2, 3), grouped);
      for (const [b, error] of grouped.entries()) expect(error).toBeCloseTo(errors[b], 11);
    }
  });

  it.each(NAMES)('%s: row influences are its derivative by row counts', (name) => {
    for (const input of casesOf(name)) {
      const sample = prepareSample(input);
      const measurement = measure(sample, findMetric(name));
      if (!isMeasured(measurement) || measurement.influence === undefined) continue;
      const influence = measurement.influence();
      expect(influence.reduce((a, b) => a + b, 0)).toBeCloseTo(0, 9);
      const base = input.weights === undefined ? new Array<number>(sample.rows).fill(1) : Array.from(input.weights);
      const rows = base.map((_, i) => i);
      for (const row of [0, 5, 11]) {
        const at = (step: number): number =>
          metricOf(
            name,
            pick(
              input,
              rows,
              base.map((weight, i) => (i === row ? weight * (1 + step) : weight)),
            ),
          );
        expect(influence[row]).toBeCloseTo((at(1e-4) - at(-1e-4)) / 2e-4, 6);
      }
    }
  });

  it('ROC-AUC keeps under monotone maps of the score, and turns with its sign', () => {
    const scores = fc.array(fc.tuple(fc.integer({ min: -30, max: 30 }), fc.boolean()), { minLength: 4, maxLength: 60 });
    fc.assert(
      fc.property(scores, (pairs) => {
        fc.pre(new Set(pairs.map(([, positive]) => positive)).size === 2);
        const target = pairs.map(([, positive]) => Number(positive));
        const auc = (map: (score: number) => number): number =>
          metricOf('rocAuc', { task: 'classification', target, logits: pairs.map(([score]) => map(score)) });
        const plain = auc((score) => score / 10);
        expect(auc((score) => (score / 10) ** 3 / 8)).toBeCloseTo(plain, 11);
        expect(auc((score) => -score / 10)).toBeCloseTo(1 - plain, 11);
      }),
    );
  });

  it('names what is not there', () => {
    expect(() => findMetric('acuracy')).toThrow(/no such metric/);
    expect(() => findMetric('precision@0')).toThrow(/whole number/);
    expect(() => findMetric('pinball')).toThrow(/no such metric/);
    expect(() => findMetric('pinball@2')).toThrow(/between 0 and 1/);
    expect(() => findMetric('accuracy@3')).toThrow(/no such metric/);
  });
});
