import { BallastError } from '../errors.js';
import type { Graph, Node } from '../graph/model.js';
import { isFloat } from '../graph/operators/operator.js';
import type { Tensor } from '../graph/tensor.js';
import { FIXED } from '../models/layers.js';
import { type HeadNode, headNodeOf } from '../regularizers/head.js';
import { memberOutputs, nameInFirstMember } from '../regularizers/members.js';
import type { Parameter, ParameterRole, SiteDescription } from '../regularizers/regularizer.js';
import { isSpectrogram, sitesOf, WEIGHTED } from './sites.js';

/** What training needs to know of a network, native or foreign: found from the graph alone. */
export interface Architecture {
  readonly graph: Graph;
  /** Trainable initializers, in graph order. */
  readonly parameters: readonly (Parameter & { readonly initial: Tensor<Float32Array> })[];
  /** Running statistics of batch normalization: state that no gradient reaches. */
  readonly buffers: readonly { readonly name: string; readonly initial: Tensor<Float32Array> }[];
  /** Names of values at which activations may be disturbed, in graph order. */
  readonly sites: ReadonlyMap<string, SiteDescription>;
  /** Names of the spectrograms that the network makes of waveforms; none where it makes none. */
  readonly spectrograms: ReadonlySet<string>;
  /** The last layer: the node that takes [batch, features] through a weight matrix; undefined where there is none. */
  readonly head: Pick<HeadNode, 'output' | 'weight' | 'features'> | undefined;
  /** Outputs of the networks that stand side by side in the graph; none where it is one. */
  readonly members: readonly string[];
  /** The weighted layer that each parameter belongs to, from 0 at the input; {@link depth} in all. */
  readonly layers: ReadonlyMap<string, number>;
  readonly depth: number;
  /** Normalization operators, in order: part of the manifest. */
  readonly normalization: readonly string[];
}

const NORMALIZATIONS = new Set([
  'BatchNormalization',
  'LayerNormalization',
  'GroupNormalization',
  'InstanceNormalization',
  'RMSNormalization',
]);

/**
 * Reads parameters, running statistics and dropout sites off a graph. Every float32 initializer that a weighted,
 * normalizing, embedding or element-wise operator uses is a parameter, unless it is a scalar or called `fixed.` (constants
 * of the arithmetic, not weights) or frozen.
 *
 * @param frozen name prefixes of initializers that stay as they are
 * @throws BallastError MODEL_NOT_TRAINABLE where nothing can be trained, MODEL_FREEZE where a prefix fits nothing
 */
