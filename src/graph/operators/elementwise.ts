import type { GraphBuilder, Value, ValueType } from '../builder.js';
import { ARRAY_OF, type DataType, type NumericArray, sizeOf, type Tensor, typeOfNumber } from '../tensor.js';
import {
  broadcastShapes,
  type FoldContext,
  floatAttribute,
  type GradientContext,
  type InferContext,
  intAttribute,
  isFloat,
  mismatch,
  type Operator,
  required,
  stringAttribute,
  sumTo,
  toNumbers,
} from './operator.js';

/** Element-wise operators: arithmetic with NumPy broadcasting, comparisons, and every activation. */

const same = (context: InferContext): ValueType[] => {
  const { type, shape } = required(context, 0);
  return [{ type, shape }];
};

function broadcast(context: InferContext, type?: DataType): ValueType[] {
  const first = required(context, 0);
  let shape: readonly number[] = first.shape;
  for (let i = 1; i < context.inputs.length; i++) {
    const other = required(context, i);
    if (other.type !== first.type && context.opType !== 'Pow') {
      throw mismatch(context, `operands are ${first.type} ("${first.name}") and ${other.type} ("${other.name}")`);
    }
    const joint = broadcastShapes(shape, other.shape);
    if (joint === undefined) throw mismatch(context, `shapes [${shape}] and [${other.shape}] do not broadcast`);
    shape = joint;
  }
  return [{ type: type ?? first.type, shape }];
}

/** Largest constant that is folded: shape arithmetic, not weights. */
const FOLD_LIMIT = 1024;

function foldElementwise(compute: (...operands: number[]) => number) {
  return ({ inputs, outputs }: FoldContext): Tensor | undefined => {
    const { type, shape } = outputs[0];
    const size = sizeOf(shape);
    if (type !== 'int64' && type !== 'bool') return undefined;
    if (size > FOLD_LIMIT || inputs.some((input) => input === undefined || input.type === 'string')) return undefined;
    const operands = (inputs as Tensor[]).map((input) => ({ values: toNumbers(input), shape: input.shape }));
    const data: NumericArray = new ARRAY_OF[type](size);
    for (let i = 0; i < size; i++) {
      const value = compute(...operands.map((operand) => operand.values[broadcastIndex(i, shape, operand.shape)]));
      data[i] = data instanceof BigInt64Array ? BigInt(value) : value;
    }
    return { type, shape, data };
  };
}

/** Where element `index` of a broadcast result comes from in an operand of shape `from`. */
function broadcastIndex(index: number, shape: readonly number[], from: readonly number[]): number {
  let result = 0;
  let stride = 1;
  let rest = index;
  for (let i = 1; i <= shape.length; i++) {
    const extent = shape[shape.length - i];
    const coordinate = rest % extent;
    rest = Math.floor(rest / extent);
    const own = from[from.length - i] ?? 1;
    if (own !== 1) result += coordinate * stride;
    stride *= own;
  }
  return result;
}

interface BinaryGradient {
  b: GraphBuilder;
  x: Value;
  y: Value;
  out: Value;
  g: Value;
}

function binary(
  dx: (context: BinaryGradient) => Value,
  dy: (context: BinaryGradient) => Value,
  compute: (x: number, y: number) => number,
): Operator {
  return {
    infer: (context) => broadcast(context),
    gradient({ b, inputs, outputs, gradients, needs }: GradientContext) {
      const [x, y] = inputs as Value[];
      const context: BinaryGradient = { b, x, y, out: outputs[0], g: gradients[0]! };
      return [
        needs[0] ? sumTo(b, dx(context), x.shape) : undefined,
        needs[1] ? sumTo(b, dy(context), y.shape) : undefined,
      ];
    },
    fold: foldElementwise(compute),
  };
}

export const Add = binary(
  ({ g }) => g,
  ({ g }) => g,
  (x, y) => x + y,
);

export const Sub = binary(
  ({ g }) => g,
  ({ b, g }) => b.neg(g),
  (x, y) => x - y,
);

export const Mul = binary(
  ({ b, g, y }) => b.mul(g, y),
  ({ b, g, x }) => b.mul(g, x),
  (x, y) => x * y,
);

export const Div = binary(
  ({ b, g, y }) => b.div(g, y),
  ({ b, g, y, out }) => b.neg(b.div(b.mul(g, out), y)),
  (x, y) => Math.trunc(x / y),
);

