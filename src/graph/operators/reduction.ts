import type { GraphBuilder, Value, ValueType } from '../builder.js';
import { sizeOf } from '../tensor.js';
import {
  constantIntegers,
  type InferContext,
  inferContext,
  intAttribute,
  normalizeAxis,
  type Operator,
  required,
  sameAsInput,
} from './operator.js';

/** Reductions, softmax and its logarithm. */

function reducedAxes(context: InferContext): number[] {
  const x = required(context, 0);
  const axes = constantIntegers(context, 1);
  if (axes === undefined || axes.length === 0) {
    return intAttribute(context.attributes, 'noop_with_empty_axes', 0) === 1 ? [] : x.shape.map((_, axis) => axis);
  }
  return axes.map((axis) => normalizeAxis(axis, x.shape.length));
}

function reduce(context: InferContext): ValueType[] {
  const x = required(context, 0);
  const axes = new Set(reducedAxes(context));
  const keep = intAttribute(context.attributes, 'keepdims', 1) !== 0;
  const shape = x.shape.flatMap((extent, axis) => (axes.has(axis) ? (keep ? [1] : []) : [extent]));
  return [{ type: x.type, shape }];
}

interface ReductionGradient {
  b: GraphBuilder;
  x: Value;
  /** Output and its gradient with reduced axes kept. */
  out: Value;
  g: Value;
  count: number;
  /** The reduced axes. */
  axes: readonly number[];
}

function reduction(derivative: (context: ReductionGradient) => Value): Operator {
  return {
    infer: reduce,
    gradient(context) {
      const { b, inputs, outputs, gradients } = context;
      const x = inputs[0]!;
      const axes = reducedAxes(inferContext(context));
      // Reduced axes kept as ones.
      const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
      return [
        b.expand(
          derivative({
            b,
            x,
            out: b.reshape(outputs[0], kept),
            g: b.reshape(gradients[0]!, kept),
            count: sizeOf(x.shape) / sizeOf(kept),
            axes,
          }),
          x.shape,
        ),
      ];
    },
  };
}

export const ReduceSum: Operator = reduction(({ g }) => g);
export const ReduceMean: Operator = reduction(({ b, g, count }) => b.mul(g, 1 / count));
export const ReduceSumSquare: Operator = reduction(({ b, g, x }) => b.mul(b.mul(x, 2), g));
export const ReduceL1: Operator = reduction(({ b, g, x }) => b.mul(b.sign(x), g));
/** Zero, not NaN, at the origin. */
export const ReduceL2: Operator = reduction(({ b, g, x, out }) => b.mul(x, b.div(g, b.maximum(out, 1e-30))));
export const ReduceLogSum: Operator = reduction(({ b, g, out }) => b.div(g, b.exp(out)));
export const ReduceLogSumExp: Operator = reduction(({ b, g, x, out }) => b.mul(b.exp(b.sub(x, out)), g));
/** g times the product of the others: where one element is zero, only that one has a derivative. */
export const ReduceProd: Operator = reduction(({ b, g, x, axes }) => {
  const isZero = b.equal(x, 0);
  const safe = b.where(isZero, 1, x);
  const zeros = b.reduceSum(b.cast(isZero, x.type), axes, true);
  const product = axes.length === 0 ? safe : b.op('ReduceProd', [safe, b.indices(axes)]);
  const regular = b.mul(b.div(product, safe), b.cast(b.equal(zeros, 0), x.type));
  const single = b.mul(product, b.cast(b.equal(zeros, 1), x.type));
  return b.mul(g, b.where(isZero, single, regular));
});

/** Ties share the gradient equally. */
const extremal = reduction(({ b, g, x, out, axes }) => {
  const hit = b.cast(b.equal(x, out), x.type);
  return b.mul(hit, b.div(g, b.reduceSum(hit, axes, true)));
});
export const ReduceMax: Operator = extremal;
export const ReduceMin: Operator = extremal;

const arg: Operator = {
  infer(context) {
    const x = required(context, 0);
    const axis = normalizeAxis(intAttribute(context.attributes, 'axis', 0), x.shape.length);
    const keep = intAttribute(context.attributes, 'keepdims', 1) !== 0;
    return [{ type: 'int64', shape: x.shape.flatMap((extent, i) => (i === axis ? (keep ? [1] : []) : [extent])) }];
  },
  gradient: 'zero',
};
export const ArgMax = arg;
export const ArgMin = arg;

export const CumSum: Operator = {
  infer: sameAsInput,
  gradient({ b, node, inputs, gradients }) {
    const reverse = intAttribute(node.attributes, 'reverse', 0) === 0 ? 1 : 0;
    return [
      b.op('CumSum', [gradients[0]!, inputs[1]], { ...node.attributes, reverse: { kind: 'int', value: reverse } }),
      undefined,
    ];
  },
};

/** dx = y (g - sum(g y)). */
export const Softmax: Operator = {
  infer: sameAsInput,
  gradient({ b, node, outputs, gradients }) {
    const y = outputs[0];
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', -1), y.shape.length);
    const weighted = b.mul(gradients[0]!, y);
    return [b.sub(weighted, b.mul(y, b.reduceSum(weighted, [axis], true)))];
  },
};

/** dx = g - softmax(x) sum(g). */
export const LogSoftmax: Operator = {
  infer: sameAsInput,
  gradient({ b, node, outputs, gradients }) {
    const y = outputs[0];
    const g = gradients[0]!;
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', -1), y.shape.length);
    return [b.sub(g, b.mul(b.exp(y), b.reduceSum(g, [axis], true)))];
  },
};

/** One at the first maximum along the axis, zero elsewhere. */
export const Hardmax: Operator = { infer: sameAsInput, gradient: 'zero' };
