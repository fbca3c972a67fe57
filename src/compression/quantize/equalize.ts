import type { Model, Node } from '../../graph/model.js';
import { floatAttribute, intAttribute } from '../../graph/operators/operator.js';
import { sizeOf, type Tensor } from '../../graph/tensor.js';
import { constantsOf, onlyUser, type Uses, usesOf } from '../graph/uses.js';
import { scaleWeights } from './scale-weights.js';

/** What keeps channels apart and gives k times as much for k times as much. */
const THROUGH = new Set(['Relu', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool']);

/** Sweeps over all pairs; the ranges hardly move after a few. */
const SWEEPS = 4;

/**
 * Cross-layer equalisation (Nagel et al., Data-Free Quantization, 2019): where a layer follows another directly or behind a
 * Relu or a pool, channel i of the first is divided and input i of the second multiplied by sqrt(r1 / r2), r being the largest
 * magnitude of its weights. The model computes the same, with ranges that 8 bits suit better.
 */
export function equalizeLayers(model: Model): { model: Model; pairs: number } {
  const { graph } = model;
  const uses = usesOf(graph);
  const constants = constantsOf(graph);
  const pairs = graph.nodes.flatMap((node) => pairOf(node, uses, constants) ?? []);
  const initializers = new Map<string, Tensor>(graph.initializers);
  for (let sweep = 0; sweep < SWEEPS; sweep++) for (const pair of pairs) equalize(pair, initializers);
  return { model: { ...model, graph: { ...graph, initializers } }, pairs: pairs.length };
}

/** Where the channels of a weight lie: a range of positions for each. */
interface Channels {
  readonly name: string;
  readonly count: number;
  readonly at: (index: number) => number;
}

interface Pair {
  readonly out: Channels;
  readonly bias: string | undefined;
  readonly into: Channels;
}

function pairOf(node: Node, uses: Uses, constants: ReadonlyMap<string, Tensor>): Pair | undefined {
  const out = outputs(node, constants);
  if (out === undefined || (uses.users.get(out.name)?.length ?? 0) !== 1) return undefined;
  let next = onlyUser(uses, node.outputs[0]);
  let [value] = node.outputs;
  while (next !== undefined && next.domain === '' && THROUGH.has(next.opType)) {
    [value] = next.outputs;
    next = onlyUser(uses, value);
  }
  const into = next === undefined || next.inputs[0] !== value ? undefined : inputs(next, constants);
  if (into === undefined || into.count !== out.count || (uses.users.get(into.name)?.length ?? 0) !== 1)
    return undefined;
  const bias = node.inputs[2] ?? '';
  const fits = bias === '' || (constants.get(bias)?.type === 'float32' && uses.users.get(bias)?.length === 1);
  if (!fits || (bias !== '' && constants.get(bias)!.data.length !== out.count)) return undefined;
  return { out, bias: bias === '' ? undefined : bias, into };
}

const plain = ({ attributes }: Node): boolean =>
  floatAttribute(attributes, 'alpha', 1) === 1 && floatAttribute(attributes, 'beta', 1) === 1;

function outputs(node: Node, constants: ReadonlyMap<string, Tensor>): Channels | undefined {
  const [, name] = node.inputs;
  const weight = constants.get(name);
  if (weight?.type !== 'float32' || node.domain !== '') return undefined;
  const { shape } = weight;
  if (node.opType === 'Conv') {
    const inner = sizeOf(shape.slice(1));
    return { name, count: shape[0], at: (i) => Math.floor(i / inner) };
  }
  if (node.opType !== 'Gemm' || !plain(node)) return undefined;
  const rows = intAttribute(node.attributes, 'transB', 0) !== 0;
  return { name, count: shape[rows ? 0 : 1], at: (i) => (rows ? Math.floor(i / shape[1]) : i % shape[1]) };
}

/** Of a convolution without groups or depthwise, or a product. */
function inputs(node: Node, constants: ReadonlyMap<string, Tensor>): Channels | undefined {
  const [, name] = node.inputs;
  const weight = constants.get(name);
  if (weight?.type !== 'float32' || node.domain !== '') return undefined;
  const { shape } = weight;
  if (node.opType === 'Conv') {
    const group = intAttribute(node.attributes, 'group', 1);
    const inner = sizeOf(shape.slice(2));
    if (group === 1) return { name, count: shape[1], at: (i) => Math.floor(i / inner) % shape[1] };
    const depthwise = shape[1] === 1 && shape[0] === group;
    return depthwise ? { name, count: group, at: (i) => Math.floor(i / inner) } : undefined;
  }
  if (node.opType !== 'Gemm' || !plain(node) || intAttribute(node.attributes, 'transA', 0) !== 0) return undefined;
  const columns = intAttribute(node.attributes, 'transB', 0) !== 0;
  return { name, count: shape[columns ? 1 : 0], at: (i) => (columns ? i % shape[1] : Math.floor(i / shape[1])) };
}

function equalize({ out, bias, into }: Pair, initializers: Map<string, Tensor>): void {
  const [first, second] = [reach(out, initializers), reach(into, initializers)];
  const factor = first.map((r1, c) => (r1 > 0 && second[c] > 0 ? Math.sqrt(r1 / second[c]) : 1));
  scaleWeights(initializers, out.name, (i) => 1 / factor[out.at(i)]);
  scaleWeights(initializers, into.name, (i) => factor[into.at(i)]);
  if (bias !== undefined) scaleWeights(initializers, bias, (i) => 1 / factor[i]);
}

function reach({ name, count, at }: Channels, initializers: ReadonlyMap<string, Tensor>): Float64Array {
  const largest = new Float64Array(count);
  (initializers.get(name)!.data as Float32Array).forEach((value, i) => {
    largest[at(i)] = Math.max(largest[at(i)], Math.abs(value));
  });
  return largest;
}