export function readArchitecture(graph: Graph, frozen: readonly string[] = []): Architecture {
  const roles = new Map<string, ParameterRole | 'buffer'>();
  const unitAxes = new Map<string, number>();
  const lookups = new Set<string>();
  const products = new Set<string>();
  const otherwise = new Set<string>();
  for (const node of graph.nodes) {
    node.inputs.forEach((name, index) => {
      (isProductBy(node, index) ? products : otherwise).add(name);
      const role = roleOf(node, index, graph.initializers.get(name)?.shape ?? []);
      if (name.startsWith(FIXED) || role === undefined || !graph.initializers.has(name) || roles.has(name)) return;
      roles.set(name, role);
      if (node.opType === 'Gather') lookups.add(name);
      if (role === 'weight') unitAxes.set(name, unitAxisOf(node, graph.initializers.get(name)!.shape.length));
    });
  }
  const head = headNodeOf(graph);
  const parameters: (Parameter & { initial: Tensor<Float32Array> })[] = [];
  const buffers: { name: string; initial: Tensor<Float32Array> }[] = [];
  const names: string[] = [];
  for (const [name, initial] of graph.initializers) {
    const role = roles.get(name);
    if (role === undefined || !isFloat32(initial)) continue;
    if (initial.shape.length > 0) names.push(name);
    if (role === 'buffer') buffers.push({ name, initial });
    else if (initial.shape.length > 0 && !frozen.some((prefix) => name.startsWith(prefix))) {
      const unitAxis = role === 'weight' ? unitAxes.get(name) : undefined;
      parameters.push({
        name,
        role,
        shape: initial.shape,
        initial,
        ...(unitAxis === undefined ? {} : { unitAxis }),
        ...(lookups.has(name) ? { lookup: true as const } : {}),
        ...(products.has(name) && !otherwise.has(name) ? { product: true as const } : {}),
        ...(head !== undefined && nameInFirstMember(name) === nameInFirstMember(head.weight)
          ? { head: true as const }
          : {}),
      });
    }
  }
  const idle = frozen.find((prefix) => !names.some((name) => name.startsWith(prefix)));
  if (idle !== undefined) {
    throw new BallastError('no parameter of the network has a name that begins so', {
      code: 'MODEL_FREEZE',
      place: 'model.freeze',
      value: idle,
      remedy: `Its parameters are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', ...' : ''}`,
    });
  }
  if (parameters.length === 0) {
    throw new BallastError(`graph "${graph.name}" has no float32 weights to train`, {
      code: 'MODEL_NOT_TRAINABLE',
      remedy: 'Quantized and tree models cannot be fine-tuned; start from the float32 network',
    });
  }
  const layers = layersOf(graph, new Set(parameters.map(({ name }) => name)));
  return {
    graph,
    layers,
    depth: 1 + Math.max(0, ...layers.values()),
    parameters: parameters.map((parameter) => ({ ...parameter, layer: layers.get(parameter.name) ?? 0 })),
    buffers,
    sites: new Map(sitesOf(graph).map((site) => [site.name, site])),
    spectrograms: new Set(graph.nodes.filter(isSpectrogram).map(({ outputs }) => outputs[0])),
    head,
    members: memberOutputs(graph),
    normalization: graph.nodes.map((node) => node.opType).filter((opType) => NORMALIZATIONS.has(opType)),
  };
}

function isFloat32(data: Tensor): data is Tensor<Float32Array> {
  return data.type === 'float32' && isFloat(data.type);
}

function roleOf(node: Node, index: number, shape: readonly number[]): ParameterRole | 'buffer' | undefined {
  const { opType } = node;
  if (opType === 'BatchNormalization' && index >= 3) return 'buffer';
  if (NORMALIZATIONS.has(opType)) return index > 0 ? 'norm' : undefined;
  if (WEIGHTED.has(opType)) return index === 2 ? 'bias' : 'weight';
  if (opType === 'Gather' && index === 0) return 'embedding';
  // One value a feature or channel is a bias; a table of them is what positions are embedded by.
  if (opType === 'Add' || opType === 'Sub') {
    return shape.filter((extent) => extent > 1).length > 1 ? 'embedding' : 'bias';
  }
  if (opType === 'Mul' || opType === 'PRelu') return 'norm';
  return undefined;
}

/** Whether a node multiplies its first input by this one. */
function isProductBy({ opType }: Node, index: number): boolean {
  return index === 1 && (opType === 'MatMul' || opType === 'Gemm');
}

/** Where the output units of a weight lie: PyTorch's [out, in, ...] for convolutions, [in, out] for products. */
function unitAxisOf({ opType, attributes }: Node, rank: number): number {
  if (opType === 'Conv') return 0;
  if (opType === 'ConvTranspose') return 1;
  return attributes.transB?.kind === 'int' && attributes.transB.value !== 0 ? 0 : rank - 1;
}

/**
 * Numbers weighted layers in graph order; a bias or a normalization belongs to the layer before it. Networks side by side
 * are numbered alike.
 */
function layersOf(graph: Graph, parameters: ReadonlySet<string>): Map<string, number> {
  const layers = new Map<string, number>();
  let layer = -1;
  for (const { opType, inputs } of graph.nodes) {
    const fresh = inputs.filter((name) => parameters.has(name) && !layers.has(name));
    const known = fresh.filter((name) => layers.has(nameInFirstMember(name)));
    for (const name of known) layers.set(name, layers.get(nameInFirstMember(name))!);
    if (known.length > 0) continue;
    if (fresh.length === 0) continue;
    if (layer < 0 || WEIGHTED.has(opType)) layer++;
    for (const name of fresh) layers.set(name, layer);
  }
  return layers;
}
