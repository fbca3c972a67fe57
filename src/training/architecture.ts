import { BallastError } from '../errors.js';
import type { Graph, Node } from '../graph/model.js';
import { isFloat } from '../graph/operators/operator.js';
import type { Tensor } from '../graph/tensor.js';
import type { Parameter, ParameterRole } from '../regularizers/regularizer.js';

/** What training needs to know of a network, native or foreign: found from the graph alone. */
export interface Architecture {
  readonly graph: Graph;
  /** Trainable initializers, in graph order. */
  readonly parameters: readonly (Parameter & { readonly initial: Tensor<Float32Array> })[];
  /** Running statistics of batch normalization: state that no gradient reaches. */
  readonly buffers: readonly { readonly name: string; readonly initial: Tensor<Float32Array> }[];
  /** Names of values at which activations may be disturbed. */
  readonly sites: ReadonlySet<string>;
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

const WEIGHTED = new Set(['MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'FusedMatMul']);

const ACTIVATIONS = new Set([
  'Relu',
  'LeakyRelu',
  'PRelu',
  'Elu',
  'Celu',
  'Selu',
  'Gelu',
  'Tanh',
  'Mish',
  'HardSwish',
  'Softplus',
  'ThresholdedRelu',
]);

/**
 * Reads parameters, running statistics and dropout sites off a graph. Every float32 initializer that a weighted,
 * normalizing, embedding or element-wise operator uses is a parameter, unless it is a scalar (a constant of the
 * arithmetic, not a weight) or frozen.
 *
 * @param frozen name prefixes of initializers that stay as they are
 * @throws BallastError MODEL_NOT_TRAINABLE where nothing can be trained
 */
export function readArchitecture(graph: Graph, frozen: readonly string[] = []): Architecture {
  const roles = new Map<string, ParameterRole | 'buffer'>();
  for (const node of graph.nodes) {
    node.inputs.forEach((name, index) => {
      const role = roleOf(node, index, graph.initializers.get(name)?.shape ?? []);
      if (role !== undefined && graph.initializers.has(name) && !roles.has(name)) roles.set(name, role);
    });
  }
  const parameters: (Parameter & { initial: Tensor<Float32Array> })[] = [];
  const buffers: { name: string; initial: Tensor<Float32Array> }[] = [];
  for (const [name, initial] of graph.initializers) {
    const role = roles.get(name);
    if (role === undefined || !isFloat32(initial)) continue;
    if (role === 'buffer') buffers.push({ name, initial });
    else if (initial.shape.length > 0 && !frozen.some((prefix) => name.startsWith(prefix))) {
      parameters.push({ name, role, shape: initial.shape, initial });
    }
  }
  if (parameters.length === 0) {
    throw new BallastError(`graph "${graph.name}" has no float32 weights to train`, {
      code: 'MODEL_NOT_TRAINABLE',
      remedy: 'Quantized and tree models cannot be fine-tuned; start from the float32 network',
    });
  }
  return {
    graph,
    parameters,
    buffers,
    sites: sitesOf(graph),
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

/**
 * Declared sites are Dropout nodes: Ballast's own architectures have them, and so do models exported in training mode.
 * Where there are none, every hidden activation is a site: one whose result still passes through weights.
 */
function sitesOf(graph: Graph): Set<string> {
  const declared = graph.nodes.filter((node) => node.opType === 'Dropout').map((node) => node.outputs[0]);
  if (declared.length > 0) return new Set(declared);
  const leadsToWeights = new Set<string>();
  for (const node of [...graph.nodes].reverse()) {
    const weighted = WEIGHTED.has(node.opType) && node.inputs.slice(1).some((name) => graph.initializers.has(name));
    if (weighted || node.outputs.some((name) => leadsToWeights.has(name))) {
      for (const name of node.inputs) leadsToWeights.add(name);
    }
  }
  return new Set(
    graph.nodes
      .filter((node) => ACTIVATIONS.has(node.opType) && leadsToWeights.has(node.outputs[0]))
      .map((node) => node.outputs[0]),
  );
}