/** d(x^y) = y x^(y-1) dx + x^y log(x) dy; the latter is zero where x <= 0, as no real derivative exists there. */
export const Pow: Operator = {
  infer: (context) => broadcast(context),
  gradient({ b, inputs, outputs, gradients, needs }) {
    const [x, y] = inputs as Value[];
    const g = gradients[0]!;
    const exponent = b.cast(y, x.type);
    const safeLog = (): Value => b.log(b.where(b.greater(x, 0), x, 1));
    return [
      needs[0] ? sumTo(b, b.mul(g, b.mul(exponent, b.pow(x, b.sub(exponent, 1)))), x.shape) : undefined,
      needs[1] ? sumTo(b, b.mul(g, b.mul(outputs[0], safeLog())), y.shape) : undefined,
    ];
  },
};

export const Mod: Operator = {
  infer: (context) => broadcast(context),
  fold: foldElementwise((x, y) => ((x % y) + y) % y),
};

/** Ties share: the gradient goes to the first operand that attains the extremum, as a subgradient. */
function extremum(pick: (b: GraphBuilder, x: Value, y: Value) => Value): Operator {
  return {
    infer: (context) => broadcast(context),
    gradient({ b, inputs, outputs, gradients, needs }) {
      const g = gradients[0]!;
      let free: Value | undefined;
      return (inputs as Value[]).map((input, index) => {
        let here = pick(b, input, outputs[0]);
        if (free !== undefined) here = b.and(here, free);
        free = free === undefined ? b.not(here) : b.and(free, b.not(here));
        return needs[index] ? sumTo(b, b.where(here, g, 0), input.shape) : undefined;
      });
    },
  };
}

export const Max = extremum((b, input, out) => b.equal(b.expand(input, out.shape), out));
export const Min = extremum((b, input, out) => b.equal(b.expand(input, out.shape), out));

export const Sum: Operator = {
  infer: (context) => broadcast(context),
  gradient: ({ b, inputs, gradients, needs }) =>
    inputs.map((input, index) => (needs[index] ? sumTo(b, gradients[0]!, input!.shape) : undefined)),
};

export const Mean: Operator = {
  infer: (context) => broadcast(context),
  gradient: ({ b, inputs, gradients, needs }) =>
    inputs.map((input, index) =>
      needs[index] ? sumTo(b, b.div(gradients[0]!, inputs.length), input!.shape) : undefined,
    ),
};

const comparison = (compute: (x: number, y: number) => boolean): Operator => ({
  infer: (context) => broadcast(context, 'bool'),
  gradient: 'zero',
  fold: foldElementwise((x, y) => (compute(x, y) ? 1 : 0)),
});

export const Equal = comparison((x, y) => x === y);
export const Greater = comparison((x, y) => x > y);
export const GreaterOrEqual = comparison((x, y) => x >= y);
export const Less = comparison((x, y) => x < y);
export const LessOrEqual = comparison((x, y) => x <= y);
export const And = comparison((x, y) => x !== 0 && y !== 0);
export const Or = comparison((x, y) => x !== 0 || y !== 0);
export const Xor = comparison((x, y) => (x !== 0) !== (y !== 0));

const predicate: Operator = {
  infer: (context) => [{ type: 'bool', shape: required(context, 0).shape }],
  gradient: 'zero',
};
export const Not = predicate;
export const IsNaN = predicate;
export const IsInf = predicate;

const discrete: Operator = { infer: (context) => broadcast(context), gradient: 'zero' };
export const BitwiseAnd = discrete;
export const BitwiseOr = discrete;
export const BitwiseXor = discrete;
export const BitShift = discrete;

const step: Operator = { infer: same, gradient: 'zero' };
export const BitwiseNot = step;
export const Floor = step;
export const Ceil = step;
export const Round = step;
export const Sign = step;

/** Passes types and shapes only; gradients follow where the target is floating point. */
export const Cast: Operator = {
  infer(context) {
    const { shape } = required(context, 0);
    const type = typeOfNumber(intAttribute(context.attributes, 'to', 1));
    if (type === undefined) throw mismatch(context, 'casts to a type that Ballast does not know');
    return [{ type, shape }];
  },
  gradient({ b, inputs, outputs, gradients }) {
    const from = inputs[0]!;
    if (!isFloat(from.type) || !isFloat(outputs[0].type)) return [undefined];
    return [b.cast(gradients[0]!, from.type)];
  },
  fold({ inputs, outputs }) {
    const from = inputs[0];
    const { type, shape } = outputs[0];
    if (from === undefined || from.type === 'string' || type === 'string' || sizeOf(shape) > FOLD_LIMIT)
      return undefined;
    if (type === 'float16' || type === 'bfloat16' || from.type === 'float16' || from.type === 'bfloat16')
      return undefined;
    const data: NumericArray = new ARRAY_OF[type](sizeOf(shape));
    toNumbers(from).forEach((value, i) => {
      if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(Math.trunc(value));
      else data[i] = type === 'bool' ? Number(value !== 0) : value;
    });
    return { type, shape, data };
  },
};

