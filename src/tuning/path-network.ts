import { FEATURES, type Preprocessor } from '../data/preprocess/preprocessor.js';
import { GraphBuilder, type Value } from '../graph/builder.js';
import type { Graph, ValueInfo } from '../graph/model.js';
import { float32 } from '../graph/tensor.js';
import type { FamilyName } from '../paths/families/family.js';
import { familyOf } from '../paths/families/index.js';
import type { LinearModel, OutputModel } from '../paths/path-point.js';
import { outputOfTarget } from './path-targets.js';

/**
 * A fitted linear model as the network that an export takes: class scores 0 and x b of two classes, those of each of
 * several, or the standardised target; of counts, their mean e^(x b), standardised; of survival times x b, the logarithm of the relative risk.
 *
 * @param beside of several targets, the names of those beside the first: each is an output of its own
 */
export function linearNetwork(
  preprocessor: Preprocessor,
  fit: LinearModel,
  family: FamilyName,
  beside: readonly string[] = [],
): Graph {
  const width = preprocessor.classes?.length ?? 1;
  const features = preprocessor.features.length;
  const { mean, scale } = preprocessor.targetScaling ?? { mean: 0, scale: 1 };
  const counts = family === 'poisson';
  const [center, by] = counts ? [0, 1] : [mean, scale];
  const b = new GraphBuilder('linear');
  const x = b.input(FEATURES, 'float32', [1, features]);
  const predictor = (name: string, models: readonly OutputModel[]): Value => {
    const weight = new Float32Array(features * width);
    const bias = new Float32Array(width);
    models.forEach(({ columns, coefficients, intercept }, k) => {
      const output = width - models.length + k;
      columns.forEach((column, at) => {
        weight[column * width + output] = coefficients[at] / by;
      });
      bias[output] = (intercept - center) / by;
    });
    const w = b.initializer(`${name}.weight`, float32([features, width], weight));
    return b.gemm(x, w, b.initializer(`${name}.bias`, float32([width], bias)));
  };
  const models = fit.outputs ?? [fit];
  const eta = predictor('output', models.slice(0, models.length - beside.length));
  b.output('output', counts ? b.mul(b.sub(b.exp(eta), mean), 1 / scale) : eta);
  beside.forEach((target, k) => {
    const name = outputOfTarget(target);
    b.output(name, predictor(name, [models[k + 1]]));
  });
  const graph = b.graph();
  const anyBatch = (info: ValueInfo): ValueInfo => ({ ...info, shape: ['batch', ...(info.shape ?? []).slice(1)] });
  return { ...graph, inputs: graph.inputs.map(anyBatch), outputs: graph.outputs.map(anyBatch) };
}

/**
 * What the network answers to encoded rows, row-major, in double precision.
 *
 * @param eta of several classes, those of the first, then the second's; of several targets too, of which the first is answered
 */
export function linearOutputs(
  preprocessor: Preprocessor,
  eta: Float64Array,
  family: FamilyName,
  targets = 1,
): Float32Array {
  const predicted = family === 'cox' ? (value: number) => value : familyOf({ family }).mean;
  const { mean, scale } = preprocessor.targetScaling ?? { mean: 0, scale: 1 };
  if (preprocessor.classes === undefined) {
    return Float32Array.from(eta.subarray(0, eta.length / targets), (value) => (predicted(value) - mean) / scale);
  }
  const width = preprocessor.classes.length;
  const models = family === 'multinomial' ? width : 1;
  const rows = eta.length / models;
  const outputs = new Float32Array(width * rows);
  for (let k = 0; k < models; k++) {
    for (let row = 0; row < rows; row++) outputs[row * width + width - models + k] = eta[k * rows + row];
  }
  return outputs;
}
