import { removeDeadCode } from '../graph/format/dead-code.js';
import { type Attribute, type Graph, int, type Node, type ValueInfo } from '../graph/model.js';
import { renameValues } from '../graph/rename.js';
import { float32, int64, type Tensor } from '../graph/tensor.js';
import type { FinishContext } from './context.js';

/**
 * Predictions by several networks: samples of a posterior, thinned networks, members of an ensemble. The graphs here are
 * made for inference, and their batch is symbolic.
 */
export interface JoinOptions {
  /** classification: the log of the mean of softmaxes, which a softmax leaves as it is; regression: the mean. */
  readonly task: 'classification' | 'regression';
  /** Values that the samples have in common, by their names in each: computed once. */
  readonly shared?: (name: string) => boolean;
}

/**
 * One graph of several with the same inputs and the same names: what they say together, and what they disagree about
 * ({@link withUncertainty}).
 */
export function joinSamples(samples: readonly Graph[], { task, shared = () => false }: JoinOptions): Graph {
  const [first] = samples;
  const inputs = new Set(first.inputs.filter(({ name }) => !first.initializers.has(name)).map(({ name }) => name));
  const common = (name: string): boolean => inputs.has(name) || shared(name);
  const copies = samples.map((graph, k) =>
    renameValues(graph, (name) => (common(name) ? name : `sample.${k}.${name}`), `sample.${k}.`),
  );
  const nodes = copies.flatMap((copy, k) =>
    copy.nodes.filter((_, i) => k === 0 || !samples[k].nodes[i].outputs.every(common)),
  );
  const said = copies.map((copy) => copy.outputs[0].name);
  const [{ name, shape }] = first.outputs;
  const together = combine(said, name, task);
  const joined: Graph = {
    ...first,
    inputs: first.inputs.filter((input) => inputs.has(input.name)),
    outputs: [{ name, type: 'float32', shape }],
    initializers: new Map(copies.flatMap((copy) => [...copy.initializers]).concat([...together.initializers])),
    nodes: [...nodes, ...together.nodes],
    valueInfo: new Map(),
  };
  return withUncertainty(joined, said, task);
}

/**
 * The network averaged over weights drawn from a posterior, each as the network computes with it (masked, rounded) and with
 * running statistics of its own. What does not depend on drawn weights is computed once.
 *
 * @param draws stored weights by name, the same names in each
 */
export async function averageOver(
  { task, buffers, statistics, effective }: Pick<FinishContext, 'task' | 'buffers' | 'statistics' | 'effective'>,
  graph: Graph,
  draws: readonly ReadonlyMap<string, Float32Array>[],
): Promise<Graph> {
  const samples: Graph[] = [];
  for (const draw of draws) {
    const fresh = buffers.size === 0 ? [] : await statistics(draw);
    const values = new Map([...draw, ...(await effective(draw)), ...fresh]);
    const initializers = new Map(graph.initializers);
    for (const [name, data] of values) {
      initializers.set(name, { type: 'float32', shape: initializers.get(name)!.shape, data });
    }
    samples.push({ ...graph, initializers });
  }
  return joinSamples(samples, { task, shared: untouchedBy(graph, [...(draws[0]?.keys() ?? []), ...buffers.keys()]) });
}

/** Values of a graph that do not depend on the given ones. */
export function untouchedBy(graph: Graph, names: Iterable<string>): (name: string) => boolean {
  const touched = new Set(names);
  for (const { inputs, outputs } of graph.nodes) {
    if (inputs.some((name) => touched.has(name))) for (const name of outputs) touched.add(name);
  }
  return (name) => !touched.has(name);
}

/** Nodes for what members say together, as the value `name`. */
function combine(members: readonly string[], name: string, task: JoinOptions['task']): NodeBuilder {
  const list = new NodeBuilder(`${name}.together`);
  together(list, stack(list, members, task), { task, count: members.length, name });
  return list;
}

/**
 * What members say together, as the value `name`: the mean of the predictions, or the logarithm of the mean probabilities.
 *
 * @param stacked log probabilities (or predictions) [batch, members, outputs]
 */
function together(
  list: NodeBuilder,
  stacked: string,
  { task, count, name }: { task: JoinOptions['task']; count: number; name: string },
): void {
  if (task === 'classification') {
    const sum = list.add('ReduceLogSumExp', [stacked, list.axes(1)], { keepdims: int(0) });
    list.add('Sub', [sum, list.scalar(Math.log(count))], {}, name);
  } else {
    list.add('ReduceMean', [stacked, list.axes(1)], { keepdims: int(0) }, name);
  }
}

