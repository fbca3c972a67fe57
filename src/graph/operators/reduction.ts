import type { GraphBuilder, Value, ValueType } from '../builder.js';
import { sizeOf } from '../tensor.js';
import {
  constantIntegers,
  type GradientContext,
  type InferContext,
  inferContext,
  intAttribute,
  intsAttribute,
  normalizeAxis,
  type Operator,
  required,
} from './operator.js';

/** Reductions, softmax and its logarithm. */

function reducedAxes(context: InferContext): number[] {
  const x = required(context, 0);
  const axes = intsAttribute(context.attributes, 'axes') ?? constantIntegers(context, 1);
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

/** The shape with reduced axes kept as ones, found from the operator's own arguments. */
function keptShape(context: GradientContext): number[] {
  const axes = new Set(reducedAxes(inferContext(context)));
  return context.inputs[0]!.shape.map((extent, axis) => (axes.has(axis) ? 1 : extent));
}

interface ReductionGradient {
  b: GraphBuilder;
  x: Value;
  /** Output and its gradient with reduced axes kept. */
  out: Value;
  g: Value;
  count: number;
}

function reduction(derivative: (context: ReductionGradient) => Value): Operator {
  return {
    infer: reduce,
    gradient(context) {
      const { b, inputs, outputs, gradients } = context;
      const x = inputs[0]!;
      const kept = keptShape(context);
      return [
        b.expand(
          derivative({
            b,
            x,
            out: b.reshape(outputs[0], kept),
            g: b.reshape(gradients[0]!, kept),
            count: sizeOf(x.shape) / sizeOf(kept),
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
export const ReduceProd: Operator = reduction(({ b, g, x, out }) => b.div(b.mul(g, out), x));

/** Ties share the gradient equally. */
const extremal = reduction(({ b, g, x, out }) => {
  const hit = b.cast(b.equal(x, out), x.type);
  const axes = x.shape.flatMap((extent, axis) => (out.shape[axis] === 1 && extent !== 1 ? [axis] : []));
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
  infer(context) {
    const { type, shape } = required(context, 0);
    return [{ type, shape }];
  },
  gradient({ b, node, inputs, gradients }) {
    const reverse = intAttribute(node.attributes, 'reverse', 0) === 0 ? 1 : 0;
    return [
      b.op('CumSum', [gradients[0]!, inputs[1]], { ...node.attributes, reverse: { kind: 'int', value: reverse } }),
      undefined,
    ];
  },
};

const sameShape = (context: InferContext): ValueType[] => {
  const { type, shape } = required(context, 0);
  return [{ type, shape }];
};

/** dx = y (g - sum(g y)). */
export const Softmax: Operator = {
  infer: sameShape,
  gradient({ b, node, outputs, gradients }) {
    const y = outputs[0];
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', -1), y.shape.length);
    const weighted = b.mul(gradients[0]!, y);
    return [b.sub(weighted, b.mul(y, b.reduceSum(weighted, [axis], true)))];
  },
};

/** dx = g - softmax(x) sum(g). */
export const LogSoftmax: Operator = {
  infer: sameShape,
  gradient({ b, node, outputs, gradients }) {
    const y = outputs[0];
    const g = gradients[0]!;
    const axis = normalizeAxis(intAttribute(node.attributes, 'axis', -1), y.shape.length);
    return [b.sub(g, b.mul(b.exp(y), b.reduceSum(g, [axis], true)))];
  },
};
