import { BallastError } from '../../errors.js';
import { removeDeadCode } from '../../graph/format/dead-code.js';
import type { Graph, Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { sizeOf } from '../../graph/tensor.js';
import type { Feeds } from '../measure/feeds.js';
import type { Batches } from '../observe/activations.js';
import { nearness, parityOf } from '../observe/parity.js';
import { sizesOf } from './shapes.js';

/** A part of a model that can go as a whole: what takes its result takes its input instead. */
export interface Block {
  /** The node whose result is no longer computed: a layer, or the addition at the end of a block with a shortcut. */
  readonly node: string;
  readonly kind: 'layer' | 'block';
  /** Parameters that go with it. */
  readonly parameters: number;
}

export interface BlockOptions {
  /** Share of the parameters that should go; parts go while that is not reached. */
  readonly ratio: number;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((doing: string) => void) | undefined;
}

/** A model without some layers and blocks. */
export interface Shortened {
  readonly model: Model;
  /** What went, in order, and how near the answers of the model without it are, dB. */
  readonly removed: readonly (Block & { readonly sqnrDb: number })[];
  readonly parameters: { readonly before: number; readonly after: number };
}

/** Operators whose layer can be left out where it leaves the shape as it is. */
const LAYERS = new Set(['Conv', 'Gemm', 'MatMul']);
/** Parts that are tried in each round; of more, those with most parameters. */
const MOST_TRIED = 48;

/**
 * Removes whole layers and blocks: the branch of a block with a shortcut (the shortcut stays), or a layer whose result has the
 * shape of its input. One at a time that of which the answers on some rows change least, until the wanted share of the
 * parameters is gone. What is left is a shallower model; it is trained on after that.
 *
 * @param batches some rows
 * @throws BallastError PRUNE_NOTHING where no part can go
 */
export async function dropBlocks(
  runtime: Runtime,
  model: Model,
  feeds: Feeds,
  batches: Batches,
  { ratio, signal, tell }: BlockOptions,
): Promise<Shortened> {
  const before = parametersOf(model.graph);
  const removed: Shortened['removed'][number][] = [];
  let current = model;
  while (before - parametersOf(current.graph) < ratio * before) {
    signal?.throwIfAborted();
    const { shapes } = await sizesOf(runtime, current, feeds);
    const candidates = withoutEach(current, shapes).slice(0, MOST_TRIED);
    let best: { model: Model; block: Block; sqnrDb: number } | undefined;
    for (const { model: without, block } of candidates) {
      signal?.throwIfAborted();
      const sqnrDb = nearness(await parityOf(runtime, model, without, batches, signal));
      if (best === undefined || sqnrDb > best.sqnrDb) best = { model: without, block, sqnrDb };
    }
    if (best === undefined) break;
    tell?.(`without the ${best.block.kind} ${best.block.node}: ${best.sqnrDb.toFixed(1)} dB`);
    removed.push({ ...best.block, sqnrDb: best.sqnrDb });
    current = best.model;
  }
  if (removed.length > 0)
    return { model: current, removed, parameters: { before, after: parametersOf(current.graph) } };
  throw new BallastError('no layer or block of this model can be removed as a whole', {
    code: 'PRUNE_NOTHING',
    remedy: 'None leaves the shape of its input as it is; prune channels instead',
  });
}

/** The model without each part that can go, those with most parameters first. */
function withoutEach(
  { graph, ...model }: Model,
  shapes: ReadonlyMap<string, readonly number[]>,
): { model: Model; block: Block }[] {
  const total = parametersOf(graph);
  const alike = (a: string, b: string): boolean =>
    shapes.has(a) && shapes.has(b) && `${shapes.get(a)}` === `${shapes.get(b)}`;
  const found: { model: Model; block: Block }[] = [];
  for (const node of graph.nodes) {
    if (node.domain !== '') continue;
    const [output] = node.outputs;
    const block = node.opType === 'Add' && node.inputs.every((name) => !graph.initializers.has(name));
    if (!block && !LAYERS.has(node.opType)) continue;
    for (const input of block ? new Set(node.inputs) : node.inputs.slice(0, 1)) {
      if (!alike(input, output) || graph.initializers.has(input)) continue;
      const without = bypassed(graph, output, input);
      const parameters = total - parametersOf(without);
      if (parameters === 0 || without.nodes.length === 0) continue;
      found.push({
        model: { ...model, graph: without },
        block: { node: node.name || output, kind: block ? 'block' : 'layer', parameters },
      });
    }
  }
  return found.sort((a, b) => b.block.parameters - a.block.parameters);
}

/** Whoever takes a value takes another in its place; an output of the graph keeps its name. */
function bypassed(graph: Graph, value: string, other: string): Graph {
  const outputs = graph.outputs.some(({ name }) => name === value);
  const nodes = graph.nodes.flatMap((node) => {
    if (node.outputs[0] === value) {
      return outputs ? [{ ...node, opType: 'Identity', inputs: [other], outputs: [value], attributes: {} }] : [];
    }
    return [{ ...node, inputs: node.inputs.map((name) => (name === value ? other : name)) }];
  });
  return removeDeadCode({ ...graph, nodes, valueInfo: new Map() });
}

function parametersOf({ initializers }: Graph): number {
  let count = 0;
  for (const { type, shape } of initializers.values()) if (type === 'float32') count += sizeOf(shape);
  return count;
}
