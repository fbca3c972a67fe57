import { describe, expect, it } from 'vitest';
import { findConflicts, resolveEntry } from '../resolve.js';

/** Codes and messages of a spec with these regularizers. */
const conflictsOf = (entries: readonly Record<string, unknown>[], rows = 1000): [string, string][] =>
  findConflicts({
    active: entries.map((entry, i) => resolveEntry(entry, `regularizers[${i}]`)),
    task: 'classification',
    parameters: [],
    operators: [],
    optimizer: 'sgd',
    inputs: [{ name: 'features', content: 'tabular', shape: [3] }],
    rows,
    epochs: 10,
    classes: ['a', 'b'],
    columns: [],
  }).map(({ code, message }) => [code, message]);

const L2 = { type: 'l2', strength: 0.01 };

describe('hypergradient', () => {
  it('goes with what it can learn', () => {
    expect(conflictsOf([L2, { type: 'hypergradient', learn: ['l2'] }])).toEqual([]);
    expect(conflictsOf([L2, { type: 'dropout' }, { type: 'hypergradient' }])).toEqual([]);
  });

  it.each([
    ['mixup', /mixup, which does not act in this spec/],
    ['early-stopping', /early-stopping is no number that the step works with/],
    ['smote', /smote is no number that the step works with/],
    ['label-smoothing', /label-smoothing has a schedule/],
  ])('refuses to learn %s', (type, message) => {
    const others = [
      L2,
      { type: 'early-stopping', patience: 3 },
      { type: 'smote' },
      { type: 'label-smoothing', schedule: { over: 3 } },
    ];
    expect(conflictsOf([...others, { type: 'hypergradient', learn: [type] }])).toEqual([
      ['HYPERGRADIENT_LEARN', expect.stringMatching(message)],
    ]);
  });

  it('refuses to stand alone or twice, and warns of few rows', () => {
    expect(conflictsOf([{ type: 'hypergradient' }])).toEqual([['HYPERGRADIENT_LEARN', expect.any(String)]]);
    const twice = [L2, { type: 'hypergradient' }, { type: 'hypergradient', every: 3 }];
    expect(conflictsOf(twice).map(([code]) => code)).toEqual(['HYPERGRADIENT_TWICE', 'HYPERGRADIENT_TWICE']);
    expect(conflictsOf([L2, { type: 'hypergradient' }], 90)).toEqual([
      ['HYPERGRADIENT_FEW_ROWS', 'hypergradient holds back 18 of 90 training rows, which say little of strengths'],
    ]);
  });
});
