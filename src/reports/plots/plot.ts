import type { Tone } from '../../charts/index.js';
import type { ReportRun, RunRole, TrainReportInput } from '../train-report-input.js';

/** The colour of a run, the same on the whole page; the split is told by the dash. */
export const ROLE_TONE: Readonly<Record<RunRole, Tone>> = { baseline: 'orange', model: 'blue', ablation: 'grey' };

export type PlotSection =
  | 'verdict'
  | 'curves'
  | 'gap'
  | 'ledger'
  | 'calibration'
  | 'errors'
  | 'classes'
  | 'slices'
  | 'fairness'
  | 'weights'
  | 'seeds'
  | 'worth';

/** One plot of a report: drawn into the page, and as a file of its own beside it. */
export interface Plot {
  /** File name without extension. */
  readonly name: string;
  readonly section: PlotSection;
  draw(standalone: boolean): string;
}

/** The first run of each role, baseline first: the two the page compares. */
export function leadRuns(input: TrainReportInput): ReportRun[] {
  return (['baseline', 'model'] as const).flatMap((role) => input.runs.find((run) => run.role === role) ?? []);
}

/** With a capital at the beginning. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
