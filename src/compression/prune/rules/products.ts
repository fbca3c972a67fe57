import { intAttribute } from '../../../graph/operators/operator.js';
import type { Axis } from '../units.js';
import { broadcast } from './elementwise.js';
import { type Rule, type RuleContext, staying } from './rule.js';

const matMul: Rule = (context) => {
  const { units, axes, shape, makes, outputShape } = context;
  const [a, b] = [axes(0), axes(1)];
  if (shape(0).length < 2 || shape(1).length < 2) return undefined;
  units.merge(a.at(-1), b.at(-2));
  makes(1, shape(1).length - 1);
  const rank = outputShape(0).length;
  const batch = broadcastBatch(context, rank);
  return [[...batch, a.at(-2), b.at(-1)]];
};

/** The axes before the last two of both operands. */
function broadcastBatch(context: RuleContext, rank: number): Axis[] {
  const inner: RuleContext = {
    ...context,
    axes: (index) => context.axes(index).slice(0, -2),
    shape: (index) => context.shape(index).slice(0, -2),
  };
  return broadcast(inner, [0, 1], rank - 2);
}

const gemm: Rule = ({ units, axes, shape, node, makes }) => {
  const transA = intAttribute(node.attributes, 'transA', 0) !== 0;
  const transB = intAttribute(node.attributes, 'transB', 0) !== 0;
  const [a, b, c] = [axes(0), axes(1), axes(2)];
  units.merge(a[transA ? 0 : 1], b[transB ? 1 : 0]);
  makes(1, transB ? 0 : 1);
  let columns = b[transB ? 0 : 1];
  let rows = a[transA ? 1 : 0];
  // The addend is spread where it has one index.
  const addend = node.inputs[2] === undefined || node.inputs[2] === '' ? [] : shape(2);
  if ((addend.at(-1) ?? 1) > 1) columns = units.merge(columns, c.at(-1));
  if ((addend.at(-2) ?? 1) > 1) rows = units.merge(rows, c.at(-2));
  return [[rows, columns]];
};

/** Without groups, depthwise (a group a channel), or grouped: then each group loses the same indices, so that all stay alike. */
const conv: Rule = (context) => {
  const { units, axes, shape, node, makes, outputShape } = context;
  const group = intAttribute(node.attributes, 'group', 1);
  const [x, w, bias] = [axes(0), axes(1), axes(2)];
  const channels = shape(0)[1];
  for (const spatial of [...x.slice(2), ...w.slice(2)]) units.fix(spatial);
  makes(1, 0);
  let out = w[0];
  if (node.inputs[2] !== undefined && node.inputs[2] !== '') out = units.merge(out, bias[0]);
  if (group === 1) units.merge(x[1], w[1]);
  else if (group === channels) joinDepthwise(context, x[1], out);
  else joinGroups(context, { x: x[1], inner: w[1], out, group });
  return [[x[0], out, ...staying(outputShape(0).length - 2)]];
};

/** Output o is made of input o / multiplier alone. */
function joinDepthwise({ units }: RuleContext, x: Axis, out: Axis): void {
  if (x === undefined || out === undefined) {
    units.fix(x);
    units.fix(out);
    return;
  }
  const multiplier = out.length / x.length;
  out.forEach((unit, o) => {
    units.join(unit, x[Math.floor(o / multiplier)]);
  });
}

function joinGroups(
  { units }: RuleContext,
  { x, inner, out, group }: { x: Axis; inner: Axis; out: Axis; group: number },
): void {
  if (x === undefined || inner === undefined) {
    units.fix(x);
    units.fix(inner);
  } else {
    x.forEach((unit, c) => {
      units.join(unit, inner[c % inner.length]);
    });
  }
  if (out === undefined) return;
  const perGroup = out.length / group;
  out.forEach((unit, o) => {
    units.join(unit, out[o % perGroup]);
  });
}

/** Weights are [in, out / group, ...]. */
const convTranspose: Rule = (context) => {
  const { units, axes, shape, node, makes, outputShape } = context;
  const group = intAttribute(node.attributes, 'group', 1);
  if (group !== 1) return undefined;
  const [x, w, bias] = [axes(0), axes(1), axes(2)];
  for (const spatial of [...x.slice(2), ...w.slice(2)]) units.fix(spatial);
  units.merge(x[1], w[0]);
  makes(1, 1);
  let out = w[1];
  if (node.inputs[2] !== undefined && node.inputs[2] !== '' && shape(2).length === 1) out = units.merge(out, bias[0]);
  return [[x[0], out, ...staying(outputShape(0).length - 2)]];
};

const pool: Rule = ({ units, axes, node, outputShape }) => {
  if (node.outputs.length > 1) return undefined;
  const [batch, channels, ...spatial] = axes(0);
  for (const each of spatial) units.fix(each);
  return [[batch, channels, ...staying(outputShape(0).length - 2)]];
};

export const PRODUCTS: Readonly<Record<string, Rule>> = {
  MatMul: matMul,
  Gemm: gemm,
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: pool,
  GlobalMaxPool: pool,
  GlobalLpPool: pool,
};
