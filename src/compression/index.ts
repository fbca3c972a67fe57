/** Compression: any ONNX model made smaller and faster, with what it costs and what it keeps. */
export { type CleanUp, cleanUp } from './clean/clean-up.js';
export { CONVERSIONS, type Conversion, type Converted, type ConvertOptions, convert } from './convert.js';
export type { Examples, Pictures } from './examples.js';
export {
  type BenchOptions,
  type BenchReport,
  type BenchSubject,
  bench,
  benchRatio,
  type Machine,
} from './measure/bench.js';
export { type Feeds, syntheticFeeds } from './measure/feeds.js';
export type { PairedRatio } from './measure/latency.js';
export { type Batches, observe } from './observe/activations.js';
export type { DistanceSummary } from './observe/distance.js';
export { type Parity, parityOf } from './observe/parity.js';
export { CERTIFICATE_KEY, type Certificate, certified } from './pipeline/certificate.js';
export { type Constraint, defaultConstraints, parseConstraint } from './pipeline/constraints.js';
export type { Figures } from './pipeline/figures.js';
export { type Journal, openJournal } from './pipeline/journal.js';
export { type Delivery, type PipelineOptions, runPipeline } from './pipeline/run.js';
export { type Candidate, candidatesOf, type Step } from './pipeline/steps.js';
export type { Parts, Subject } from './pipeline/subject.js';
export type { PipelineResult, Tried } from './pipeline/verdict.js';
export { CRITERIA, type Criterion } from './prune/importance.js';
export { type Pruned, pruneStructured, type StructuredOptions } from './prune/structured.js';
export { prepareModel } from './quantize/prepare.js';
export { RANGE_METHODS, type RangeMethod } from './quantize/ranges.js';
export { type FineTuned, type FineTuneOptions, fineTune } from './train/fine-tune.js';
