import type { GraphBuilder, Value, ValueType } from '../builder.js';
import { sizeOf } from '../tensor.js';
import {
  floatAttribute,
  type GradientContext,
  type InferContext,
  intAttribute,
  intsAttribute,
  mismatch,
  normalizeAxis,
  type Operator,
  required,
  sameAsInput,
  sumChannels,
  sumTo,
} from './operator.js';

/**
 * Normalizations. Where mean and variance come from the data, x^ = (x - mean) r with r = (variance + epsilon)^(-1/2),
 * and dx = r (g - mean(g) - x^ mean(g x^)), means over the normalized axes, g the gradient with respect to x^.
 */

interface Standardized {
  /** x^. */
  readonly value: Value;
  /** r, reduced axes kept as ones. */
  readonly inverse: Value;
  readonly centred: Value;
  readonly axes: readonly number[];
}

function standardize(b: GraphBuilder, x: Value, axes: readonly number[], epsilon: number): Standardized {
  const centred = b.sub(x, b.reduceMean(x, axes, true));
  const variance = b.reduceMean(b.mul(centred, centred), axes, true);
  const inverse = b.reciprocal(b.sqrt(b.add(variance, epsilon)));
  return { value: b.mul(centred, inverse), inverse, centred, axes };
}

function standardizeGradient(b: GraphBuilder, { value, inverse, axes }: Standardized, g: Value): Value {
  const along = b.reduceMean(b.mul(g, value), axes, true);
  return b.mul(b.sub(b.sub(g, b.reduceMean(g, axes, true)), b.mul(value, along)), inverse);
}

/** A vector over channels, as [1, C, 1, ...]. */
function perChannel(b: GraphBuilder, vector: Value, rank: number): Value {
  return b.reshape(vector, [1, sizeOf(vector.shape), ...new Array<number>(rank - 2).fill(1)]);
}

function checkChannels(context: InferContext): void {
  const x = required(context, 0);
  const channels = x.shape[1];
  context.inputs.slice(1).forEach((vector) => {
    if (vector !== undefined && (vector.shape.length !== 1 || vector.shape[0] !== channels)) {
      throw mismatch(context, `"${vector.name}" of shape [${vector.shape}] does not fit ${channels} channels`);
    }
  });
}

const isTraining = (attributes: InferContext['attributes']): boolean =>
  intAttribute(attributes, 'training_mode', 0) === 1;

/**
 * scale (x - mean) / sqrt(variance + epsilon) + B for each channel. With `training_mode` mean and variance are those of
 * the batch, and the running ones come out as m old + (1 - m) batch, m the momentum. (In training mode the runtime
 * writes the new running statistics over the old ones in place, even over initializers, which it may have merged with
 * equal ones: let them be inputs of the graph.)
 */
export const BatchNormalization: Operator = {
  infer(context) {
    const { type, shape } = required(context, 0);
    checkChannels(context);
    const running = required(context, 3);
    const y: ValueType = { type, shape };
    return isTraining(context.attributes)
      ? [y, { type: running.type, shape: running.shape }, { type: running.type, shape: running.shape }]
      : [y];
  },
  gradient: (context) =>
    isTraining(context.node.attributes) ? batchStatisticsGradient(context) : runningStatisticsGradient(context),
};

function runningStatisticsGradient({ b, node, inputs, gradients, needs }: GradientContext): (Value | undefined)[] {
  const [x, scale, , mean, variance] = inputs as Value[];
  const g = gradients[0]!;
  const rank = x.shape.length;
  const inverse = b.reciprocal(b.sqrt(b.add(variance, floatAttribute(node.attributes, 'epsilon', 1e-5))));
  const sum = needs[2] || needs[3] ? sumChannels(b, g) : undefined;
  const projection =
    needs[1] || needs[4] ? b.mul(sumChannels(b, b.mul(g, b.sub(x, perChannel(b, mean, rank)))), inverse) : undefined;
  const factor = b.mul(scale, inverse);
  return [
    needs[0] ? b.mul(g, perChannel(b, factor, rank)) : undefined,
    needs[1] ? projection : undefined,
    needs[2] ? sum : undefined,
    needs[3] ? b.neg(b.mul(sum!, factor)) : undefined,
    needs[4] ? b.mul(b.mul(projection!, -0.5), b.mul(factor, inverse)) : undefined,
  ];
}

