/** Reports: what was recorded, for people to read: HTML pages, SVG files and tables in the terminal. */

export { claim } from './claim.js';
export { sparkline } from './sparkline.js';
export {
  type ComparisonTableInput,
  comparisonTable,
  ledgerTable,
  metricsTable,
  type RunsTableOptions,
  runsTable,
} from './terminal.js';
export { terminalOptions } from './terminal-style.js';
export type { TerminalOptions } from './terminal-table.js';
export { trainReport } from './train-report.js';
export type {
  ReportFinding,
  ReportRun,
  ReportSeeds,
  TrainReportInput,
  WeightSummary,
} from './train-report-input.js';
export { type WrittenReport, writeTrainReport } from './write-report.js';
