import { removeDeadCode } from '../../graph/format/dead-code.js';
import type { Graph, Model, Node } from '../../graph/model.js';
import { floatAttribute, intAttribute } from '../../graph/operators/operator.js';
import { float32, sizeOf, type Tensor } from '../../graph/tensor.js';
import { constantsOf, namesFor, onlyUser, type Uses, usesOf } from '../graph/uses.js';

/**
 * A model whose batch normalizations behind a convolution or a matrix product are part of its weights:
 * w' = w s, b' = (b - mean) s + shift with s = scale / sqrt(variance + epsilon), in float64. Normalizations that train
 * (`training_mode`), whose input has other users, or whose numbers are not constants stay.
 */
export function foldBatchNorm(model: Model): { model: Model; folded: number } {
  const { graph } = model;
  const constants = constantsOf(graph);
  const uses = usesOf(graph);
  const fresh = namesFor(graph);
  const initializers = new Map(graph.initializers);
  const replaced = new Map<Node, Node | undefined>();
  for (const norm of graph.nodes) {
    const affine = affineOf(norm, constants);
    const layer = affine === undefined ? undefined : uses.maker.get(norm.inputs[0]);
    if (affine === undefined || layer === undefined || replaced.has(layer)) continue;
    const folded = foldInto(layer, norm, affine, { constants, uses });
    if (folded === undefined) continue;
    const weight = fresh(`${layer.inputs[1]}.folded`);
    const bias = fresh(`${layer.inputs[1]}.bias`);
    initializers.set(weight, folded.weight);
    initializers.set(bias, folded.bias);
    const [x] = layer.inputs;
    replaced.set(layer, { ...layer, inputs: [x, weight, bias], outputs: [norm.outputs[0]] });
    replaced.set(norm, undefined);
  }
  if (replaced.size === 0) return { model, folded: 0 };
  const nodes = graph.nodes.flatMap((node) => (replaced.has(node) ? (replaced.get(node) ?? []) : [node]));
  return { model: { ...model, graph: removeDeadCode({ ...graph, nodes, initializers }) }, folded: replaced.size / 2 };
}

/** y = x * scale + shift, a channel each. */
interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

function affineOf(node: Node, constants: Graph['initializers']): Affine | undefined {
  if (node.opType !== 'BatchNormalization' || node.domain !== '') return undefined;
  const { attributes } = node;
  const trains = intAttribute(attributes, 'training_mode', 0) !== 0 || intAttribute(attributes, 'spatial', 1) !== 1;
  const outputs = node.outputs.filter((name) => name !== '');
  const numbers = node.inputs.slice(1, 5).map((name) => floatsOf(constants.get(name)));
  const [scale, bias, mean, variance] = numbers;
  if (trains || outputs.length !== 1 || numbers.length !== 4) return undefined;
  if (scale === undefined || bias === undefined || mean === undefined || variance === undefined) return undefined;
  const epsilon = floatAttribute(attributes, 'epsilon', 1e-5);
  const factor = Float64Array.from(scale, (value, c) => value / Math.sqrt(variance[c] + epsilon));
  return { scale: factor, shift: Float64Array.from(bias, (value, c) => value - mean[c] * factor[c]) };
}

interface Context {
  readonly constants: Graph['initializers'];
  readonly uses: Uses;
}

/** Weight and bias of a layer with the affine map behind it taken in. */
function foldInto(
  layer: Node,
  norm: Node,
  { scale, shift }: Affine,
  { constants, uses }: Context,
): { weight: Tensor; bias: Tensor } | undefined {
  const weight = constants.get(layer.inputs[1]);
  if (layer.domain !== '' || weight?.type !== 'float32' || onlyUser(uses, layer.outputs[0]) !== norm) return undefined;
  const channel = channelOf(layer, weight);
  if (channel === undefined || channel.count !== scale.length) return undefined;
  const bias = biasOf(layer, constants, channel.count);
  if (bias === undefined) return undefined;
  const data = weight.data as Float32Array;
  return {
    weight: float32(
      weight.shape,
      data.map((value, i) => value * scale[channel.at(i)]),
    ),
    bias: float32(
      [channel.count],
      bias.map((value, c) => value * scale[c] + shift[c]),
    ),
  };
}

/** Which output channel an element of a layer's weight belongs to; undefined where the layer has none. */
function channelOf(
  { opType, attributes }: Node,
  { shape }: Tensor,
): { count: number; at: (index: number) => number } | undefined {
  switch (opType) {
    case 'Conv': {
      const inner = sizeOf(shape.slice(1));
      return { count: shape[0], at: (i) => Math.floor(i / inner) };
    }
    case 'ConvTranspose': {
      // [in, out / group, ...]: the group of an input channel says which outputs it makes.
      const group = intAttribute(attributes, 'group', 1);
      const inner = sizeOf(shape.slice(2));
      const perGroup = shape[0] / group;
      const at = (i: number): number => {
        const input = Math.floor(i / (inner * shape[1]));
        return Math.floor(input / perGroup) * shape[1] + (Math.floor(i / inner) % shape[1]);
      };
      return { count: shape[1] * group, at };
    }
    case 'Gemm': {
      if (shape.length !== 2 || floatAttribute(attributes, 'beta', 1) !== 1) return undefined;
      if (intAttribute(attributes, 'transB', 0) !== 0) return { count: shape[0], at: (i) => Math.floor(i / shape[1]) };
      return { count: shape[1], at: (i) => i % shape[1] };
    }
    default:
      return undefined;
  }
}

function biasOf({ inputs }: Node, constants: Graph['initializers'], count: number): Float64Array | undefined {
  const name = inputs[2] ?? '';
  if (name === '') return new Float64Array(count);
  const bias = floatsOf(constants.get(name));
  if (bias === undefined || (bias.length !== count && bias.length !== 1)) return undefined;
  return Float64Array.from({ length: count }, (_, c) => bias[bias.length === 1 ? 0 : c]);
}

function floatsOf(tensor: Tensor | undefined): Float64Array | undefined {
  return tensor?.type === 'float32' || tensor?.type === 'float64'
    ? Float64Array.from(tensor.data as Float32Array | Float64Array)
    : undefined;
}