function batchStatisticsGradient({ b, node, inputs, gradients, needs }: GradientContext): (Value | undefined)[] {
  const [x, scale] = inputs as Value[];
  const [g, gMean, gVariance] = gradients;
  const rank = x.shape.length;
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const count = sizeOf(x.shape) / x.shape[1];
  const momentum = floatAttribute(node.attributes, 'momentum', 0.9);
  const standard = standardize(b, x, axes, floatAttribute(node.attributes, 'epsilon', 1e-5));
  const parts: Value[] = [];
  let dScale: Value | undefined;
  let dBias: Value | undefined;
  if (g !== undefined) {
    dBias = sumChannels(b, g);
    dScale = sumChannels(b, b.mul(g, standard.value));
    const [meanG, meanAlong] = [dBias, dScale].map((sum) => perChannel(b, b.mul(sum, 1 / count), rank));
    const inner = b.sub(b.sub(g, meanG), b.mul(standard.value, meanAlong));
    parts.push(b.mul(inner, b.mul(standard.inverse, perChannel(b, scale, rank))));
  }
  if (gMean !== undefined) {
    const share = perChannel(b, b.mul(gMean, (1 - momentum) / count), rank);
    parts.push(b.expand(share, x.shape));
  }
  if (gVariance !== undefined) {
    const share = perChannel(b, b.mul(gVariance, (2 * (1 - momentum)) / count), rank);
    parts.push(b.mul(standard.centred, share));
  }
  const running = (gradient: Value | undefined): Value | undefined => gradient && b.mul(gradient, momentum);
  return [
    needs[0] ? parts.reduce((sum, part) => b.add(sum, part)) : undefined,
    needs[1] ? dScale : undefined,
    needs[2] ? dBias : undefined,
    needs[3] ? running(gMean) : undefined,
    needs[4] ? running(gVariance) : undefined,
  ];
}

/** Over the axes from `axis` on: scale x^ + B. The optional outputs are the mean and r. */
export const LayerNormalization: Operator = {
  infer(context) {
    const { type, shape } = required(context, 0);
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', -1), shape.length);
    const kept = shape.map((extent, i) => (i < axis ? extent : 1));
    const precision = intAttribute(context.attributes, 'stash_type', 1) === 11 ? 'float64' : 'float32';
    return [
      { type, shape },
      { type: precision, shape: kept },
      { type: precision, shape: kept },
    ];
  },
  gradient(context) {
    const { b, node, inputs, gradients, needs } = context;
    const [x, scale, bias] = inputs;
    const [g, gMean, gInverse] = gradients;
    const rank = x!.shape.length;
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', -1), rank);
    const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
    const count = sizeOf(x!.shape.slice(axis));
    const standard = layerStatistics(context, axes);
    const parts: Value[] = [];
    if (g !== undefined && needs[0]) parts.push(standardizeGradient(b, standard, b.mul(g, scale!)));
    if (gMean !== undefined) parts.push(b.expand(b.mul(b.cast(gMean, x!.type), 1 / count), x!.shape));
    if (gInverse !== undefined) {
      // dr/dx = -r^3 (x - mean) / n.
      const cube = b.mul(standard.inverse, b.mul(standard.inverse, standard.inverse));
      parts.push(b.mul(b.mul(standard.centred, b.mul(b.cast(gInverse, x!.type), cube)), -1 / count));
    }
    return [
      needs[0] ? parts.reduce((sum, part) => b.add(sum, part)) : undefined,
      needs[1] && g !== undefined ? sumTo(b, b.mul(g, standard.value), scale!.shape) : undefined,
      needs[2] && g !== undefined ? sumTo(b, g, bias!.shape) : undefined,
    ];
  },
};

/** The statistics that the kernel computed, where they are of the input's precision; else they are computed again. */
function layerStatistics({ b, node, inputs, outputs }: GradientContext, axes: readonly number[]): Standardized {
  const x = inputs[0]!;
  if (x.type !== 'float32') return standardize(b, x, axes, floatAttribute(node.attributes, 'epsilon', 1e-5));
  const [, mean, inverse] = b.withOutputs({ node, inputs, outputs }, 3);
  const centred = b.sub(x, mean);
  return { value: b.mul(centred, inverse), inverse, centred, axes };
}

/** x^ over groups of channels and all positions, then scale and bias for each channel (opset 21). */
export const GroupNormalization: Operator = {
  infer(context) {
    const { type, shape } = required(context, 0);
    checkChannels(context);
    const groups = intAttribute(context.attributes, 'num_groups', 1);
    if (shape[1] % groups !== 0) throw mismatch(context, `${shape[1]} channels do not divide into ${groups} groups`);
    return [{ type, shape }];
  },
  gradient: (context) => groupedGradient(context, intAttribute(context.node.attributes, 'num_groups', 1)),
};

