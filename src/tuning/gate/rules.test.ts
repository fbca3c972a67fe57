import { describe, expect, test } from 'vitest';
import { type GateEvidence, judgeGate } from './rules.js';

const limits = { gap: 0.03, ece: 0.05, worstClass: 0.5, fairness: 0.1, compression: 0.03, holdout: 0 };
const evidence: GateEvidence = {
  manifest: { value: 1, told: '' },
  leakage: { value: 0, told: '' },
  gap: { value: 0.03, interval: [0, 0.06], told: '' },
  ece: { value: 0.05, interval: [0.01, 0.09], told: '' },
  'worst-class': { value: 0.5, interval: [0.4, 0.6], told: '' },
  fairness: { value: 0.1, told: '' },
  compression: { missing: 'not compressed' },
  holdout: { value: 0.01, interval: [-0.01, 0.03], told: '' },
};

describe('a gate', () => {
  test('passes at its limits, and skips what is not known', () => {
    const { pass, rules, skipped } = judgeGate(evidence, limits);
    expect([pass, rules.length, skipped]).toEqual([
      true,
      7,
      [{ rule: 'compression', reason: 'not compressed', required: false }],
    ]);
  });

  test.each([
    ['manifest', { value: 0, told: '' }],
    ['leakage', { value: 1, told: '' }],
    ['gap', { value: 0.031, told: '' }],
    ['ece', { value: 0.051, told: '' }],
    ['worst-class', { value: 0.49, told: '' }],
    ['fairness', { value: 0.11, told: '' }],
    ['compression', { value: 0.04, told: '' }],
    ['holdout', { value: 0.02, interval: [0.001, 0.04], told: '' }],
  ] as const)('fails by %s alone', (rule, measured) => {
    const { pass, rules } = judgeGate({ ...evidence, [rule]: measured }, limits);
    expect([pass, rules.filter((each) => !each.pass).map((each) => each.rule)]).toEqual([false, [rule]]);
    expect(judgeGate({ ...evidence, [rule]: measured }, limits, { ignored: [rule] }).pass).toBe(true);
  });

  test('fails where a required rule has nothing to judge by', () => {
    expect(judgeGate(evidence, limits, { required: ['compression'] }).pass).toBe(false);
    expect(judgeGate(evidence, limits, { required: ['gap'] }).pass).toBe(true);
  });
});
