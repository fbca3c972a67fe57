/** Reports: what was recorded, for people to read: HTML pages, SVG files and tables in the terminal. */

export { sparkline } from './sparkline.js';
export {
  type ComparisonInput,
  comparisonTable,
  ledgerTable,
  metricsTable,
  type RunsTableOptions,
  runsTable,
  terminalOptions,
} from './terminal.js';
export type { TerminalOptions } from './terminal-table.js';
export { trainReport } from './train-report.js';
export type {
  ReportComparison,
  ReportFinding,
  ReportLedger,
  ReportRun,
  ReportSeeds,
  TrainReportInput,
  Verdict,
  WeightSummary,
} from './train-report-input.js';
export { type WrittenReport, writeTrainReport } from './write-report.js';