/** x^ over the positions of each channel, then scale and bias. */
export const InstanceNormalization: Operator = {
  infer(context) {
    const { type, shape } = required(context, 0);
    checkChannels(context);
    return [{ type, shape }];
  },
  gradient: (context) => groupedGradient(context, context.inputs[0]!.shape[1]),
};

function groupedGradient({ b, node, inputs, gradients, needs }: GradientContext, groups: number) {
  const [x, scale] = inputs as Value[];
  const g = gradients[0]!;
  const rank = x.shape.length;
  const rows = [x.shape[0] * groups, sizeOf(x.shape) / (x.shape[0] * groups)];
  const standard = standardize(b, b.reshape(x, rows), [1], floatAttribute(node.attributes, 'epsilon', 1e-5));
  const scaled = (): Value => b.reshape(b.mul(g, perChannel(b, scale, rank)), rows);
  return [
    needs[0] ? b.reshape(standardizeGradient(b, standard, scaled()), x.shape) : undefined,
    needs[1] ? sumChannels(b, b.mul(g, b.reshape(standard.value, x.shape))) : undefined,
    needs[2] ? sumChannels(b, g) : undefined,
  ];
}

/** x / ||x||_p along an axis, p = 1 or 2: dx = (g - slope sum(g y)) / norm, slope = sign(x) or y. */
export const LpNormalization: Operator = {
  infer: sameAsInput,
  gradient({ b, node, inputs, outputs, gradients }) {
    const x = inputs[0]!;
    const [y] = outputs;
    const g = gradients[0]!;
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', -1), x.shape.length);
    const one = intAttribute(node.attributes, 'p', 2) === 1;
    const total = b.reduceSum(one ? b.abs(x) : b.mul(x, x), [axis], true);
    const norm = b.maximum(one ? total : b.sqrt(total), 1e-30);
    const along = b.reduceSum(b.mul(g, y), [axis], true);
    return [b.div(b.sub(g, b.mul(one ? b.sign(x) : y, along)), norm)];
  },
};

/** (x - mean) / (sqrt(variance) + 1e-9) over `axes`. */
export const MeanVarianceNormalization: Operator = {
  infer: sameAsInput,
  gradient({ b, node, inputs, gradients }) {
    const x = inputs[0]!;
    const axes = (intsAttribute(node.attributes, 'axes') ?? [0, 2, 3]).map((axis) =>
      normalizeAxis(axis, x.shape.length),
    );
    return [standardizeGradient(b, standardize(b, x, axes, 0), gradients[0]!)];
  },
};

/** x s^(-beta) with s = bias + alpha / size * (sum of x^2 over `size` neighbouring channels). */
export const LRN: Operator = {
  infer: sameAsInput,
  gradient({ b, node, inputs, outputs, gradients }) {
    const x = inputs[0]!;
    const g = gradients[0]!;
    const size = intAttribute(node.attributes, 'size', 1);
    const alpha = floatAttribute(node.attributes, 'alpha', 1e-4) / size;
    const beta = floatAttribute(node.attributes, 'beta', 0.75);
    const before = Math.floor((size - 1) / 2);
    const s = b.add(
      b.mul(overNeighbours(b, b.mul(x, x), before, size - 1 - before), alpha),
      floatAttribute(node.attributes, 'bias', 1),
    );
    // Channel c is seen by those that have it among their neighbours: the same window, mirrored.
    const across = overNeighbours(b, b.div(b.mul(g, outputs[0]), s), size - 1 - before, before);
    return [b.sub(b.mul(g, b.pow(s, -beta)), b.mul(b.mul(x, across), 2 * alpha * beta))];
  },
};

/** The sum over channels c - before ... c + after. */
function overNeighbours(b: GraphBuilder, x: Value, before: number, after: number): Value {
  const rest = new Array<number>(x.shape.length - 2).fill(0);
  const padded = b.pad(x, [0, before, ...rest, 0, after, ...rest]);
  const channels = x.shape[1];
  const parts = Array.from({ length: before + after + 1 }, (_, i) => b.slice(padded, [i], [i + channels], [1]));
  return parts.length === 1 ? parts[0] : b.op('Sum', parts);
}
