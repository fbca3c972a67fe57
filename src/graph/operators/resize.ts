import type { GraphBuilder, Value } from '../builder.js';
import { sizeOf } from '../tensor.js';
import { floatConstant, sumBlocks } from './columns.js';
import { type AxisResampling, resamplingWeights } from './interpolation.js';
import {
  constantIntegers,
  floatAttribute,
  type InferContext,
  inferContext,
  intAttribute,
  intsAttribute,
  mismatch,
  normalizeAxis,
  type Operator,
  required,
  stringAttribute,
} from './operator.js';

/**
 * Resampling of any axes. Resize is linear in its input and separable: the gradient is a product with the transposed
 * weights along each axis, or a sum over blocks where every element is repeated a whole number of times.
 */
export const Resize: Operator = {
  infer(context) {
    const x = required(context, 0);
    return [{ type: x.type, shape: resampling(context).map(({ output }) => output) }];
  },
  gradient(context) {
    const { b, inputs, gradients } = context;
    const x = inputs[0]!;
    const axes = resampling(inferContext(context));
    const none = inputs.slice(1).map(() => undefined);
    const weights = axes.map(resamplingWeights);
    const factors = weights.map(repetition);
    if (x.shape.length > 2 && factors[0] === 1 && factors[1] === 1 && factors.every((f) => f !== undefined)) {
      return [sumBlocks(b, gradients[0]!, factors.slice(2) as number[]), ...none];
    }
    let g = gradients[0]!;
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      if (factors[axis] !== 1) g = contract(b, g, axis, weights[axis]);
    }
    return [g, ...none];
  },
};

/** f where output i is input floor(i / f), that is, every element stands f times; otherwise undefined. */
function repetition(rows: readonly (readonly number[])[]): number | undefined {
  const factor = rows.length / rows[0].length;
  const repeats = rows.every((row, i) => row[Math.floor(i / factor)] === 1 && row.every((w) => w === 0 || w === 1));
  return Number.isInteger(factor) && repeats ? factor : undefined;
}

/** g with its axis of extent `rows.length` multiplied by the rows. */
function contract(b: GraphBuilder, g: Value, axis: number, rows: readonly (readonly number[])[]): Value {
  const [output, input] = [rows.length, rows[0].length];
  const before = g.shape.slice(0, axis);
  const after = g.shape.slice(axis + 1);
  const shape = [...before, input, ...after];
  if (sizeOf(after) === 1) {
    const matrix = floatConstant(b, g, [output, input], rows.flat());
    return b.reshape(b.matMul(b.reshape(g, [sizeOf(before), output]), matrix), shape);
  }
  const transposed = Array.from({ length: input }, (_, j) => rows.map((row) => row[j]));
  const matrix = floatConstant(b, g, [input, output], transposed.flat());
  return b.reshape(b.matMul(matrix, b.reshape(g, [sizeOf(before), output, sizeOf(after)])), shape);
}

/** How each axis is resampled. */
function resampling(context: InferContext): AxisResampling[] {
  const x = required(context, 0);
  const { attributes } = context;
  const rank = x.shape.length;
  const axes = (intsAttribute(attributes, 'axes') ?? x.shape.map((_, axis) => axis)).map((axis) =>
    normalizeAxis(axis, rank),
  );
  const known = (index: number): readonly number[] | undefined => {
    const values = constantIntegers(context, index);
    return values?.length === 0 ? undefined : values;
  };
  const [roi, scales, sizes] = [known(1), known(2), known(3)];
  if ((scales ?? sizes)?.length !== axes.length)
    throw mismatch(context, `needs scales or sizes of ${axes.length} axes`);
  const mode = stringAttribute(attributes, 'mode', 'nearest');
  if (mode !== 'nearest' && mode !== 'linear' && mode !== 'cubic') throw mismatch(context, `mode "${mode}" is unknown`);
  const policy = stringAttribute(attributes, 'keep_aspect_ratio_policy', 'stretch');
  const coordinates = stringAttribute(attributes, 'coordinate_transformation_mode', 'half_pixel');
  const targets = scales === undefined ? targetSizes(policy, sizes!, axes, x.shape) : undefined;
  return x.shape.map((input, axis) => {
    const i = axes.indexOf(axis);
    const scale = i < 0 ? 1 : (scales?.[i] ?? targets![i].scale);
    return {
      input,
      output: i < 0 ? input : (targets?.[i].size ?? Math.floor(Math.fround(input * scale))),
      scale,
      roi: i < 0 || roi === undefined ? [0, 1] : [roi[i], roi[i + axes.length]],
      mode,
      coordinates: i < 0 ? 'asymmetric' : coordinates,
      rounding: stringAttribute(attributes, 'nearest_mode', 'round_prefer_floor'),
      cubicCoefficient: floatAttribute(attributes, 'cubic_coeff_a', -0.75),
      excludeOutside: intAttribute(attributes, 'exclude_outside', 0) === 1,
      antialias: intAttribute(attributes, 'antialias', 0) === 1 && mode !== 'nearest',
    };
  });
}

/** Sizes and scales, with one common scale where the aspect ratio is to be kept. */
function targetSizes(policy: string, sizes: readonly number[], axes: readonly number[], shape: readonly number[]) {
  const ratios = sizes.map((size, i) => Math.fround(size / shape[axes[i]]));
  if (policy === 'stretch') return sizes.map((size, i) => ({ size, scale: ratios[i] }));
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis) => ({ size: Math.round(Math.fround(scale * shape[axis])), scale }));
}
