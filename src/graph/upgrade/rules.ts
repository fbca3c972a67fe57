import { BallastError } from '../../errors.js';
import { type Attribute, int, type Node, string } from '../model.js';
import { constantOf } from '../operators/folding.js';
import { type DataType, float32, type Tensor } from '../tensor.js';

/** What a rule may use besides the node. */
export interface UpgradeContext {
  /** Version of the default domain that the node was written for. */
  readonly opset: number;
  /** Adds a constant and gives its name. */
  constant(data: Tensor): string;
  /** A value name that nothing bears yet. */
  fresh(stem: string): string;
  typeOf(name: string): DataType | undefined;
  rankOf(name: string): number | undefined;
  /** The constant of that name: an initializer or the output of a Constant node. */
  tensorOf(name: string): Tensor | undefined;
}

/** The nodes of the target opset that compute what the node computed; undefined where it stays as it is. */
export type UpgradeRule = (node: Node, context: UpgradeContext) => Node[] | undefined;

/** A refusal that names node and operator. */
export function cannotUpgrade(node: Node, reason: string): BallastError {
  return new BallastError(`${node.opType} ${reason}`, {
    code: 'GRAPH_OPSET',
    place: `node ${node.name}`,
    remedy: 'Convert the model to opset 21, for example with the onnx version converter',
  });
}

const without = (attributes: Node['attributes'], ...names: string[]): Record<string, Attribute> =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));

const intsOf = (node: Node, name: string): readonly number[] | undefined => {
  const attribute = node.attributes[name];
  return attribute?.kind === 'ints' ? attribute.value : undefined;
};
const intOf = (node: Node, name: string, fallback: number): number => {
  const attribute = node.attributes[name];
  return attribute?.kind === 'int' ? attribute.value : fallback;
};
const floatOf = (node: Node, name: string): number | undefined => {
  const attribute = node.attributes[name];
  return attribute?.kind === 'float' ? attribute.value : undefined;
};

/** Saturating: "to the end" in old slices is the largest int64, which as a number is one too large. */
const vector = (values: readonly number[]): Tensor => constantOf('int64', [values.length], values)!;

/** A new node of the default domain, named after the one that it helps to replace. */
const made = (
  of: Node,
  opType: string,
  inputs: string[],
  output: string,
  attributes: Node['attributes'] = {},
): Node => ({
  name: `${of.name}/${output}`,
  opType,
  domain: '',
  inputs,
  outputs: [output],
  attributes,
});

/** An attribute that became an input, at the position where the input stands now. */
const attributeToInput =
  (attribute: string, position: number, before: number): UpgradeRule =>
  (node, context) => {
    const values = intsOf(node, attribute);
    if (context.opset >= before || values === undefined) return undefined;
    const inputs = [...node.inputs.slice(0, position), context.constant(vector(values))];
    return [{ ...node, inputs, attributes: without(node.attributes, attribute) }];
  };

/** A float attribute as an input of the element type of `like`. */
function limit(node: Node, value: number | undefined, like: string, context: UpgradeContext): [string, Node[]] {
  if (value === undefined) return ['', []];
  const constant = context.constant(float32([], [value]));
  if (context.typeOf(like) === 'float32') return [constant, []];
  const cast = context.fresh(`${node.name}/limit`);
  return [cast, [made(node, 'CastLike', [constant, like], cast)]];
}

const clip: UpgradeRule = (node, context) => {
  if (context.opset >= 11) return undefined;
  const [x] = node.inputs;
  const [low, lowNodes] = limit(node, floatOf(node, 'min'), x, context);
  const [high, highNodes] = limit(node, floatOf(node, 'max'), x, context);
  const inputs = high === '' ? (low === '' ? [x] : [x, low]) : [x, low, high];
  return [...lowNodes, ...highNodes, { ...node, inputs, attributes: without(node.attributes, 'min', 'max') }];
};

const pad: UpgradeRule = (node, context) => {
  if (context.opset >= 11) return undefined;
  const [x] = node.inputs;
  const [value, nodes] = limit(node, floatOf(node, 'value'), x, context);
  const inputs = [x, context.constant(vector(intsOf(node, 'pads') ?? [])), ...(value === '' ? [] : [value])];
  return [...nodes, { ...node, inputs, attributes: without(node.attributes, 'pads', 'value') }];
};

const slice: UpgradeRule = (node, context) => {
  if (context.opset >= 10) return undefined;
  const starts = intsOf(node, 'starts') ?? [];
  const axes = intsOf(node, 'axes') ?? starts.map((_, axis) => axis);
  const parts = [starts, intsOf(node, 'ends') ?? [], axes].map((part) => context.constant(vector(part)));
  return [{ ...node, inputs: [node.inputs[0], ...parts], attributes: {} }];
};

