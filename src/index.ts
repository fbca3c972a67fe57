/**
 * The main path as a library: a spec and its data, trained with and without its regularizers, judged, recorded. What is
 * behind each step is in the room of its name: `ballast/graph`, `ballast/data`, `ballast/evaluation` ...
 */

export { version } from './cli/version.js';
export { BallastError, type ErrorDetails, type ErrorKind } from './errors.js';
export { comparePaired } from './evaluation/paired.js';
export { describeRuntimes, openRuntime } from './graph/runtime/choose.js';
export type { Runtime } from './graph/runtime/runtime.js';
export { listRegularizers } from './regularizers/registry.js';
export type { Regularizer } from './regularizers/regularizer.js';
export { parseSpec, type ResolvedSpec, readSpec, resolveSpec } from './spec/read.js';
export { type Spec, specJsonSchema } from './spec/schema.js';
export { openStore } from './store/open-store.js';
export type { Run, Store } from './store/types.js';
export { type EvaluatedRun, evaluateHoldout, evaluateOther } from './tuning/evaluate-run.js';
export type { ExperimentEvent } from './tuning/events.js';
export { type ExperimentOptions, type ExperimentResult, runExperiment } from './tuning/experiment.js';
export { type Reproduction, reproduce } from './tuning/reproduce.js';
export { ledgerOfRun } from './tuning/run-ledger.js';
export type { RunResult } from './tuning/run-result.js';
