import type { GraphBuilder, Value, ValueType } from '../builder.js';
import type { DataType } from '../tensor.js';
import { foldElementwise } from './folding.js';
import {
  broadcastShapes,
  type FoldContext,
  floatAttribute,
  type GradientContext,
  type InferContext,
  intAttribute,
  mismatch,
  notDifferentiable,
  type Operator,
  required,
  sameAsInput,
  sumTo,
  toNumbers,
} from './operator.js';

/** Arithmetic with NumPy broadcasting, comparisons, logic, selection and limits. */

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

const infer = (context: InferContext): ValueType[] => broadcast(context);

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
  compute: (operands: readonly number[], context: FoldContext) => number,
): Operator {
  return {
    infer,
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

const isInteger = ({ outputs }: FoldContext): boolean => outputs[0].type !== 'float32' && outputs[0].type !== 'float64';

export const Add = binary(
  ({ g }) => g,
  ({ g }) => g,
  ([x, y]) => x + y,
);

export const Sub = binary(
  ({ g }) => g,
  ({ b, g }) => b.neg(g),
  ([x, y]) => x - y,
);

export const Mul = binary(
  ({ b, g, y }) => b.mul(g, y),
  ({ b, g, x }) => b.mul(g, x),
  ([x, y]) => x * y,
);

export const Div = binary(
  ({ b, g, y }) => b.div(g, y),
  ({ b, g, y, out }) => b.neg(b.div(b.mul(g, out), y)),
  ([x, y], context) => (isInteger(context) ? Math.trunc(x / y) : x / y),
);

/** d(x^y) = y x^(y-1) dx + x^y log(x) dy; the latter is zero where x <= 0, as no real derivative exists there. */
export const Pow: Operator = {
  infer,
  gradient({ b, inputs, outputs, gradients, needs }) {
    const [x, y] = inputs as Value[];
    const g = gradients[0]!;
    return [
      needs[0] ? sumTo(b, b.mul(g, powerSlope(b, x, y)), x.shape) : undefined,
      needs[1] ? sumTo(b, b.mul(g, b.mul(outputs[0], b.log(b.where(b.greater(x, 0), x, 1)))), y.shape) : undefined,
    ];
  },
  fold: foldElementwise(([x, y]) => x ** y),
};

/** y x^(y-1): zero, not NaN, for y = 0 at x = 0. */
function powerSlope(b: GraphBuilder, x: Value, y: Value): Value {
  const constant = b.constantOf(y);
  const known = constant?.data.length === 1 ? toNumbers(constant)[0] : undefined;
  if (known === 2) return b.mul(x, 2);
  if (known !== undefined && known !== 0) return b.mul(b.pow(x, known - 1), known);
  const exponent = b.cast(y, x.type);
  return b.where(b.equal(exponent, 0), 0, b.mul(exponent, b.pow(x, b.sub(exponent, 1))));
}

/** Remainders; floating point has a derivative with `fmod`: 1, and -trunc(x / y). */
export const Mod: Operator = {
  limits: 'integers (fmod 0)',
  infer,
  gradient(context) {
    const { b, node, inputs, gradients, needs } = context;
    if (intAttribute(node.attributes, 'fmod', 0) !== 1) throw notDifferentiable(context, 'of integers');
    const [x, y] = inputs as Value[];
    const g = gradients[0]!;
    const quotient = (): Value => {
      const ratio = b.div(x, y);
      return b.mul(b.sign(ratio), b.op('Floor', [b.abs(ratio)]));
    };
    return [
      needs[0] ? sumTo(b, g, x.shape) : undefined,
      needs[1] ? sumTo(b, b.neg(b.mul(g, quotient())), y.shape) : undefined,
    ];
  },
  fold: foldElementwise(([x, y], { attributes }) =>
    intAttribute(attributes, 'fmod', 0) === 1 ? x % y : ((x % y) + y) % y,
  ),
};

/** The gradient goes to the first operand that attains the extremum. */
function extremum(choose: (...values: number[]) => number): Operator {
  return {
    infer,
    gradient({ b, inputs, outputs, gradients, needs }) {
      const g = gradients[0]!;
      if (inputs.length === 1) return [g];
      let free: Value | undefined;
      return (inputs as Value[]).map((input, index) => {
        const attains = b.equal(input, outputs[0]);
        const here = free === undefined ? attains : b.and(attains, free);
        free = free === undefined ? b.not(attains) : b.and(free, b.not(attains));
        return needs[index] ? sumTo(b, b.where(here, g, 0), input.shape) : undefined;
      });
    },
    fold: foldElementwise((operands) => choose(...operands)),
  };
}

export const Max = extremum(Math.max);
export const Min = extremum(Math.min);

export const Sum: Operator = {
  infer,
  gradient: ({ b, inputs, gradients, needs }) =>
    inputs.map((input, index) => (needs[index] ? sumTo(b, gradients[0]!, input!.shape) : undefined)),
};

export const Mean: Operator = {
  infer,
  gradient: ({ b, inputs, gradients, needs }) =>
    inputs.map((input, index) =>
      needs[index] ? sumTo(b, b.mul(gradients[0]!, 1 / inputs.length), input!.shape) : undefined,
    ),
};

const comparison = (compute: (x: number, y: number) => boolean): Operator => ({
  infer: (context) => broadcast(context, 'bool'),
  gradient: 'zero',
  fold: foldElementwise(([x, y]) => (compute(x, y) ? 1 : 0)),
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
export const Not: Operator = { ...predicate, fold: foldElementwise(([x]) => (x === 0 ? 1 : 0)) };
export const IsNaN = predicate;
export const IsInf = predicate;

const discrete: Operator = { infer, gradient: 'zero' };
export const BitwiseAnd = discrete;
export const BitwiseOr = discrete;
export const BitwiseXor = discrete;
export const BitShift = discrete;

const step = (compute?: (x: number) => number): Operator => ({
  infer: sameAsInput,
  gradient: 'zero',
  ...(compute === undefined ? {} : { fold: foldElementwise(([x]) => compute(x)) }),
});
export const BitwiseNot = step();
export const Floor = step(Math.floor);
export const Ceil = step(Math.ceil);
export const Round = step();
export const Sign = step(Math.sign);

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
  fold: foldElementwise(([condition, x, y]) => (condition !== 0 ? x : y)),
};

/** Gradient passes inside the limits (both ends included); what is cut off goes to the limit. */
export const Clip: Operator = {
  infer: sameAsInput,
  gradient({ b, inputs, gradients, needs }) {
    const [x, low, high] = inputs;
    const g = gradients[0]!;
    const over = high === undefined ? undefined : b.greater(x!, high);
    const below = low === undefined ? undefined : b.less(x!, low);
    const under = below !== undefined && over !== undefined ? b.and(below, b.not(over)) : below;
    const outside = under === undefined ? over : over === undefined ? under : b.or(under, over);
    const toLimit = (where: Value, limit: Value): Value => b.reshape(b.reduceSum(b.where(where, g, 0)), limit.shape);
    return [
      needs[0] ? (outside === undefined ? g : b.where(outside, 0, g)) : undefined,
      needs[1] && under !== undefined ? toLimit(under, low!) : undefined,
      needs[2] && over !== undefined ? toLimit(over, high!) : undefined,
    ];
  },
};

/** x + bias below -lambd, x - bias above lambd, zero between. */
export const Shrink: Operator = {
  infer: sameAsInput,
  gradient({ b, node, inputs, gradients }) {
    return [b.where(b.greater(b.abs(inputs[0]!), floatAttribute(node.attributes, 'lambd', 0.5)), gradients[0]!, 0)];
  },
};
