import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveEntry } from '../regularizers/resolve.js';
import { type AdviceInput, advise } from './advice.js';

const large: AdviceInput = {
  task: 'classification',
  rows: 100_000,
  features: 20,
  parameters: 5000,
  classRows: [50_000, 50_000],
  content: 'tabular',
  duplicateShare: 0,
  hardware: 'server',
  threat: 'none',
  errors: 'ordinary',
  purpose: 'production',
};
const typesOf = (input: AdviceInput): unknown[] => advise(input).regularizers.map(({ type }) => type);

describe('advise', () => {
  test('many rows for few parameters: optional, with weight decay and early stopping first', () => {
    expect(advise(large).answer).toBe('optional');
    expect(typesOf(large)).toEqual(['weight-decay', 'early-stopping']);
  });

  test.each([
    ['few rows for the parameters', { parameters: 50_000 }],
    ['few rows', { rows: 500, classRows: [250, 250] }],
    ['more features than rows', { features: 200_000 }],
    ['costly errors', { errors: 'costly' }],
    ['constrained hardware', { hardware: 'edge' }],
    ['an adversary', { threat: 'adversarial' }],
    [
      'a gap that was seen',
      { seen: { metric: 'accuracy', gap: 0.1, gapIsClear: true, skill: 0.9, regularized: false } },
    ],
  ] as const)('%s: necessary', (_why, change) => {
    const { answer, reasons } = advise({ ...large, ...change });
    expect(answer).toBe('necessary');
    expect(reasons.length).toBeGreaterThan(0);
  });

  test('a run that hardly beats a constant answer on its own rows: no', () => {
    const seen = { metric: 'accuracy', gap: 0.01, gapIsClear: false, skill: 0.05, regularized: true };
    expect(advise({ ...large, seen })).toMatchObject({ answer: 'no', regularizers: [] });
  });

  test('proposes by content and threat', () => {
    expect(typesOf({ ...large, content: 'image', rows: 5000 })).toContain('image-augmentation');
    expect(typesOf({ ...large, content: 'audio', rows: 5000 })).toContain('audio-augmentation');
    expect(typesOf({ ...large, threat: 'adversarial' })).toContain('adversarial-training');
    expect(typesOf({ ...large, threat: 'adversarial', content: 'tokens' })).not.toContain('adversarial-training');
  });

  test('whatever it proposes is an entry of a spec', () => {
    const input = fc.record({
      task: fc.constantFrom('classification' as const, 'regression' as const),
      rows: fc.integer({ min: 1, max: 1_000_000 }),
      features: fc.integer({ min: 1, max: 10_000 }),
      parameters: fc.integer({ min: 1, max: 10_000_000 }),
      classRows: fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 5 }),
      content: fc.constantFrom(
        'tabular' as const,
        'image' as const,
        'audio' as const,
        'series' as const,
        'tokens' as const,
      ),
      duplicateShare: fc.double({ min: 0, max: 1, noNaN: true }),
      hardware: fc.constantFrom('server' as const, 'edge' as const, 'serverless' as const),
      threat: fc.constantFrom('none' as const, 'adversarial' as const),
      errors: fc.constantFrom('ordinary' as const, 'costly' as const),
      purpose: fc.constantFrom('production' as const, 'prototype' as const),
    });
    fc.assert(
      fc.property(input, (each) => {
        for (const entry of advise(each).regularizers)
          expect(resolveEntry(entry, 'advice').strength).toBeGreaterThan(0);
      }),
    );
  });
});
