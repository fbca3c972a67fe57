import type { Graph, Node } from '../../graph/model.js';
import { floatAttribute, intAttribute, toNumbers } from '../../graph/operators/operator.js';
import type { Tensor } from '../../graph/tensor.js';
import { constantsOf, onlyUser, type Uses, usesOf } from '../graph/uses.js';

/** A layer whose products are computed in 8 bits. */
export interface QuantizedLayer {
  readonly node: Node;
  /** Inputs that are activations, by position. */
  readonly activations: readonly number[];
  /** The constant weight (input 1) and the axis of its output channels; undefined where both operands are activations. */
  readonly weight: { readonly name: string; readonly value: Tensor; readonly axis: number } | undefined;
  readonly bias: { readonly name: string; readonly value: Tensor } | undefined;
  /** What follows the layer and is computed with it: a Relu, or a Clip from 0. The value behind it. */
  readonly result: string;
}

/** What of a graph is computed in 8 bits. */
export interface QuantizationPlan {
  readonly layers: readonly QuantizedLayer[];
  /** Nodes between layers that work on 8 bits as well, in the graph's order. */
  readonly between: readonly Node[];
  /** Activations that are stored in 8 bits. */
  readonly values: ReadonlySet<string>;
  /** Values that are of the same grid as another: results of nodes that only move numbers. */
  readonly alike: ReadonlyMap<string, string>;
}

/** Operators that move or select numbers: their result has the grid of their input. */
const MOVES = new Set(['MaxPool', 'Reshape', 'Flatten', 'Transpose', 'Squeeze', 'Unsqueeze', 'Identity']);
/** Operators that the runtime has an 8-bit kernel for. */
const COMPUTES = new Set(['Add', 'Mul', 'Concat', 'AveragePool', 'GlobalAveragePool']);

export interface PlanOptions {
  /** Names of nodes that stay in floating point. */
  readonly exclude?: ReadonlySet<string> | undefined;
}

/**
 * Decides what of a graph is computed in 8 bits: convolutions and matrix products with constant weights (and products of
 * two activations), and what lies between them where all it takes is in 8 bits anyway. A matrix product whose result
 * nothing takes in 8 bits gives floats: that costs nothing and loses nothing.
 */
export function planQuantization(graph: Graph, { exclude = new Set() }: PlanOptions = {}): QuantizationPlan {
  const constants = constantsOf(graph);
  const uses = usesOf(graph);
  const layers = graph.nodes.flatMap((node) => (exclude.has(node.name) ? [] : (layerOf(node, constants, uses) ?? [])));
  const byNode = new Map(layers.map((layer) => [layer.node, layer]));
  const values = new Set(layers.flatMap(({ node, activations }) => activations.map((at) => node.inputs[at])));
  const always = new Set(layers.flatMap(({ node, result }) => (node.opType === 'Conv' ? [result] : [])));
  // What could be in 8 bits, forwards.
  const possible = new Set([...values, ...always, ...layers.map(({ result }) => result)]);
  const candidates = graph.nodes.filter((node) => {
    if (byNode.has(node) || node.domain !== '' || exclude.has(node.name)) return false;
    const moves = MOVES.has(node.opType);
    if (!moves && !COMPUTES.has(node.opType)) return false;
    const taken = moves ? node.inputs.slice(0, 1) : node.inputs;
    const fits = taken.every((name) => possible.has(name)) && node.outputs.length === 1;
    if (fits) possible.add(resultOf(node, uses, constants));
    return fits;
  });
  // What is of use in 8 bits, backwards: something takes it so.
  const between: Node[] = [];
  for (const node of candidates.reverse()) {
    const result = resultOf(node, uses, constants);
    if (!values.has(result)) continue;
    between.unshift(node);
    for (const name of MOVES.has(node.opType) ? node.inputs.slice(0, 1) : node.inputs) values.add(name);
  }
  for (const name of always) values.add(name);
  const alike = new Map(
    between.flatMap((node) => (MOVES.has(node.opType) ? [[node.outputs[0], node.inputs[0]] as const] : [])),
  );
  return { layers, between, values, alike };
}

function layerOf(node: Node, constants: Graph['initializers'], uses: Uses): QuantizedLayer | undefined {
  if (node.domain !== '') return undefined;
  const value = constants.get(node.inputs[1]);
  const result = resultOf(node, uses, constants);
  const [name, biasName = ''] = node.inputs.slice(1);
  const bias = constants.get(biasName);
  const weight = (axis: number): QuantizedLayer | undefined =>
    value?.type === 'float32' && !constants.has(node.inputs[0]) && (biasName === '' || bias?.type === 'float32')
      ? {
          node,
          activations: [0],
          weight: { name, value, axis },
          bias: bias === undefined ? undefined : { name: biasName, value: bias },
          result,
        }
      : undefined;
  switch (node.opType) {
    case 'Conv':
      return weight(0);
    case 'Gemm': {
      const { attributes } = node;
      const plain =
        floatAttribute(attributes, 'alpha', 1) === 1 &&
        floatAttribute(attributes, 'beta', 1) === 1 &&
        intAttribute(attributes, 'transA', 0) === 0;
      const axis = intAttribute(attributes, 'transB', 0) === 0 ? 1 : 0;
      const fits = bias === undefined || bias.shape.at(-1) === value?.shape[axis];
      return plain && fits ? weight(axis) : undefined;
    }
    case 'MatMul':
      if (value !== undefined) return value.shape.length === 2 ? weight(1) : undefined;
      return constants.has(node.inputs[0])
        ? undefined
        : { node, activations: [0, 1], weight: undefined, bias: undefined, result };
    default:
      return undefined;
  }
}

/** The value behind a node and the Relu (or Clip from 0) that follows it alone. */
function resultOf({ outputs: [output] }: Node, uses: Uses, constants: Graph['initializers']): string {
  const next = onlyUser(uses, output);
  if (next === undefined || next.domain !== '') return output;
  if (next.opType === 'Relu') return next.outputs[0];
  if (next.opType !== 'Clip' || next.inputs[0] !== output) return output;
  const low = constants.get(next.inputs[1] ?? '');
  return low !== undefined && toNumbers(low)[0] === 0 ? next.outputs[0] : output;
}
