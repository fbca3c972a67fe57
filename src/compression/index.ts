/** Compression: any ONNX model made smaller and faster, with what it costs and what it keeps. */
export { type CleanUp, cleanUp } from './clean/clean-up.js';
export { CONVERSIONS, type Conversion, type Converted, type ConvertOptions, convert } from './convert.js';
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
export { prepareModel } from './quantize/prepare.js';
export { RANGE_METHODS, type RangeMethod } from './quantize/ranges.js';
