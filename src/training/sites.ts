import { neededNames } from '../graph/format/subgraphs.js';
import type { Graph, Node } from '../graph/model.js';
import { memberOutputs } from '../regularizers/members.js';
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
  const ends = memberOutputs(graph);
  const isWhole = cutsOff(graph, makers, ends.length > 0 ? ends : graph.outputs.map(({ name }) => name));
  return chosen.map((node) => ({
    name: node.outputs[0],
    kind: node.opType === 'Dropout' ? kindOf(node.name) : 'hidden',
    ...(isMap(node, makers) ? { map: true as const } : {}),
    ...(normalized.has(node.outputs[0]) ? { beforeBatchNorm: true as const } : {}),
    ...(isWhole(node.outputs[0]) ? { whole: true as const } : {}),
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

/** What says something of extents only. */
const EXTENTS = new Set(['Shape', 'Size']);

/** Whether no way leads from the inputs past a value to those ends that depend on it (networks side by side each have theirs). */
function cutsOff(graph: Graph, makers: ReadonlyMap<string, Node>, ends: readonly string[]): (value: string) => boolean {
  const inputs = new Set(graph.inputs.map(({ name }) => name).filter((name) => !graph.initializers.has(name)));
  /** Everything that the end depends on where nothing passes through the value. */
  const before = (end: string, value?: string): ReadonlySet<string> => {
    const seen = new Set<string>([end]);
    // A set that grows while it is walked: each value is met once.
    for (const name of seen) {
      const maker = name === value ? undefined : makers.get(name);
      if (maker === undefined || EXTENTS.has(maker.opType)) continue;
      for (const given of neededNames(maker)) seen.add(given);
    }
    return seen;
  };
  const reached = ends.map((end) => ({ end, all: before(end) }));
  return (value) => {
    const ofValue = reached.filter(({ all }) => all.has(value));
    return ofValue.length > 0 && ofValue.every(({ end }) => ![...before(end, value)].some((name) => inputs.has(name)));
  };
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
