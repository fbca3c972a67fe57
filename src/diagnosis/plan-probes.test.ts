import { describe, expect, test } from 'vitest';
import type { DeclaredStrength, Evidence, TrainingEvidence } from './evidence.js';
import { figure, healthy, judged, training } from './healthy.fixture.js';
import { planProbes, separateProbes } from './plan-probes.js';

const plan = (changes: Partial<TrainingEvidence>, evidence: Partial<Evidence> = {}, dropout = true) =>
  planProbes({ ...healthy, training: { ...training, ...changes }, ...evidence }, { dropout });
const kinds = (...args: Parameters<typeof plan>): string[] => plan(...args).map(({ kind }) => kind);

describe('planProbes', () => {
  test('without a gap nothing stronger is tried, and with one and help nothing weaker', () => {
    expect(kinds({})).not.toContain('stronger');
    expect(kinds({})).toContain('weaker');
    const helped = { baseline: { train: 1, comparison: { metric: 'accuracy', verdict: 'helped' } as never } };
    const overfit = { gap: figure(0.1, 0.02), train: judged(0.999) };
    expect(kinds(overfit, helped)).not.toContain('weaker');
    expect(kinds(overfit, helped)).toContain('stronger');
    expect(kinds(overfit)).toContain('half the data');
  });

  test('more strength stays in its sensible range, and what is missing is added', () => {
    const overfit = { gap: figure(0.1, 0.02), train: judged(0.999) };
    const labels = plan(overfit).map(({ label }) => label);
    expect(labels).toContain('weight-decay 0.1 -> 0.3');
    expect(labels).toContain('weight-decay 0.1 -> 1');
    expect(labels).toContain('dropout 0.3 added');
    expect(plan({ ...overfit, regularizers: [] }).map(({ label }) => label)).toEqual([
      'early-stopping 3 added',
      'early-stopping 3 added, weight-decay 0.1 added',
      'early-stopping 3 added, dropout 0.3 added',
      'half of the training rows',
    ]);
    expect(plan({ ...overfit, regularizers: [] }, {}, false).map(({ label }) => label)).not.toContain(
      'early-stopping 3 added, dropout 0.3 added',
    );
  });

  test('longer where the best epoch is the last, other rates where training rows are not fitted', () => {
    expect(kinds({ epochs: { allowed: 30, run: 30, best: 30 } })).toContain('longer');
    expect(kinds({ epochs: { allowed: 30, run: 12, best: 12 } })).not.toContain('longer');
    expect(kinds({ train: judged(0.6) })).toEqual(expect.arrayContaining(['slower', 'faster']));
    expect(kinds({ train: judged(0.999) })).not.toContain('slower');
    expect(kinds({ outcome: 'diverged' })).toEqual(['slower']);
    // A spec may not have a rate beyond 100.
    expect(kinds({ train: judged(0.6), learningRate: 90 })).not.toContain('faster');
  });

  test('equal rows in two parts are asked after, where they are many', () => {
    const data = [{ code: 'EQUAL_ROWS_ACROSS_PARTS', severity: 'error', message: '80 rows' }];
    expect(kinds({}, { data })).toContain('without copies');
    expect(kinds({}, { data: [{ ...data[0], severity: 'warning' }] })).not.toContain('without copies');
  });

  test('tells several strengths apart, one by one', () => {
    const two = [
      training.regularizers[0],
      { index: 1, type: 'dropout', strength: 0.8, adjustable: true, range: [0.05, 0.7] },
    ] as const;
    const [weaker] = plan({ regularizers: two });
    expect(separateProbes(weaker, { ...training, regularizers: two }).map(({ label }) => label)).toEqual([
      'weight-decay 0.1 -> 0.03',
      'dropout 0.8 -> 0.24',
    ]);
    const [alone] = plan({});
    expect(separateProbes(alone, training)).toEqual([]);
  });

  test('asks what augmentation costs, and whether dropping and batch normalization go together', () => {
    const augmented = {
      index: 1,
      type: 'mixup',
      strength: 0.4,
      adjustable: true,
      range: [0.1, 1],
      augments: true,
    } as const;
    expect(
      plan({ regularizers: [augmented] })
        .filter(({ kind }) => kind === 'less augmentation')
        .map(({ patch }) => patch[0].value),
    ).toEqual([0.12, 0]);
    const dropped: DeclaredStrength = {
      index: 2,
      type: 'dropout',
      strength: 0.5,
      adjustable: true,
      range: [0.05, 0.7],
      beforeBatchNorm: true,
    };
    const normalization = [{ op: 'replace', path: '/model/normalization', value: 'layer' }] as const;
    const asked = (addable: object) =>
      planProbes({ ...healthy, training: { ...training, regularizers: [dropped] } }, { dropout: true, ...addable }).map(
        ({ kind }) => kind,
      );
    expect(asked({ normalization })).toEqual(
      expect.arrayContaining(['undisturbed statistics', 'other normalization', 'without dropping']),
    );
    expect(asked({})).not.toContain('other normalization');
    expect(asked({})).not.toContain('undisturbed statistics');
    expect(kinds({})).not.toContain('less augmentation');
  });

  test('a fine-tuned model that lost its calibration is asked for a lower rate', () => {
    const inverse = { before: 1, after: 0.4, difference: figure(-0.6, 0.4) };
    const transfer = { before: 0, after: 0.1, change: figure(0.1, 0.02), inverse };
    const fits = { train: judged(0.999) };
    expect(kinds(fits, { transfer })).toContain('slower');
    expect(kinds(fits, { transfer: { ...transfer, change: figure(0.001, 0.02) } })).not.toContain('slower');
  });
});
