import { removeDeadCode } from '../../graph/format/dead-code.js';
import { writeModel } from '../../graph/format/encode.js';
import { neededNames } from '../../graph/format/subgraphs.js';
import type { Graph, Model, Node, ValueInfo } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { sizeOf, type Tensor } from '../../graph/tensor.js';
import { constantsOf } from '../graph/uses.js';

/** Operators whose result is not a function of their inputs, or that stand for what must stay as it is stored. */
const NEVER = new Set([
  'RandomNormal',
  'RandomUniform',
  'RandomNormalLike',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
  'Dropout',
  // Weights of few bits would become floats again.
  'DequantizeLinear',
]);

/** Results may take this many bytes more than what they are made of. */
const GROWTH = 4096;

/** A model with nodes on constants replaced by what the runtime says they give; `folded` of them are gone. */
export async function foldConstants(runtime: Runtime, model: Model): Promise<{ model: Model; folded: number }> {
  const { graph } = model;
  const constants = constantsOf(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const known = new Set(constants.keys());
  const foldable: Node[] = [];
  for (const node of graph.nodes) {
    if (!isPure(node) || !node.inputs.every((name) => name === '' || known.has(name))) continue;
    if (node.outputs.some((name) => outputs.has(name))) continue;
    foldable.push(node);
    for (const name of node.outputs) known.add(name);
  }
  const wanted = resultsOf(graph, foldable);
  if (wanted.length === 0) return { model, folded: 0 };
  const values = await evaluate(runtime, model, foldable, wanted);
  const small = new Map([...values].filter(([name, value]) => worthwhile(name, value, foldable, constants)));
  const gone = new Set(small.keys());
  // A node goes when all its results are constants now; those that only it needed go with the dead code.
  const nodes = graph.nodes.filter(
    (node) => !foldable.includes(node) || !node.outputs.every((name) => name === '' || gone.has(name)),
  );
  const initializers = new Map([...graph.initializers, ...kept(small, nodes)]);
  const cleaned = removeDeadCode({ ...graph, nodes, initializers });
  return { model: { ...model, graph: cleaned }, folded: graph.nodes.length - cleaned.nodes.length };
}

function isPure({ opType, domain, inputs, attributes }: Node): boolean {
  const closed = Object.values(attributes).every(({ kind }) => kind !== 'graph');
  return closed && domain === '' && inputs.length > 0 && !NEVER.has(opType);
}

/** What the other nodes need of the foldable ones. */
function resultsOf(graph: Graph, foldable: readonly Node[]): string[] {
  const inside = new Set(foldable);
  const made = new Set(foldable.flatMap(({ outputs }) => outputs));
  made.delete('');
  const needed = new Set<string>();
  for (const node of graph.nodes) {
    if (inside.has(node)) continue;
    for (const name of neededNames(node)) needed.add(name);
  }
  return [...made].filter((name) => needed.has(name));
}

async function evaluate(
  runtime: Runtime,
  model: Model,
  nodes: readonly Node[],
  wanted: readonly string[],
): Promise<Map<string, Tensor>> {
  const outputs = wanted.map(
    (name): ValueInfo => ({ name, type: 'float32', shape: undefined, container: { kind: 'unknown' } }),
  );
  const graph = removeDeadCode({ ...model.graph, inputs: [], outputs, nodes, valueInfo: new Map() });
  const session = await runtime.load(writeModel({ ...model, graph }), { optimization: 'none' });
  try {
    const readable = session.outputs.map(({ name }) => name);
    return new Map(Object.entries(await session.run({}, readable)));
  } finally {
    session.release();
  }
}

/** Spread constants (Expand, ConstantOfShape, Tile) stay nodes where they would fill the file. */
function worthwhile(
  name: string,
  value: Tensor,
  foldable: readonly Node[],
  constants: ReadonlyMap<string, Tensor>,
): boolean {
  const maker = foldable.find(({ outputs }) => outputs.includes(name));
  const before = (maker?.inputs ?? []).reduce((sum, input) => sum + bytesOf(constants.get(input)), 0);
  const spreads = maker !== undefined && ['Expand', 'ConstantOfShape', 'Tile', 'Range'].includes(maker.opType);
  return !spreads || bytesOf(value) <= before + GROWTH;
}

function bytesOf(value: Tensor | undefined): number {
  if (value === undefined) return 0;
  return ArrayBuffer.isView(value.data) ? value.data.byteLength : sizeOf(value.shape);
}

function kept(values: ReadonlyMap<string, Tensor>, nodes: readonly Node[]): [string, Tensor][] {
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  return [...values].filter(([name]) => !made.has(name));
}
