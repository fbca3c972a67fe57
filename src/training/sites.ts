import type { Graph, Node } from '../graph/model.js';
import type { SiteDescription, SiteKind } from '../regularizers/regularizer.js';

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

/** Operators that take weights beside activations. */
export const WEIGHTED: ReadonlySet<string> = new Set(['MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'FusedMatMul']);

/** What makes feature maps, and what makes them something else. */
const MAKES_MAPS = new Set(['Conv', 'ConvTranspose', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool']);
const ENDS_MAPS = new Set(['Flatten', 'Reshape', 'MatMul', 'Gemm', 'FusedMatMul', 'ReduceMean', 'Softmax', 'Gather']);

/**
 * The values at which activations may be disturbed, in graph order. Declared ones are Dropout nodes: Ballast's own
 * architectures have them, and so do models exported in training mode. Where there are none, every hidden activation is
 * one: a value that still passes through weights.
 */
export function sitesOf(graph: Graph): SiteDescription[] {
  const declared = graph.nodes.filter((node) => node.opType === 'Dropout' && !isSpectrogram(node));
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const weighted = leadingTo(
    graph,
    ({ opType, inputs }) => WEIGHTED.has(opType) && inputs.slice(1).some((name) => graph.initializers.has(name)),
  );
  const chosen =
    declared.length > 0
      ? declared
      : graph.nodes.filter(({ opType, outputs }) => ACTIVATIONS.has(opType) && weighted.has(outputs[0]));
  const normalized = leadingTo(graph, ({ opType }) => opType === 'BatchNormalization');
  return chosen.map((node) => ({
    name: node.outputs[0],
    kind: node.opType === 'Dropout' ? kindOf(node.name) : 'hidden',
    ...(isMap(node, makers) ? { map: true as const } : {}),
    ...(normalized.has(node.outputs[0]) ? { beforeBatchNorm: true as const } : {}),
  }));
}

/** Whether a node marks the spectrogram of a front end: no activation, what the network sees in the place of waveforms. */
export function isSpectrogram({ opType, name }: Pick<Node, 'opType' | 'name'>): boolean {
  return opType === 'Dropout' && name.startsWith('site.spectrogram.');
}

/** Ballast's own architectures name a site's node `site.<kind>.<n>`; any other is a hidden activation. */
function kindOf(name: string): SiteKind {
  return (/^site\.(embedding|attention|branch)\./.exec(name)?.[1] as SiteKind | undefined) ?? 'hidden';
}

/** Values that nodes of a kind depend on. */
function leadingTo(graph: Graph, wanted: (node: Node) => boolean): ReadonlySet<string> {
  const leading = new Set<string>();
  for (const node of [...graph.nodes].reverse()) {
    if (wanted(node) || node.outputs.some((name) => leading.has(name))) {
      for (const name of node.inputs) leading.add(name);
    }
  }
  return leading;
}

/** Whether a node gives feature maps: the last operator on the way to it that says so. */
function isMap(node: Node, makers: ReadonlyMap<string, Node>): boolean {
  let current: Node | undefined = node;
  while (current !== undefined) {
    if (MAKES_MAPS.has(current.opType)) return true;
    if (ENDS_MAPS.has(current.opType)) return false;
    current = current.inputs.map((name) => makers.get(name)).find((maker) => maker !== undefined);
  }
  return false;
}
