import { describe, expect, test } from 'vitest';
import type { Evidence, TrainingEvidence } from './evidence.js';
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
});
