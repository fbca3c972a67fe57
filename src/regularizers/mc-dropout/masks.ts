import { GraphBuilder } from '../../graph/builder.js';
import { inline } from '../../graph/inline.js';
import type { Graph, Node } from '../../graph/model.js';
import { RandomSite, siteKey } from '../../graph/random.js';
import { float32, sizeOf, type Tensor, tensor } from '../../graph/tensor.js';
import { untouchedBy } from '../predictive.js';
import type { Active, FinishContext, StepContext } from '../regularizer.js';

/** Regularizers whose forward hook multiplies by a random mask. */
export const MASKING: ReadonlySet<string> = new Set(['dropout', 'stochastic-depth']);

/** Masks [samples, ...] of the sites that are disturbed at all, by the name of the site's value. */
export type Masks = ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;

/** The masks that dropout would draw, as many as samples: what its own hook makes of ones, from the run's seed. */
export async function drawMasks(context: FinishContext, graph: Graph, samples: number): Promise<Masks> {
  const shapes = siteShapes(context, graph);
  const masks = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const { name, kind } of context.sites) {
    const shape = shapes.get(name);
    if (shape === undefined) continue;
    const b = new GraphBuilder('masks');
    const ones = b.constant(float32([samples, ...shape], new Float32Array(samples * sizeOf(shape)).fill(1)));
    const mask = context.active.reduce((value, active, i) => {
      if (!MASKING.has(active.regularizer.type)) return value;
      const step = maskContext(b, context, active, `mc-dropout.${i}`, samples);
      return active.regularizer.hooks.forward?.(step, active.options, { name, kind, value }) ?? value;
    }, ones);
    if (mask === ones) continue;
    b.output('mask', b.expand(mask, ones.shape));
    // The graph takes no rows: one a sample is asked for, whichever it is.
    const data = await context.run(b.graph(), new Int32Array(samples).fill(context.train[0]));
    if (data.some((value) => value !== 1)) masks.set(name, { shape, data });
  }
  return masks;
}

/** What the forward hook of a regularizer asks for, outside of a training step. */
function maskContext(
  b: GraphBuilder,
  setting: FinishContext,
  { strength, schedule }: Active,
  label: string,
  batchSize: number,
): StepContext {
  const { seed, task, outputs, inputs, sites } = setting;
  const outside = (): never => {
    throw new Error('only within a training step');
  };
  const key = (name: string): Tensor => tensor('uint32', [1], Uint32Array.of(siteKey(name, seed, 0)));
  return {
    b,
    setting,
    batchSize,
    task,
    outputs,
    inputs,
    phase: 'training',
    strength: b.scalar(strength * (schedule?.to ?? 1)),
    random: (site) => new RandomSite(b, b.constant(key(`${label}.${site}`))),
    sites,
    classRows: [],
    drawn: outside,
    own: outside,
    stored: outside,
    row: outside,
    asset: outside,
    next: outside,
    tasks: undefined,
    labelled: () => undefined,
    column: () => undefined,
    network: outside,
    lossesOf: outside,
  };
}

/** Shapes of the values at the sites, without the batch axis. */
function siteShapes({ sites, inputs }: FinishContext, graph: Graph): Map<string, readonly number[]> {
  const b = new GraphBuilder('shapes');
  const shapes = new Map<string, readonly number[]>();
  const wanted = new Set(sites.map(({ name }) => name));
  const fed = graph.inputs.flatMap(({ name, type }) => {
    const input = inputs.find((candidate) => candidate.name === name);
    return input === undefined ? [] : [[name, b.input(name, type, [1, ...input.shape])] as const];
  });
  inline(b, graph, {
    inputs: Object.fromEntries(fed),
    replace: (node, [x]) => (node.opType === 'Dropout' && x !== undefined ? [x] : undefined),
    intercept: (name, value) => {
      if (wanted.has(name)) shapes.set(name, value.shape.slice(1));
      return value;
    },
  });
  return shapes;
}

/** The network with one mask at every site: a thinned network. */
export function thinned(graph: Graph, masks: Masks, sample: number): Graph {
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const site = node.outputs.find((name) => masks.has(name));
    const mask = site === undefined ? undefined : masks.get(site);
    if (site === undefined || mask === undefined) return [node];
    const size = sizeOf(mask.shape);
    const maskName = `${site}.mask`;
    initializers.set(maskName, float32([1, ...mask.shape], mask.data.slice(sample * size, (sample + 1) * size)));
    const multiply = (x: string): Node => ({
      name: maskName,
      opType: 'Mul',
      domain: '',
      inputs: [x, maskName],
      outputs: [site],
      attributes: {},
    });
    if (node.opType === 'Dropout') return [multiply(node.inputs[0])];
    const before = `${site}.whole`;
    return [{ ...node, outputs: node.outputs.map((name) => (name === site ? before : name)) }, multiply(before)];
  });
  return { ...graph, nodes, initializers };
}

/** Values that no mask has touched: computed once for all samples. */
export function untouched(graph: Graph, masks: Masks): (name: string) => boolean {
  const apart = untouchedBy(graph, masks.keys());
  return (name) => apart(name) && !(name.endsWith('.mask') && !apart(name.slice(0, -'.mask'.length)));
}
