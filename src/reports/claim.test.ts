import { describe, expect, it } from 'vitest';
import { exampleComparison, exampleFigure } from '../../test/train-report-example.js';
import { claim } from './claim.js';

const OPEN = exampleComparison('accuracy', exampleFigure(0.001, 0.01));

describe('claim', () => {
  it('names what helped where the score itself is open', () => {
    const gap = { baseline: 0.11, model: 0.03, difference: exampleFigure(-0.08, 0.02), verdict: 'helped' as const };
    expect(claim({ ...OPEN, gap, verdict: 'helped' })).toBe(
      "The gap is 8.0\u00a0pts lower than the baseline's (95% interval 6.0 to 10.0\u00a0pts). Validation accuracy differs by " +
        '0.10\u00a0pts from the unregularized baseline; the 95% interval, \u22120.90 to 1.1\u00a0pts, includes no difference.',
    );
  });

  it('names calibration when that is what hurt', () => {
    const ece = { baseline: 0.02, model: 0.06, difference: exampleFigure(0.04, 0.01), verdict: 'hurt' as const };
    expect(claim({ ...OPEN, ece, verdict: 'hurt' })).toContain(
      "Calibration error is 4.0\u00a0pts higher than the baseline's (95% interval 3.0 to 5.0\u00a0pts).",
    );
  });

  it('gives the reason when there is nothing to compare', () => {
    expect(claim({ ...OPEN, score: { reason: 'too few rows for an interval' } })).toBe(
      'Validation accuracy could not be compared: too few rows for an interval.',
    );
  });
});