const topK: UpgradeRule = (node, context) => {
  if (context.opset >= 10) return undefined;
  const k = context.constant(vector([intOf(node, 'k', 1)]));
  return [{ ...node, inputs: [node.inputs[0], k], attributes: without(node.attributes, 'k') }];
};

/** Equal parts had to be asked for by nothing, now by `num_outputs`. */
const split: UpgradeRule = (node, context) => {
  const sizes = intsOf(node, 'split');
  if (sizes !== undefined && context.opset < 13) {
    const inputs = [node.inputs[0], context.constant(vector(sizes))];
    return [{ ...node, inputs, attributes: without(node.attributes, 'split') }];
  }
  const given = (node.inputs[1] ?? '') !== '';
  if (context.opset >= 18 || given) return undefined;
  return [{ ...node, attributes: { ...node.attributes, num_outputs: int(node.outputs.length) } }];
};

/** Before opset 13 the input was taken as a matrix, cut at `axis` (1 by default). */
const softmax: UpgradeRule = (node, context) => {
  if (context.opset >= 13) return undefined;
  const axis = intOf(node, 'axis', 1);
  const [x] = node.inputs;
  const [y] = node.outputs;
  const rank = context.rankOf(x);
  const last: Node = { ...node, attributes: { axis: int(-1) } };
  if (axis === -1 || rank === axis + 1) return [last];
  const [shape, rows, result] = ['shape', 'rows', 'result'].map((stem) => context.fresh(`${node.name}/${stem}`));
  return [
    made(node, 'Shape', [x], shape),
    made(node, 'Flatten', [x], rows, { axis: int(axis) }),
    { ...last, inputs: [rows], outputs: [result] },
    made(node, 'Reshape', [result, shape], y),
  ];
};

const batchNormalization: UpgradeRule = (node, context) => {
  if (context.opset >= 14) return undefined;
  if (intOf(node, 'spatial', 1) !== 1) throw cannotUpgrade(node, 'with spatial = 0 has no counterpart today');
  return [{ ...node, outputs: node.outputs.slice(0, 1), attributes: without(node.attributes, 'spatial') }];
};

const dropout: UpgradeRule = (node, context) =>
  context.opset >= 12 ? undefined : [{ ...node, attributes: without(node.attributes, 'ratio') }];

/** Before opset 11 every output position was mapped by x / scale, rounded down where it grows, up where it shrinks. */
const resizeNode = (node: Node, scales: string, x: string, attributes: Node['attributes'], rounding: string): Node => ({
  ...node,
  opType: 'Resize',
  inputs: [x, '', scales],
  attributes: {
    mode: attributes.mode ?? string('nearest'),
    coordinate_transformation_mode: string('asymmetric'),
    nearest_mode: string(rounding),
  },
});

const upsample: UpgradeRule = (node, context) => {
  const listed = node.attributes.scales;
  const scales =
    listed?.kind === 'floats' ? context.constant(float32([listed.value.length], listed.value)) : node.inputs[1];
  return [resizeNode(node, scales, node.inputs[0], node.attributes, 'floor')];
};

const resize: UpgradeRule = (node, context) => {
  if (context.opset >= 11) return undefined;
  const scales = context.tensorOf(node.inputs[1]);
  const factors = scales === undefined ? undefined : Array.from(scales.data as Float32Array);
  const grows = factors?.every((factor) => factor >= 1);
  if (factors === undefined || (!grows && factors.some((factor) => factor > 1))) {
    throw cannotUpgrade(node, 'of opset 10 needs constant scales that all grow or all shrink');
  }
  return [resizeNode(node, node.inputs[1], node.inputs[0], node.attributes, grows ? 'floor' : 'ceil')];
};

const scatter: UpgradeRule = (node) => [{ ...node, opType: 'ScatterElements' }];

/** Scale and bias were one number a group, now one a channel. */
const groupNormalization: UpgradeRule = (node, context) => {
  if (context.opset >= 21) return undefined;
  const groups = intOf(node, 'num_groups', 1);
  const [x, ...vectors] = node.inputs;
  const name = (stem: string): string => context.fresh(`${node.name}/${stem}`);
  const [channels, each, shape] = ['channels', 'each', 'shape'].map(name);
  const count = context.constant(vector([groups]));
  const nodes = [
    made(node, 'Shape', [x], channels, { start: int(1), end: int(2) }),
    made(node, 'Div', [channels, count], each),
    made(node, 'Concat', [count, each], shape, { axis: int(0) }),
  ];
  const spread = vectors.map((vectorName) => {
    const [column, wide, flat] = ['column', 'wide', 'flat'].map(name);
    nodes.push(
      made(node, 'Unsqueeze', [vectorName, context.constant(vector([1]))], column),
      made(node, 'Expand', [column, shape], wide),
      made(node, 'Reshape', [wide, context.constant(vector([-1]))], flat),
    );
    return flat;
  });
  return [...nodes, { ...node, inputs: [x, ...spread] }];
};

