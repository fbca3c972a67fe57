import type { GraphBuilder, Value } from '../builder.js';
import { float } from '../model.js';
import { foldElementwise } from './folding.js';
import { floatAttribute, type Operator, reluGradient, sameAsInput, stringAttribute, sumTo } from './operator.js';

/** Functions of one element: powers, logarithms, trigonometry and every activation. */

interface UnaryGradient {
  b: GraphBuilder;
  x: Value;
  out: Value;
  g: Value;
  attribute: (name: string, fallback: number) => number;
  text: (name: string, fallback: string) => string;
}

function unary(derivative: (context: UnaryGradient) => Value, compute?: (x: number) => number): Operator {
  return {
    infer: sameAsInput,
    ...(compute === undefined ? {} : { fold: foldElementwise(([x]) => compute(x)) }),
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

export const Neg = unary(
  ({ b, g }) => b.neg(g),
  (x) => -x,
);
export const Abs = unary(({ b, g, x }) => b.mul(g, b.sign(x)), Math.abs);
export const Exp = unary(({ b, g, out }) => b.mul(g, out), Math.exp);
export const Log = unary(({ b, g, x }) => b.div(g, x), Math.log);
export const Sqrt = unary(({ b, g, out }) => b.div(b.mul(g, 0.5), out), Math.sqrt);
export const Reciprocal = unary(
  ({ b, g, out }) => b.neg(b.mul(g, b.mul(out, out))),
  (x) => 1 / x,
);
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

export const Relu = unary(({ b, g, out }) => reluGradient(b, out, g));
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
  const slope = text('approximate', 'none') === 'tanh' ? tanhGeluSlope : geluSlope;
  return b.mul(g, slope(b, x));
});

/** Slope is an input, broadcast to x. */
export const PRelu: Operator = {
  infer: sameAsInput,
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

/** x sigmoid(alpha x) (ONNX Runtime's own). */
export const QuickGelu = unary(({ b, g, x, attribute }) => {
  const alpha = attribute('alpha', 1.702);
  const s = b.sigmoid(b.mul(x, alpha));
  return b.mul(g, b.mul(s, b.add(b.mul(b.mul(x, b.sub(1, s)), alpha), 1)));
});

/** Derivative of x Phi(x) with Phi approximated by tanh(sqrt(2 / pi) (x + 0.044715 x^3)). */
function tanhGeluSlope(b: GraphBuilder, x: Value): Value {
  const c = Math.sqrt(2 / Math.PI);
  const x2 = b.mul(x, x);
  const t = b.tanh(b.mul(b.mul(x, b.add(b.mul(x2, 0.044715), 1)), c));
  const slope = b.mul(b.add(b.mul(x2, 3 * 0.044715), 1), c);
  const inner = b.mul(b.mul(b.mul(x, 0.5), b.sub(1, b.mul(t, t))), slope);
  return b.add(b.mul(b.add(t, 1), 0.5), inner);
}

/**
 * Derivative of x Phi(x): Phi(x) + t exp(-t^2 - ln(pi) / 2) with t = x / sqrt(2). HardSigmoid is (erf + 1) / 2 in one
 * pass, as erf keeps to [-1, 1].
 */
function geluSlope(b: GraphBuilder, x: Value): Value {
  const t = b.mul(x, Math.SQRT1_2);
  const cdf = b.op('HardSigmoid', [b.erf(t)], { alpha: float(0.5), beta: float(0.5) });
  return b.add(cdf, b.mul(t, b.exp(b.sub(-0.5 * Math.log(Math.PI), b.mul(t, t)))));
}

/** ONNX Runtime's Gelu of x + bias, the bias a vector over the last axis. */
const biasedGelu = (slope: (b: GraphBuilder, x: Value) => Value): Operator => ({
  infer: sameAsInput,
  gradient({ b, inputs, gradients, needs }) {
    const [x, bias] = inputs;
    const g = b.mul(gradients[0]!, slope(b, bias === undefined ? x! : b.add(x!, bias)));
    return [g, bias !== undefined && needs[1] ? sumTo(b, g, bias.shape) : undefined];
  },
});
export const FastGelu = biasedGelu(tanhGeluSlope);
export const BiasGelu = biasedGelu(geluSlope);
