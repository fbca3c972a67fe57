import type { Axis } from '../units.js';
import { type Rule, type RuleContext, staying } from './rule.js';

/** Element by element: what the input may lose, the output loses with it. Further inputs are single numbers. */
const unary: Rule = ({ axes }) => [axes(0)];

/** NumPy's broadcasting: axes that are counted alike from the end are one, where none is spread from a single index. */
export function broadcast({ units, axes, shape }: RuleContext, inputs: readonly number[], rank: number): Axis[] {
  return Array.from({ length: rank }, (_, i) => {
    const back = i - rank;
    const present = inputs.filter((input) => (shape(input).at(back) ?? 1) > 1 && shape(input).length >= -back);
    if (present.length === 0) return undefined;
    return present.map((input) => axes(input).at(back)).reduce((a, b) => units.merge(a, b));
  });
}

const spread: Rule = (context) => {
  const inputs = context.node.inputs.flatMap((name, index) => (name === '' ? [] : [index]));
  return [broadcast(context, inputs, context.outputShape(0).length)];
};

/** Scale, shift, mean and variance are one a channel. */
const batchNormalization: Rule = ({ units, axes, node }) => {
  if (node.outputs.filter((name) => name !== '').length !== 1) return undefined;
  const result = [...axes(0)];
  for (const parameter of node.inputs.keys()) {
    if (parameter > 0) result[1] = units.merge(result[1], axes(parameter)[0]);
  }
  return [result];
};

/** Mean and variance are taken over the last axes, so that nothing may be missing there. */
const layerNormalization: Rule = ({ units, axes, shape, node }) => {
  const rank = shape(0).length;
  const axis = node.attributes.axis?.kind === 'int' ? node.attributes.axis.value : -1;
  const from = axis < 0 ? axis + rank : axis;
  for (let i = from; i < rank; i++) units.fix(axes(0)[i]);
  for (const parameter of [1, 2]) for (const each of axes(parameter)) units.fix(each);
  const normalized = axes(0).map((each, i) => (i < from ? each : undefined));
  return node.outputs.map((name, i) => (i === 0 ? normalized : name === '' ? [] : staying(rank)));
};

/** Shares of a whole along an axis. */
const softmax: Rule = ({ units, axes, shape, node }) => {
  const rank = shape(0).length;
  const axis = node.attributes.axis?.kind === 'int' ? node.attributes.axis.value : -1;
  const along = axis < 0 ? axis + rank : axis;
  units.fix(axes(0)[along]);
  return [axes(0).map((each, i) => (i === along ? undefined : each))];
};

/** Each channel by itself. */
const instanceNormalization: Rule = ({ units, axes }) => {
  const [batch, channels, ...rest] = axes(0);
  const merged = units.merge(units.merge(channels, axes(1)[0]), axes(2)[0]);
  return [[batch, merged, ...rest]];
};

export const ELEMENTWISE: Readonly<Record<string, Rule>> = {
  ...Object.fromEntries(
    [
      ...[
        'Relu',
        'LeakyRelu',
        'Elu',
        'Selu',
        'Celu',
        'Sigmoid',
        'HardSigmoid',
        'HardSwish',
        'Tanh',
        'Softplus',
        'Gelu',
      ],
      ...['Softsign', 'Mish', 'ThresholdedRelu', 'Erf', 'Exp', 'Log', 'Sqrt', 'Neg', 'Abs', 'Reciprocal', 'Sign'],
      ...['Floor', 'Ceil', 'Round', 'Sin', 'Cos', 'Not', 'IsNaN', 'IsInf', 'Clip', 'Cast', 'Identity'],
    ].map((opType) => [opType, unary]),
  ),
  ...Object.fromEntries(
    [
      ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Sum', 'Mean', 'Where', 'PRelu', 'Mod'],
      ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Xor'],
    ].map((opType) => [opType, spread]),
  ),
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  Softmax: softmax,
  LogSoftmax: softmax,
  Dropout: ({ axes, node }) => [axes(0), ...(node.outputs.length > 1 ? [axes(0)] : [])],
};
