import { chiSquareSf } from '../../numeric/index.js';
import type { WindowCounts } from '../../store/index.js';

type Confidence = Pick<WindowCounts['confidence'], 'labelled' | 'labelledSum' | 'right'>;

/** Whether confidence can be taken at its word. */
export interface CalibrationCheck {
  readonly rows: number;
  /** Expected calibration error over the bins; what sampling alone adds is taken off (Roelofs et al. 2022). */
  readonly ece: number;
  /** Mean confidence minus the share of right answers: above 0 is overconfident. */
  readonly overconfidence: number;
  /** Of no difference in any bin (Hosmer and Lemeshow 1980, with as many degrees as bins: nothing was fitted here). */
  readonly pValue: number;
}

/** Fewer rows in a bin say nothing by themselves. */
const FEWEST_IN_BIN = 5;

/** Holds confidence against how often answers were right; undefined where there are no labelled probabilities. */
export function checkCalibration({ labelled, labelledSum, right }: Confidence): CalibrationCheck | undefined {
  const rows = labelled.reduce((sum, count) => sum + count, 0);
  if (rows === 0) return undefined;
  let [ece, statistic, degrees, confident, correct] = [0, 0, 0, 0, 0];
  labelled.forEach((count, bin) => {
    if (count === 0) return;
    confident += labelledSum[bin];
    correct += right[bin];
    const [announced, seen] = [labelledSum[bin] / count, right[bin] / count];
    const variance = (announced * (1 - announced)) / count;
    ece += (count / rows) * Math.sqrt(Math.max(0, (announced - seen) ** 2 - (seen * (1 - seen)) / count));
    if (count < FEWEST_IN_BIN || variance === 0) return;
    statistic += (announced - seen) ** 2 / variance;
    degrees++;
  });
  return {
    rows,
    ece,
    overconfidence: (confident - correct) / rows,
    pValue: degrees === 0 ? 1 : chiSquareSf(statistic, degrees),
  };
}