/**
 * A graph whose members were computed in one go: its output becomes what they say together, with what they disagree about
 * beside it ({@link withUncertainty}).
 *
 * @param graph makes no value of its output's name yet
 * @param list nodes to append, which make `logits`
 * @param logits of all members, or their predictions: [batch, members, outputs]
 */
export function joinStacked(
  graph: Graph,
  list: NodeBuilder,
  { logits, task, count }: { logits: string; task: JoinOptions['task']; count: number },
): Graph {
  const stacked = task === 'classification' ? list.add('LogSoftmax', [logits], { axis: int(-1) }) : logits;
  together(list, stacked, { task, count, name: graph.outputs[0].name });
  return appended(graph, list, disagreement(list, stacked, graph.outputs[0].name, task));
}

/** Log probabilities (or predictions) of all members, [batch, members, outputs]. */
function stack(list: NodeBuilder, members: readonly string[], task: JoinOptions['task']): string {
  const rows = members.map((member) => {
    const flat = list.add('Flatten', [member], { axis: int(1) });
    const said = task === 'classification' ? list.add('LogSoftmax', [flat], { axis: int(-1) }) : flat;
    return list.add('Unsqueeze', [said, list.axes(1)]);
  });
  return list.add('Concat', rows, { axis: int(1) });
}

/**
 * What members disagree about, as further outputs of the graph:
 *
 *     classification   entropy [batch, 1]             of the mean distribution, in nats: all uncertainty
 *                      mutualInformation [batch, 1]   entropy minus the mean of the members' entropies: the model's own
 *     regression       deviation [batch, 1]           standard deviation of the members' predictions
 *
 * @param members values of the graph: their logits or predictions
 */
export function withUncertainty(graph: Graph, members: readonly string[], task: JoinOptions['task']): Graph {
  if (members.length < 2) return graph;
  const list = new NodeBuilder('uncertainty');
  return appended(graph, list, disagreement(list, stack(list, members, task), graph.outputs[0].name, task));
}

/** Nodes for what members disagree about; returns the outputs that hold it. */
function disagreement(list: NodeBuilder, stacked: string, mean: string, task: JoinOptions['task']): ValueInfo[] {
  const added: ValueInfo[] = [];
  const output = (name: string): string => {
    added.push({ name, type: 'float32', shape: ['batch', 1] });
    return name;
  };
  if (task === 'classification') {
    const logMean = list.add('LogSoftmax', [mean], { axis: int(-1) });
    const entropyOf = (logs: string, axis: number, name?: string): string => {
      const terms = list.add('Mul', [list.add('Exp', [logs]), logs]);
      const sum = list.add('ReduceSum', [terms, list.axes(axis)], { keepdims: int(axis === 1 ? 1 : 0) });
      return list.add('Neg', [sum], {}, name);
    };
    const total = entropyOf(logMean, 1, output('entropy'));
    const each = list.add('ReduceMean', [entropyOf(stacked, 2), list.axes(1)], { keepdims: int(1) });
    const difference = list.add('Sub', [total, each]);
    list.add('Max', [difference, list.scalar(0)], {}, output('mutualInformation'));
  } else {
    const centred = list.add('Sub', [stacked, list.add('ReduceMean', [stacked, list.axes(1)], { keepdims: int(1) })]);
    const variance = list.add('ReduceMean', [list.add('Mul', [centred, centred]), list.axes(1)], { keepdims: int(0) });
    list.add('Sqrt', [variance], {}, output('deviation'));
  }
  return added;
}

/** The graph with more nodes, their constants and further outputs; what nothing needs any more is gone. */
export function appended(graph: Graph, list: NodeBuilder, outputs: readonly ValueInfo[]): Graph {
  return removeDeadCode({
    ...graph,
    outputs: [...graph.outputs, ...outputs],
    nodes: [...graph.nodes, ...list.nodes],
    initializers: new Map([...graph.initializers, ...list.initializers]),
  });
}

/** Nodes in the making; the batch is symbolic, so that nothing is inferred. */
export class NodeBuilder {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  add(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}, name?: string) {
    const own = `${this.#prefix}.${this.nodes.length}`;
    const output = name ?? own;
    this.nodes.push({ name: own, opType, domain: '', inputs, outputs: [output], attributes });
    return output;
  }

  axes(axis: number): string {
    return this.constant(`axis${axis}`, int64([1], [axis]));
  }

  scalar(value: number): string {
    return this.constant(`scalar${value}`, float32([], [value]));
  }

  constant(label: string, value: Tensor): string {
    const name = `${this.#prefix}.${label}`;
    this.initializers.set(name, value);
    return name;
  }
}
