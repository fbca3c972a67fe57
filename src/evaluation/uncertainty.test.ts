import { describe, expect, it } from 'vitest';
import { evaluateUncertainty, outOfDistribution, uncertaintyOf } from './uncertainty.js';

describe('uncertaintyOf', () => {
  const of = { rows: 2, classes: ['a', 'b', 'c'], probabilities: Float64Array.of(0.7, 0.2, 0.1, 1, 0, 0) };
  it('is entropy in nats, what is left to certainty, and what is left of the lead', () => {
    const entropy = -(0.7 * Math.log(0.7) + 0.2 * Math.log(0.2) + 0.1 * Math.log(0.1));
    expect(uncertaintyOf('entropy', of)[0]).toBeCloseTo(entropy, 12);
    expect(uncertaintyOf('entropy', of)[1]).toBe(0);
    expect(uncertaintyOf('confidence', of)[0]).toBeCloseTo(0.3, 12);
    expect(uncertaintyOf('margin', of)[0]).toBeCloseTo(0.5, 12);
  });
});

describe('evaluateUncertainty', () => {
  const target = [0, 0, 0, 1];
  // The one error is the least certain row.
  const probabilities = [0.9, 0.1, 0.8, 0.2, 0.95, 0.05, 0.55, 0.45];

  it('is perfect where the errors are the least certain rows', () => {
    for (const { errorAuroc, aurc, excessAurc, riskCoverage } of evaluateUncertainty({
      task: 'classification',
      target,
      probabilities,
    })) {
      expect(errorAuroc?.value).toBe(1);
      // Risks 0, 0, 0 and 1/4 over four coverages.
      expect(aurc).toBeCloseTo(1 / 16, 12);
      expect(excessAurc).toBeCloseTo(0, 12);
      expect(riskCoverage.at(-1)).toEqual({ coverage: 1, risk: 0.25 });
    }
  });

  it('takes uncertainty that was measured elsewhere', () => {
    const found = evaluateUncertainty({ task: 'classification', target, probabilities }, { given: [3, 2, 1, 0] });
    const given = found.find(({ measure }) => measure === 'given');
    expect(given?.errorAuroc?.value).toBe(0);
    // Risks 1, 1/2, 1/3 and 1/4.
    expect(given?.aurc).toBeCloseTo((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 12);
  });

  it('judges what a model says itself beside what its probabilities say', () => {
    const said = { mutualInformation: [0, 0.1, 0.2, 0.3] };
    const found = evaluateUncertainty({ task: 'classification', target, probabilities, said });
    expect(found.map(({ measure }) => measure)).toEqual(['entropy', 'confidence', 'margin', 'mutualInformation']);
    expect(found.at(-1)?.errorAuroc?.value).toBe(1);
  });

  it('orders squared errors of numbers, and judges normal distributions of them', () => {
    const said = { deviation: [3, 1, 2], predictiveDeviation: [1, 2, 0.5] };
    const found = evaluateUncertainty({ task: 'regression', target: [1, 1, 1], predictions: [4, 1, 3], said });
    const [deviation, predictive] = found;
    // Squared errors 0, 4 and 9 in the best order there is.
    expect(deviation.aurc).toBeCloseTo((0 + 4 / 2 + 13 / 3) / 3, 12);
    expect(deviation.excessAurc).toBeCloseTo(0, 12);
    expect(deviation.normal).toBeUndefined();
    const density = (residual: number, sd: number): number =>
      Math.exp(-((residual / sd) ** 2) / 2) / (sd * Math.sqrt(2 * Math.PI));
    const logs = [density(3, 1), density(0, 2), density(2, 0.5)].map((value) => -Math.log(value));
    expect(predictive.normal?.logLoss).toBeCloseTo(logs.reduce((a, b) => a + b) / 3, 12);
    expect(predictive.normal?.within95.value).toBeCloseTo(1 / 3, 12);
    expect(evaluateUncertainty({ task: 'regression', target: [1], predictions: [4] })).toEqual([]);
  });

  it('has no AUROC where every row is right', () => {
    const [entropy] = evaluateUncertainty({
      task: 'classification',
      target: [0, 1],
      probabilities: [0.9, 0.1, 0.2, 0.8],
    });
    expect(entropy.errorAuroc).toBeUndefined();
    expect(entropy.aurc).toBe(0);
  });
});

describe('outOfDistribution', () => {
  it('is the share of pairs in which the stranger is the less certain', () => {
    expect(outOfDistribution([1, 2, 3, 4], [2.5, 5, 6])?.value).toBeCloseTo((2 + 4 + 4) / 12, 12);
  });
});
