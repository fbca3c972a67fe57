import type { GraphBuilder, Value } from '../builder.js';
import type { Graph, Node } from '../model.js';
import { intAttribute } from '../operators/operator.js';
import { slidingWindow, type Window } from '../operators/window.js';
import { sizeOf } from '../tensor.js';
import { depthwise } from './depthwise.js';
import { type PlaneWindow, patchConvolution } from './patches.js';
import { chunkImages, fromRows, type Rows, toRows } from './rows.js';
import { type Chain, winograd } from './winograd.js';

/** Winograd pays from this many channels on, in and out. */
const LEAST_CHANNELS = 16;
/** Longest patch of a convolution of few channels. */
const LONGEST_PATCH = 128;
/** Longest line of a depthwise convolution. */
const LONGEST_LINE = 32;
/** Bytes of a convolution's output that one chunk of the batch should make. */
const CHUNK_BYTES = 800_000;
const MOST_CHUNKS = 8;
/** Chunks of all convolutions together: each is about 40 nodes, and creating a session slows with their number. */
const MOST_CHUNKS_IN_ALL = 32;

export interface LoweringOptions {
  /** Values at which something may be put in place of the value: no chain reaches over them. */
  readonly sitesInUse: ReadonlySet<string>;
}

/**
 * Builds the convolutions of a graph in the way that trains fastest: Conv, and a Relu and 2x2 MaxPool after it, as
 * products over rows (`winograd.ts`, `patches.ts`), depthwise ones as products over lines (`depthwise.ts`). What is done
 * depends on shapes alone. Convolutions outside of what these handle stay as they are. Between convolutions that follow
 * each other the images stay rows.
 *
 * @returns for {@link inline}'s `replace`: the values of a node that is lowered, or part of one
 */
export function lowerConvolutions(
  b: GraphBuilder,
  graph: Graph,
  { sitesInUse }: LoweringOptions,
): (node: Node, inputs: readonly (Value | undefined)[]) => readonly Value[] | undefined {
  const followers = onlyFollowers(graph);
  const convolutions = graph.nodes.filter(({ opType }) => opType === 'Conv').length;
  const chunkLimit = Math.max(1, Math.min(MOST_CHUNKS, Math.floor(MOST_CHUNKS_IN_ALL / convolutions)));
  const absorbed = new Set<Node>();
  const rowsOf = new Map<string, Rows>();

  const lower = (node: Node, x: Value, weight: Value, bias: Value | undefined): Value | undefined => {
    const window = planeWindow(node, x, weight);
    if (window === undefined) return undefined;
    if (intAttribute(node.attributes, 'group', 1) !== 1) {
      return isDepthwise(x, weight, window) ? depthwise(b, x, weight, bias) : undefined;
    }
    const kind = kindOf(weight, window);
    if (kind === undefined) return undefined;
    const { height, width } = extentsAfter(window);
    const canPool = isSame3x3(window) && height % 2 === 0 && width % 2 === 0;
    const chain: Chain = { weight, bias, ...absorb(node, canPool) };
    const known = rowsOf.get(x.name);
    const bytes = 4 * x.shape[0] * weight.shape[0] * height * width;
    const count = Math.max(1, Math.min(chunkLimit, x.shape[0], Math.round(bytes / CHUNK_BYTES)));
    const images = known?.images ?? chunkImages(x.shape[0], count);
    const made =
      kind === 'patches'
        ? patchConvolution(b, x, chain, window, images)
        : winograd(b, known ?? toRows(b, x, images), chain, kind);
    const result = fromRows(b, made);
    rowsOf.set(result.name, made);
    return result;
  };

  /** Takes in the Relu and the pooling that follow, where nothing else sees what is between. */
  const absorb = (first: Node, canPool: boolean): { relu: boolean; pool: boolean } => {
    const found = { relu: false, pool: false };
    let passed: Node[] = [];
    let node = first;
    for (;;) {
      const next = followers.get(node);
      if (next === undefined || sitesInUse.has(node.outputs[0])) return found;
      if (next.opType === 'Dropout') passed.push(next);
      else if (next.opType === 'Relu') found.relu = true;
      else if (canPool && !found.pool && halves(next)) found.pool = true;
      else return found;
      if (next.opType !== 'Dropout') {
        for (const taken of [...passed, next]) absorbed.add(taken);
        passed = [];
      }
      node = next;
    }
  };

  return (node, [x, weight, bias]) => {
    if (absorbed.has(node)) return [x!];
    if (node.opType !== 'Conv' || node.domain !== '' || !followers.has(node)) return undefined;
    const result = x === undefined || weight === undefined ? undefined : lower(node, x, weight, bias);
    return result === undefined ? undefined : [result];
  };
}

