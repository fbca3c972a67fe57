import { FEATURES, type Preprocessor } from '../data/preprocess/preprocessor.js';
import { GraphBuilder } from '../graph/builder.js';
import type { Graph, ValueInfo } from '../graph/model.js';
import { float32 } from '../graph/tensor.js';
import type { FamilyName } from '../paths/families/family.js';
import { familyOf } from '../paths/families/index.js';

/** A linear model of encoded features. */
export interface LinearFit {
  readonly columns: Int32Array;
  readonly coefficients: Float64Array;
  readonly intercept: number;
}

/**
 * A fitted linear model as the network that an export takes: class scores 0 and x b of two classes, or the standardised
 * target; of counts, their mean e^(x b), standardised; of survival times x b, the logarithm of the relative risk.
 */
export function linearNetwork(preprocessor: Preprocessor, fit: LinearFit, family: FamilyName): Graph {
  const width = preprocessor.classes?.length ?? 1;
  const features = preprocessor.features.length;
  const { mean, scale } = preprocessor.targetScaling ?? { mean: 0, scale: 1 };
  const counts = family === 'poisson';
  const [center, by] = counts ? [0, 1] : [mean, scale];
  const weight = new Float32Array(features * width);
  const bias = new Float32Array(width);
  fit.columns.forEach((column, k) => {
    weight[column * width + width - 1] = fit.coefficients[k] / by;
  });
  bias[width - 1] = (fit.intercept - center) / by;
  const b = new GraphBuilder('linear');
  const x = b.input(FEATURES, 'float32', [1, features]);
  const w = b.initializer('output.weight', float32([features, width], weight));
  const eta = b.gemm(x, w, b.initializer('output.bias', float32([width], bias)));
  b.output('output', counts ? b.mul(b.sub(b.exp(eta), mean), 1 / scale) : eta);
  const graph = b.graph();
  const anyBatch = (info: ValueInfo): ValueInfo => ({ ...info, shape: ['batch', ...(info.shape ?? []).slice(1)] });
  return { ...graph, inputs: graph.inputs.map(anyBatch), outputs: graph.outputs.map(anyBatch) };
}

/** What the network answers to encoded rows, row-major, in double precision. */
export function linearOutputs(preprocessor: Preprocessor, eta: Float64Array, family: FamilyName): Float32Array {
  const predicted = family === 'cox' ? (value: number) => value : familyOf({ family }).mean;
  const { mean, scale } = preprocessor.targetScaling ?? { mean: 0, scale: 1 };
  if (preprocessor.classes === undefined) return Float32Array.from(eta, (value) => (predicted(value) - mean) / scale);
  const outputs = new Float32Array(2 * eta.length);
  eta.forEach((value, row) => {
    outputs[2 * row + 1] = value;
  });
  return outputs;
}
