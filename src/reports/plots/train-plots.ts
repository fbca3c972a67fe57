import type { TrainReportInput } from '../train-report-input.js';
import { worthPlots } from '../worth.js';
import { ledgerPlots, seedPlots, verdictPlots, weightPlots } from './comparison.js';
import { curvePlots, gapPlots } from './curves.js';
import { calibrationPlots, errorPlots, fairnessPlots, groupPlots } from './evaluation.js';
import { leadRuns, type Plot } from './plot.js';

/** Every plot of a train report, in the order of the page. */
export function trainPlots(input: TrainReportInput): Plot[] {
  const runs = leadRuns(input);
  return [
    ...verdictPlots(input),
    ...curvePlots(input, runs),
    ...gapPlots(input, runs),
    ...ledgerPlots(input),
    ...runs.flatMap((run) => calibrationPlots(run)),
    ...runs.flatMap((run) => errorPlots(run, runs)),
    ...groupPlots(runs, 'classes', input.primaryMetric),
    ...groupPlots(runs, 'slices', input.primaryMetric),
    ...fairnessPlots(runs),
    ...weightPlots(runs),
    ...seedPlots(input),
    ...worthPlots(input),
  ];
}