/** For each node of the graph itself, the node that alone reads its only output; undefined where others see it. */
function onlyFollowers(graph: Graph): Map<Node, Node | undefined> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node]);
  }
  const seen = new Set(graph.outputs.map(({ name }) => name));
  const hasBranches = graph.nodes.some(({ opType }) => opType === 'If');
  return new Map(
    graph.nodes.map((node) => {
      const [output, ...more] = node.outputs;
      const after = readers.get(output) ?? [];
      const alone = after.length === 1 && more.every((name) => name === '') && !seen.has(output) && !hasBranches;
      return [node, alone ? after[0] : undefined];
    }),
  );
}

function planeWindow(node: Node, x: Value, weight: Value): (PlaneWindow & { readonly at: Window }) | undefined {
  if (x.type !== 'float32' || x.shape.length !== 4) return undefined;
  const at = slidingWindow(node, x.shape.slice(2), weight.shape.slice(2));
  if (at.dilations.some((dilation) => dilation !== 1)) return undefined;
  return {
    at,
    kernel: [at.kernel[0], at.kernel[1]],
    strides: [at.strides[0], at.strides[1]],
    pads: [at.begins[0], at.begins[1], at.ends[0], at.ends[1]],
  };
}

const extentsAfter = ({ at }: { readonly at: Window }): { height: number; width: number } => ({
  height: at.output[0],
  width: at.output[1],
});

const isSame3x3 = ({ kernel, strides, pads }: PlaneWindow): boolean =>
  kernel.every((extent) => extent === 3) && strides.every((stride) => stride === 1) && pads.every((pad) => pad === 1);

/** Whether each channel has a 3x3 kernel of its own, and lines are short enough (see `depthwise.ts`). */
function isDepthwise(x: Value, weight: Value, window: PlaneWindow): boolean {
  const [, channels, height, width] = x.shape;
  return (
    isSame3x3(window) &&
    weight.shape[0] === channels &&
    weight.shape[1] === 1 &&
    height % 2 === 0 &&
    width <= LONGEST_LINE
  );
}

function kindOf(weight: Value, window: PlaneWindow & { readonly at: Window }): 2 | 4 | 'patches' | undefined {
  const [outputs, channels] = weight.shape;
  if (sizeOf(window.kernel) > 1 && channels <= 4 && channels * sizeOf(window.kernel) <= LONGEST_PATCH) return 'patches';
  if (!isSame3x3(window) || channels < LEAST_CHANNELS || outputs < LEAST_CHANNELS) return undefined;
  const dividedBy = (tile: number): boolean => window.at.input.every((extent) => extent % tile === 0);
  if (dividedBy(4)) return 4;
  return dividedBy(2) ? 2 : undefined;
}

/** Whether a node is a maximum over 2x2 windows side by side. */
function halves(node: Node): boolean {
  if (node.opType !== 'MaxPool' || node.outputs.length > 1) return false;
  const { kernel_shape, strides, pads, dilations } = node.attributes;
  const all = (attribute: typeof pads | undefined, value: number, absent: boolean): boolean =>
    attribute === undefined
      ? absent
      : attribute.kind === 'ints' && attribute.value.every((element) => element === value);
  return all(kernel_shape, 2, false) && all(strides, 2, false) && all(pads, 0, true) && all(dilations, 1, true);
}
