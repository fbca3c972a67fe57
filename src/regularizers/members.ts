import { BallastError } from '../errors.js';
import { mapSubgraphs } from '../graph/format/subgraphs.js';
import { type Graph, int, type Node } from '../graph/model.js';
import { renameValues } from '../graph/rename.js';
import { float32, type Tensor } from '../graph/tensor.js';
import { deriveSeed } from '../numeric/random.js';
import type { ArchitectureContext } from './context.js';

/** What marks the second and further networks in a graph of several: `dense1.weight.member.1`. */
const MEMBER = /\.member\.\d+$/;

/** The name in the first network of what is called `name` in any of them. */
export function nameInFirstMember(name: string): string {
  return name.replace(MEMBER, '');
}

/** Names of the outputs of the networks of a graph, in order; none where it holds one network only. */
export function memberOutputs({ nodes, outputs }: Graph): string[] {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  const names: string[] = [];
  for (let name = `${outputs[0]?.name}.member.0`; made.has(name); ) {
    names.push(name);
    name = `${outputs[0].name}.member.${names.length}`;
  }
  return names;
}

/**
 * Several networks of one architecture side by side in one graph, each with initial weights of its own: deep ensembles,
 * co-teaching. They share the inputs and nothing else. The first keeps its names, those of the k-th end in `.member.k`.
 *
 * The output is their mean: of the predictions in regression; of the probabilities in classification, as logarithms, so
 * that softmax gives the mean back. The hooks of a step see the logits of each as `members`.
 *
 * @throws BallastError MEMBERS_NEED_FRESH_WEIGHTS where the weights are given: members that start alike stay alike
 */
export function sideBySide(graph: Graph, count: number, { seed, task, redraw }: ArchitectureContext): Graph {
  if (redraw === undefined) {
    throw new BallastError(
      'several networks side by side need initial weights that can be drawn, and a model file gives them',
      {
        code: 'MEMBERS_NEED_FRESH_WEIGHTS',
        place: 'model',
        remedy: 'Use an architecture of Ballast, or train the file once for each member',
      },
    );
  }
  const [output] = graph.outputs;
  const members = Array.from({ length: count }, (_, k) =>
    memberOf(graph, k, k === 0 ? graph : redraw(deriveSeed(seed, 'member', k))),
  );
  return {
    ...graph,
    initializers: new Map([
      ...members.flatMap(({ initializers }) => [...initializers]),
      ['member.count', logOf(count)],
    ]),
    nodes: [
      ...members.flatMap(({ nodes }) => nodes),
      ...meanOf(
        members.map((_, k) => `${output.name}.member.${k}`),
        output.name,
        task,
      ),
    ],
    valueInfo: new Map(members.flatMap(({ valueInfo }) => [...valueInfo])),
  };
}

function logOf(count: number): Tensor {
  return float32([], [Math.log(count)]);
}

/** The k-th copy; its output is `<output>.member.k`. */
function memberOf(graph: Graph, k: number, drawn: Graph): Graph {
  const [output] = graph.outputs;
  const shared = new Set(graph.inputs.map(({ name }) => name));
  // Numbers of the arithmetic (shapes, axes) are the same for all.
  for (const [name, { type }] of graph.initializers) if (type !== 'float32') shared.add(name);
  const nameOf = (name: string): string => {
    if (name === output.name) return `${name}.member.${k}`;
    return k === 0 || shared.has(name) ? name : `${name}.member.${k}`;
  };
  const renamed = renameValues(graph, nameOf);
  const initializers = [...graph.initializers].flatMap(([name, tensor]): [string, Tensor][] => {
    if (k > 0 && shared.has(name)) return [];
    const fresh = drawn.initializers.get(name);
    const fits = fresh !== undefined && fresh.shape.join() === tensor.shape.join();
    return [[nameOf(name), fits ? fresh : tensor]];
  });
  return { ...renamed, initializers: new Map(initializers), nodes: renamed.nodes.map((node) => named(node, k)) };
}

/** Names of nodes are told apart at their ends: what they start with tells the kind of a site. */
function named(node: Node, k: number): Node {
  if (k === 0) return node;
  const inner = mapSubgraphs(node, (graph) => ({ ...graph, nodes: graph.nodes.map((each) => named(each, k)) }));
  return { ...inner, name: `${node.name}.member.${k}` };
}

/** log(mean of softmax) as max + log(sum of exp(l - max)) - log(count), or the mean of the predictions. */
function meanOf(outputs: readonly string[], result: string, task: ArchitectureContext['task']): Node[] {
  const nodes: Node[] = [];
  const make = (
    opType: string,
    inputs: readonly string[],
    output?: string,
    attributes: Node['attributes'] = {},
  ): string => {
    const name = `members.${opType}.${nodes.length}`;
    nodes.push({ name, opType, domain: '', inputs, outputs: [output ?? name], attributes });
    return output ?? name;
  };
  if (task === 'regression') {
    make('Mean', outputs, result);
    return nodes;
  }
  const logs = outputs.map((name) => make('LogSoftmax', [name], undefined, { axis: int(-1) }));
  const largest = make('Max', logs);
  const shares = logs.map((name) => make('Exp', [make('Sub', [name, largest])]));
  const sum = make('Log', [make('Sum', shares)]);
  make('Sub', [make('Add', [largest, sum]), 'member.count'], result);
  return nodes;
}
