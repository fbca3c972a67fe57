/** ONNX graphs as immutable values: build, read, write, check, differentiate, run. */
export {
  type Composite,
  GraphBuilder,
  IR_VERSION,
  OPSET,
  type Operand,
  type Value,
  type ValueType,
} from './builder.js';
export { readModel } from './format/decode.js';
export { writeModel } from './format/encode.js';
export { readModelFile, writeModelFile } from './format/file.js';
export { DEFAULT_LIMITS, type ReadLimits } from './format/limits.js';
export { normalize } from './format/normalize.js';
export { printModel } from './format/print.js';
export { summarize } from './format/summarize.js';
export { validate } from './format/validate.js';
export { gradients } from './gradients.js';
export { type InlineOptions, inline } from './inline.js';
export {
  type Attribute,
  type Dimension,
  float,
  floats,
  type Graph,
  graphAttribute,
  int,
  ints,
  type Model,
  type Node,
  type Shape,
  string,
  strings,
  tensorAttribute,
  type ValueInfo,
} from './model.js';
export type { Operator } from './operators/operator.js';
export { listOperators, operatorOf } from './operators/registry.js';
export { mix32, RandomSite, RandomSites, siteKey } from './random.js';
export { describeRuntimes, openRuntime } from './runtime/choose.js';
export type { Binding, BoundTensor, PortInfo, Runtime, Session, SessionOptions } from './runtime/runtime.js';
export {
  type DataType,
  float32,
  float64,
  int64,
  type NumericArray,
  sizeOf,
  type Tensor,
  tensor,
  zeros,
} from './tensor.js';
export { upgrade } from './upgrade/index.js';
