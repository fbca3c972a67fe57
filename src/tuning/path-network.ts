import type { Preprocessor } from '../data/preprocess/preprocessor.js';
import type { Graph } from '../graph/model.js';
import { float32 } from '../graph/tensor.js';
import { buildModel } from '../models/build.js';

/** A linear model of encoded features. */
export interface LinearFit {
  readonly columns: Int32Array;
  readonly coefficients: Float64Array;
  readonly intercept: number;
}

/**
 * A fitted linear model as the network that an export takes: class scores 0 and x b of two classes, or the standardised
 * target.
 */
export function linearNetwork(preprocessor: Preprocessor, fit: LinearFit): Graph {
  const classes = preprocessor.classes?.length;
  const width = classes ?? 1;
  const inputs = preprocessor.outputs;
  const network = buildModel(
    { type: classes === undefined ? 'linear' : 'logistic' },
    { inputs, outputs: width, seed: 0 },
  );
  const weight = new Float32Array(preprocessor.features.length * width);
  const bias = new Float32Array(width);
  const { mean, scale } = preprocessor.targetScaling ?? { mean: 0, scale: 1 };
  fit.columns.forEach((column, k) => {
    weight[column * width + width - 1] = fit.coefficients[k] / scale;
  });
  bias[width - 1] = (fit.intercept - mean) / scale;
  return {
    ...network,
    initializers: new Map([
      ...network.initializers,
      ['output.weight', float32([preprocessor.features.length, width], weight)],
      ['output.bias', float32([width], bias)],
    ]),
  };
}

/** What the network answers to encoded rows, row-major, in double precision. */
export function linearOutputs(preprocessor: Preprocessor, eta: Float64Array): Float32Array {
  const { mean, scale } = preprocessor.targetScaling ?? { mean: 0, scale: 1 };
  if (preprocessor.classes === undefined) return Float32Array.from(eta, (value) => (value - mean) / scale);
  const outputs = new Float32Array(2 * eta.length);
  eta.forEach((value, row) => {
    outputs[2 * row + 1] = value;
  });
  return outputs;
}