export const Identity: Operator = {
  infer: same,
  gradient: ({ gradients }) => [gradients[0]],
  fold: ({ inputs }) => inputs[0],
};

/** In inference graphs the identity; training-time dropout is built by the regularizer, with its own mask. */
export const Dropout: Operator = {
  infer: (context) => {
    const { type, shape } = required(context, 0);
    return [
      { type, shape },
      { type: 'bool', shape },
    ];
  },
  gradient: ({ gradients }) => [gradients[0]],
};

export const Where: Operator = {
  infer(context) {
    const condition = required(context, 0);
    const [x, y] = [required(context, 1), required(context, 2)];
    if (x.type !== y.type) throw mismatch(context, `branches are ${x.type} and ${y.type}`);
    const branches = broadcastShapes(x.shape, y.shape);
    const shape = branches && broadcastShapes(condition.shape, branches);
    if (!shape) throw mismatch(context, `shapes [${condition.shape}], [${x.shape}], [${y.shape}] do not broadcast`);
    return [{ type: x.type, shape }];
  },
  gradient({ b, inputs, gradients, needs }) {
    const [condition, x, y] = inputs as Value[];
    const g = gradients[0]!;
    return [
      undefined,
      needs[1] ? sumTo(b, b.where(condition, g, 0), x.shape) : undefined,
      needs[2] ? sumTo(b, b.where(condition, 0, g), y.shape) : undefined,
    ];
  },
  fold: foldElementwise((condition, x, y) => (condition !== 0 ? x : y)),
};

/** Gradient passes inside the limits (both ends included). */
export const Clip: Operator = {
  infer: same,
  gradient({ b, node, inputs, gradients, needs }) {
    const [x, low, high] = inputs;
    const g = gradients[0]!;
    const limit = (bound: Value | undefined, name: 'min' | 'max'): Value | undefined => {
      const attribute = node.attributes[name];
      return (
        bound ?? (attribute === undefined ? undefined : b.scalar(floatAttribute(node.attributes, name, 0), x!.type))
      );
    };
    const [lo, hi] = [limit(low, 'min'), limit(high, 'max')];
    const under = lo === undefined ? undefined : b.less(x!, lo);
    const over = hi === undefined ? undefined : b.greater(x!, hi);
    const outside = under === undefined ? over : over === undefined ? under : b.or(under, over);
    return [
      needs[0] ? (outside === undefined ? g : b.where(outside, 0, g)) : undefined,
      needs[1] && under !== undefined ? b.reduceSum(b.where(under, g, 0)) : undefined,
      needs[2] && over !== undefined ? b.reduceSum(b.where(over, g, 0)) : undefined,
    ];
  },
};

interface UnaryGradient {
  b: GraphBuilder;
  x: Value;
  out: Value;
  g: Value;
  attribute: (name: string, fallback: number) => number;
  text: (name: string, fallback: string) => string;
}

function unary(derivative: (context: UnaryGradient) => Value): Operator {
  return {
    infer: same,
    gradient: ({ b, node, inputs, outputs, gradients }) => [
      derivative({
        b,
        x: inputs[0]!,
        out: outputs[0],
        g: gradients[0]!,
        attribute: (name, fallback) => floatAttribute(node.attributes, name, fallback),
        text: (name, fallback) => stringAttribute(node.attributes, name, fallback),
      }),
    ],
  };
}

export const Neg = unary(({ b, g }) => b.neg(g));
export const Abs = unary(({ b, g, x }) => b.mul(g, b.sign(x)));
export const Exp = unary(({ b, g, out }) => b.mul(g, out));
export const Log = unary(({ b, g, x }) => b.div(g, x));
export const Sqrt = unary(({ b, g, out }) => b.div(b.mul(g, 0.5), out));
export const Reciprocal = unary(({ b, g, out }) => b.neg(b.mul(g, b.mul(out, out))));
export const Sin = unary(({ b, g, x }) => b.mul(g, b.op('Cos', [x])));
export const Cos = unary(({ b, g, x }) => b.neg(b.mul(g, b.op('Sin', [x]))));
export const Tan = unary(({ b, g, out }) => b.mul(g, b.add(b.mul(out, out), 1)));
export const Atan = unary(({ b, g, x }) => b.div(g, b.add(b.mul(x, x), 1)));
export const Asin = unary(({ b, g, x }) => b.div(g, b.sqrt(b.sub(1, b.mul(x, x)))));
export const Acos = unary(({ b, g, x }) => b.neg(b.div(g, b.sqrt(b.sub(1, b.mul(x, x))))));
export const Sinh = unary(({ b, g, x }) => b.mul(g, b.op('Cosh', [x])));
export const Cosh = unary(({ b, g, x }) => b.mul(g, b.op('Sinh', [x])));
export const Asinh = unary(({ b, g, x }) => b.div(g, b.sqrt(b.add(b.mul(x, x), 1))));
export const Acosh = unary(({ b, g, x }) => b.div(g, b.sqrt(b.sub(b.mul(x, x), 1))));
export const Atanh = unary(({ b, g, x }) => b.div(g, b.sub(1, b.mul(x, x))));
export const Erf = unary(({ b, g, x }) => b.mul(g, b.mul(b.exp(b.neg(b.mul(x, x))), 2 / Math.sqrt(Math.PI))));

