/** Experiments: a spec's runs trained, judged, recorded, reproduced. */
export { type EvaluatedRun, evaluateHoldout, evaluateOther } from './evaluate-run.js';
export type { ExperimentEvent } from './events.js';
export { type ExperimentOptions, type ExperimentResult, runExperiment } from './experiment.js';
export { type Reproduction, reproduce } from './reproduce.js';
export { ledgerOfRun } from './run-ledger.js';
export type { RunResult } from './run-result.js';
export { specOfRun } from './run-rows.js';
export { findSuspectLabels, type OutOfFold, type OutOfFoldOptions, outOfFold } from './suspect-labels.js';
