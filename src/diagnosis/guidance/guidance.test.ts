import { describe, expect, test } from 'vitest';
import { explain, explanations } from './explain.js';
import { sevenDays } from './plan.js';
import { NEIGHBOURS, QUESTIONS, TERMS } from './terms.js';

describe('explain', () => {
  test('finds a term by any of its names, a regularizer and a finding by theirs', () => {
    expect(explain('ECE')).toMatchObject([{ kind: 'term', term: 'calibration' }]);
    expect(explain('Data leak')[0]).toMatchObject({ kind: 'term', term: 'data leak' });
    expect(explain('weight-decay').map(({ kind }) => kind)).toContain('regularizer');
    expect(explain('f2')).toMatchObject([{ kind: 'finding', term: 'F2' }]);
    expect(explain('conform')).toMatchObject([{ term: 'conformal prediction' }]);
    expect(explain('quantum')).toEqual([]);
  });

  test('every text is a sentence, and every command is one of Ballast', () => {
    for (const { definition, why, pitfall, command } of TERMS) {
      for (const text of [definition, why, pitfall]) expect(text).toMatch(/^[A-Z].*[.)]$/);
      expect(command).toMatch(/^ballast /);
    }
    for (const { difference } of NEIGHBOURS) expect(difference).toMatch(/\.$/);
    for (const { command } of QUESTIONS) expect(command).toMatch(/^ballast /);
  });

  test('no name stands for two terms', () => {
    const names = TERMS.flatMap(({ term, also = [] }) => [term, ...also]);
    expect(new Set(names).size).toBe(names.length);
    expect(explanations().length).toBeGreaterThan(90);
  });
});

test('the plan ticks what the store shows', () => {
  const nothing = { trained: 0, ablations: 0, seeds: 0, holdoutReads: 0 };
  expect(sevenDays(nothing).filter(({ done }) => done === true)).toEqual([]);
  const all = sevenDays({ trained: 2, ablations: 1, seeds: 5, holdoutReads: 1 });
  expect(all.map(({ done }) => done)).toEqual([undefined, true, undefined, true, true, undefined, true]);
});