export const Relu = unary(({ b, g, out }) => b.where(b.greater(out, 0), g, 0));
export const Sigmoid = unary(({ b, g, out }) => b.mul(g, b.mul(out, b.sub(1, out))));
export const Tanh = unary(({ b, g, out }) => b.mul(g, b.sub(1, b.mul(out, out))));
export const Softplus = unary(({ b, g, x }) => b.mul(g, b.sigmoid(x)));
export const Softsign = unary(({ b, g, x }) => {
  const d = b.add(b.abs(x), 1);
  return b.div(g, b.mul(d, d));
});
export const LeakyRelu = unary(({ b, g, x, attribute }) =>
  b.where(b.greater(x, 0), g, b.mul(g, attribute('alpha', 0.01))),
);
export const ThresholdedRelu = unary(({ b, g, x, attribute }) => b.where(b.greater(x, attribute('alpha', 1)), g, 0));
export const Elu = unary(({ b, g, x, out, attribute }) =>
  b.where(b.greater(x, 0), g, b.mul(g, b.add(out, attribute('alpha', 1)))),
);
export const Celu = unary(({ b, g, x, attribute }) =>
  b.where(b.greater(x, 0), g, b.mul(g, b.exp(b.div(b.minimum(x, 0), attribute('alpha', 1))))),
);
export const Selu = unary(({ b, g, x, out, attribute }) => {
  const alpha = attribute('alpha', 1.6732632423543772);
  const gamma = attribute('gamma', 1.0507009873554805);
  return b.where(b.greater(x, 0), b.mul(g, gamma), b.mul(g, b.add(out, alpha * gamma)));
});
export const HardSigmoid = unary(({ b, g, x, attribute }) => {
  const [alpha, beta] = [attribute('alpha', 0.2), attribute('beta', 0.5)];
  const inside = b.and(b.greater(x, -beta / alpha), b.less(x, (1 - beta) / alpha));
  return b.where(inside, b.mul(g, alpha), 0);
});
/** x * clip(x/6 + 1/2, 0, 1). */
export const HardSwish = unary(({ b, g, x }) => {
  const middle = b.mul(g, b.add(b.mul(x, 1 / 3), 0.5));
  return b.where(b.greater(x, 3), g, b.where(b.less(x, -3), 0, middle));
});
/** x tanh(softplus(x)). */
export const Mish = unary(({ b, g, x }) => {
  const t = b.tanh(b.softplus(x));
  return b.mul(g, b.add(t, b.mul(b.mul(x, b.sigmoid(x)), b.sub(1, b.mul(t, t)))));
});
/** x Phi(x), exactly or by tanh. */
export const Gelu = unary(({ b, g, x, text }) => {
  if (text('approximate', 'none') === 'tanh') {
    const c = Math.sqrt(2 / Math.PI);
    const x2 = b.mul(x, x);
    const t = b.tanh(b.mul(b.mul(x, b.add(b.mul(x2, 0.044715), 1)), c));
    const slope = b.mul(b.add(b.mul(x2, 3 * 0.044715), 1), c);
    const inner = b.mul(b.mul(b.mul(x, 0.5), b.sub(1, b.mul(t, t))), slope);
    return b.mul(g, b.add(b.mul(b.add(t, 1), 0.5), inner));
  }
  const cdf = b.mul(b.add(b.erf(b.mul(x, Math.SQRT1_2)), 1), 0.5);
  const pdf = b.mul(b.exp(b.mul(b.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return b.mul(g, b.add(cdf, b.mul(x, pdf)));
});

/** Slope is an input, broadcast to x. */
export const PRelu: Operator = {
  infer: same,
  gradient({ b, inputs, gradients, needs }) {
    const [x, slope] = inputs as Value[];
    const g = gradients[0]!;
    const positive = b.greater(x, 0);
    return [
      needs[0] ? b.where(positive, g, b.mul(g, slope)) : undefined,
      needs[1] ? sumTo(b, b.where(positive, 0, b.mul(g, x)), slope.shape) : undefined,
    ];
  },
};