/** x sigmoid(alpha x), an operator of its own from opset 24. */
const swish: UpgradeRule = (node, context) => {
  const [x] = node.inputs;
  const alpha = floatOf(node, 'alpha') ?? 1;
  const [scaled, gate] = ['scaled', 'gate'].map((stem) => context.fresh(`${node.name}/${stem}`));
  const [factor, nodes] = limit(node, alpha === 1 ? undefined : alpha, x, context);
  return [
    ...nodes,
    ...(factor === '' ? [] : [made(node, 'Mul', [x, factor], scaled)]),
    made(node, 'Sigmoid', [factor === '' ? x : scaled], gate),
    made(node, 'Mul', [x, gate], node.outputs[0]),
  ];
};

/** x / sqrt(mean(x^2) + epsilon) * scale over the axes from `axis` on, an operator of its own from opset 23. */
const rmsNormalization: UpgradeRule = (node, context) => {
  const [x, scale] = node.inputs;
  const axis = intOf(node, 'axis', -1);
  const rank = context.rankOf(x);
  if (axis >= 0 && rank === undefined) throw cannotUpgrade(node, 'counts its axis from the front of an unknown rank');
  const first = axis < 0 ? axis : axis - (rank ?? 0);
  const axes = context.constant(vector(Array.from({ length: -first }, (_, i) => first + i)));
  const name = (stem: string): string => context.fresh(`${node.name}/${stem}`);
  const [square, mean, shifted, root, quotient] = ['square', 'mean', 'shifted', 'root', 'quotient'].map(name);
  const [epsilon, nodes] = limit(node, floatOf(node, 'epsilon') ?? 1e-5, x, context);
  return [
    ...nodes,
    made(node, 'Mul', [x, x], square),
    made(node, 'ReduceMean', [square, axes], mean),
    made(node, 'Add', [mean, epsilon], shifted),
    made(node, 'Sqrt', [shifted], root),
    made(node, 'Div', [x, root], quotient),
    made(node, 'Mul', [quotient, scale], node.outputs[0]),
  ];
};

/** An attribute that newer opsets added and whose only other value matters for types that opset 21 lacks. */
const dropped =
  (attribute: string): UpgradeRule =>
  (node) =>
    attribute in node.attributes ? [{ ...node, attributes: without(node.attributes, attribute) }] : undefined;

const spaceToDepth: UpgradeRule = (node) => {
  const mode = node.attributes.mode;
  if (mode?.kind === 'string' && mode.value !== 'DCR') throw cannotUpgrade(node, `with mode ${mode.value} is newer`);
  return mode === undefined ? undefined : [{ ...node, attributes: without(node.attributes, 'mode') }];
};

const REDUCTIONS = ['Max', 'Min', 'Mean', 'Prod', 'L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'];

/** Rules of the default domain. */
export const UPGRADE_RULES: ReadonlyMap<string, UpgradeRule> = new Map<string, UpgradeRule>([
  ['BatchNormalization', batchNormalization],
  ['Cast', dropped('round_mode')],
  ['CastLike', dropped('round_mode')],
  ['Clip', clip],
  ['Dropout', dropout],
  ['GroupNormalization', groupNormalization],
  ['Hardmax', softmax],
  ['LogSoftmax', softmax],
  ['Pad', pad],
  ['RMSNormalization', rmsNormalization],
  ['Range', dropped('stash_type')],
  ['ReduceSum', attributeToInput('axes', 1, 13)],
  ...REDUCTIONS.map((name): [string, UpgradeRule] => [`Reduce${name}`, attributeToInput('axes', 1, 18)]),
  ['Resize', resize],
  ['Scatter', scatter],
  ['Slice', slice],
  ['Softmax', softmax],
  ['SpaceToDepth', spaceToDepth],
  ['Split', split],
  ['Squeeze', attributeToInput('axes', 1, 13)],
  ['Swish', swish],
  ['TopK', topK],
  ['Unsqueeze', attributeToInput('axes', 1, 13)],
  ['Upsample', upsample],
]);

/** Operators of the default domain that opset 21 does not have and for which no rule stands above. */
export const TOO_NEW: ReadonlySet<string> = new Set([
  'Attention',
  'BitCast',
  'CausalConvWithState',
  'CumProd',
  'LinearAttention',
  'RotaryEmbedding',
  'SwiGLU',
  'TensorScatter',
]);
