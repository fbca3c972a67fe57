import { describe, expect, it } from 'vitest';
import { diagnose } from '../diagnose.js';
import type { ProductionEvidence } from '../evidence.js';
import { healthy } from '../healthy.fixture.js';

const figure = (value: number, low: number, high: number) => ({
  value,
  interval: [low, high] as const,
  method: 'Newcombe',
});
const quiet: ProductionEvidence = { model: 'models:/m/2', drift: { windows: 10, features: [] } };
const named = (production: ProductionEvidence) =>
  diagnose({ ...healthy, production })
    .map(({ id }) => id)
    .filter((id) => /^F[589]$/.test(id));

describe('findings from production', () => {
  it('says nothing where nothing is wrong', () => {
    expect(named(quiet)).toEqual([]);
  });

  it('F5: inputs drifted and quality was lost; drift that costs nothing is no finding', () => {
    const drift = { windows: 10, features: [{ name: 'age', effect: 0.3, qualityEffect: 0.05 }] };
    const lost = { from: 'holdout', rows: 500, figure: figure(0.08, 0.04, 0.12) };
    expect(named({ ...quiet, drift, lost })).toEqual(['F5']);
    expect(named({ ...quiet, drift })).toEqual(['F5']);
    expect(named({ ...quiet, drift, lost: { ...lost, figure: figure(0.01, -0.03, 0.05) } })).toEqual([]);
    expect(named({ ...quiet, lost })).toEqual([]);
  });

  it('F8: helped on validation and clearly hurts here', () => {
    const mismatched = {
      regularizer: 'dropout',
      other: 'models:/m/1',
      validation: 0.02,
      production: figure(0.05, 0.02, 0.08),
      pairs: 900,
    };
    expect(named({ ...quiet, mismatched })).toEqual(['F8']);
    expect(named({ ...quiet, mismatched: { ...mismatched, validation: -0.01 } })).toEqual([]);
    expect(named({ ...quiet, mismatched: { ...mismatched, production: figure(0.01, -0.01, 0.03) } })).toEqual([]);
  });

  it('F9: compressed, and slower in its tail', () => {
    const slower = { before: 5, now: 9, pValue: 1e-9, requests: 4000, than: 'models:/m/1', compressed: true };
    expect(named({ ...quiet, slower })).toEqual(['F9']);
    expect(named({ ...quiet, slower: { ...slower, pValue: 0.3 } })).toEqual([]);
    expect(named({ ...quiet, slower: { ...slower, compressed: false } })).toEqual([]);
  });
});
