import { ints, type Model, type Node } from '../../graph/model.js';
import { intAttribute } from '../../graph/operators/operator.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, sizeOf, type Tensor, tensor } from '../../graph/tensor.js';
import { namesFor } from '../graph/uses.js';
import { type Batches, observe } from '../observe/activations.js';
import { type QuantizedWeight, quantizeWeight } from './grid.js';
import { planQuantization, type QuantizedLayer } from './plan.js';

export interface AdaptiveOptions {
  readonly perChannel: boolean;
  readonly reducedRange: boolean;
  readonly exclude?: ReadonlySet<string> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((doing: string) => void) | undefined;
}

export interface AdaptiveRounding {
  /** Rounded weights by name of the node. */
  readonly rounded: ReadonlyMap<string, QuantizedWeight>;
  /** Squared error of the outputs over rows and places, by name of the node: to the nearest, and so. */
  readonly errors: ReadonlyMap<string, { readonly nearest: number; readonly adaptive: number }>;
  /** Layers whose inputs are too many to be looked at together. */
  readonly left: readonly string[];
}

/** Most inputs of an output that are looked at together: their products are held, 16 MB of float32 a group. */
const MOST_INPUTS = 2048;
/** Every weight is looked at so often at most. */
const SWEEPS = 30;

/**
 * Rounds each weight up or down so that the outputs of its layer change least on real rows (Nagel et al., Up or Down? Adaptive
 * Rounding for Post-Training Quantization, 2020): for the weights w of an output with the inputs x, the error
 * d' E[x x'] d, d = rounded - w, is made small. That is the quadratic problem of the paper's equation 13; it is solved weight by
 * weight from the nearest on, so that no layer is ever worse than with it.
 */
export async function roundAdaptively(
  runtime: Runtime,
  model: Model,
  batches: Batches,
  { perChannel, reducedRange, exclude, signal, tell }: AdaptiveOptions,
): Promise<AdaptiveRounding> {
  const layers = planQuantization(model.graph, { exclude }).layers.flatMap((layer) => shapeOf(layer) ?? []);
  const fits = layers.filter(({ inputs }) => inputs <= MOST_INPUTS);
  const products = await inputProducts(runtime, model, batches, fits, signal);
  const rounded = new Map<string, QuantizedWeight>();
  const errors = new Map<string, { nearest: number; adaptive: number }>();
  for (const shape of fits) {
    signal?.throwIfAborted();
    const { layer } = shape;
    const own = products.get(layer.node.name);
    if (own === undefined) continue;
    tell?.(`rounding ${layer.node.name}`);
    const axis = perChannel ? layer.weight.axis : undefined;
    const nearest = quantizeWeight(layer.weight.value, { axis, largest: reducedRange ? 63 : 127 });
    const made = roundLayer(shape, nearest, own, reducedRange ? 63 : 127);
    rounded.set(layer.node.name, made.weight);
    errors.set(layer.node.name, made.error);
  }
  return { rounded, errors, left: layers.filter((shape) => !fits.includes(shape)).map(({ layer }) => layer.node.name) };
}

/** A layer as a matrix product of each group: `outputs` sums over `inputs`. */
interface LayerShape {
  readonly layer: QuantizedLayer & { readonly weight: NonNullable<QuantizedLayer['weight']> };
  readonly groups: number;
  /** All outputs, of every group. */
  readonly outputs: number;
  /** Inputs of an output. */
  readonly inputs: number;
  /** Where the weight of an output and an input lies. */
  readonly at: (output: number, input: number) => number;
}

function shapeOf(layer: QuantizedLayer): LayerShape | undefined {
  const { node, weight } = layer;
  if (weight === undefined) return undefined;
  const { shape } = weight.value;
  const outputs = shape[weight.axis];
  const inputs = sizeOf(shape) / outputs;
  const groups = node.opType === 'Conv' ? intAttribute(node.attributes, 'group', 1) : 1;
  const at =
    weight.axis === 0
      ? (output: number, input: number) => output * inputs + input
      : (output: number, input: number) => input * outputs + output;
  return { layer: { ...layer, weight }, groups, outputs, inputs, at };
}

/** Sums over rows and places of x x' of each layer's inputs, [groups, inputs, inputs] by name of the node. */
async function inputProducts(
  runtime: Runtime,
  model: Model,
  batches: Batches,
  layers: readonly LayerShape[],
  signal: AbortSignal | undefined,
): Promise<Map<string, Float64Array>> {
  const { graph } = model;
  const initializers = new Map(graph.initializers);
  const fresh = namesFor(graph);
  const extra: Node[] = [];
  const constant = (wanted: string, value: Tensor): string => {
    const name = fresh(wanted);
    initializers.set(name, value);
    return name;
  };
  const add = (opType: string, inputs: readonly string[], attributes: Node['attributes'] = {}): string => {
    const output = fresh(`products.${opType}`);
    extra.push({ name: output, opType, domain: '', inputs, outputs: [output], attributes });
    return output;
  };
  const reshape = (x: string, shape: readonly number[]): string =>
    add('Reshape', [x, constant('products.shape', int64([shape.length], shape))]);
  const watched = new Map<string, string>();
  for (const { layer, groups, inputs } of layers) {
    const { node, weight } = layer;
    let columns: string;
    if (node.opType === 'Conv') {
      // A kernel that hands its inputs through: patches, as the layer sees them.
      const kernel = float32([groups * inputs, ...weight.value.shape.slice(1)], handingThrough(groups, inputs));
      const patches = add('Conv', [node.inputs[0], constant('products.kernel', kernel)], node.attributes);
      const apart = add('Transpose', [reshape(patches, [0, groups, inputs, -1])], { perm: ints([1, 2, 0, 3]) });
      columns = reshape(apart, [groups, inputs, -1]);
    } else {
      const rows = reshape(node.inputs[0], [1, -1, inputs]);
      columns = add('Transpose', [rows], { perm: ints([0, 2, 1]) });
    }
    const turned = add('Transpose', [columns], { perm: ints([0, 2, 1]) });
    watched.set(add('MatMul', [columns, turned]), node.name);
  }
  const sums = new Map<string, Float64Array>();
  const instrumented = { ...model, graph: { ...graph, initializers, nodes: [...graph.nodes, ...extra] } };
  await observe(runtime, instrumented, batches, { names: [...watched.keys()], signal }, (values) => {
    for (const [value, name] of watched) {
      const data = values[value].data as Float32Array;
      const sum = sums.get(name) ?? new Float64Array(data.length);
      for (let i = 0; i < data.length; i++) sum[i] += data[i];
      sums.set(name, sum);
    }
  });
  return sums;
}

function handingThrough(groups: number, inputs: number): Float32Array {
  const kernel = new Float32Array(groups * inputs * inputs);
  for (let row = 0; row < groups * inputs; row++) kernel[row * inputs + (row % inputs)] = 1;
  return kernel;
}

function roundLayer(
  { layer, groups, outputs, inputs, at }: LayerShape,
  nearest: QuantizedWeight,
  products: Float64Array,
  largest: number,
): { weight: QuantizedWeight; error: { nearest: number; adaptive: number } } {
  const exact = layer.weight.value.data as Float32Array;
  const values = Int8Array.from(nearest.values.data);
  const error = { nearest: 0, adaptive: 0 };
  const perGroup = outputs / groups;
  for (let output = 0; output < outputs; output++) {
    const from = Math.floor(output / perGroup) * inputs * inputs;
    const own = products.subarray(from, from + inputs * inputs);
    const scale = nearest.scale.data[nearest.scale.data.length === 1 ? 0 : output];
    const ratios = Float64Array.from({ length: inputs }, (_, input) => exact[at(output, input)] / scale);
    const start = Int8Array.from({ length: inputs }, (_, input) => values[at(output, input)]);
    const row = roundRow(ratios, start, own, largest);
    row.values.forEach((value, input) => {
      values[at(output, input)] = value;
    });
    error.nearest += row.before * scale * scale;
    error.adaptive += row.after * scale * scale;
  }
  return { weight: { ...nearest, values: tensor('int8', nearest.values.shape, values) }, error };
}

/**
 * Rounds the weights of one output, in units of its scale.
 *
 * @param products sums of x x', [inputs, inputs]
 * @returns the values, and the squared error before and after, in units of the scale squared
 */
export function roundRow(
  exact: Float64Array,
  start: Int8Array,
  products: Float64Array,
  largest: number,
): { values: Int8Array; before: number; after: number } {
  const size = exact.length;
  const values = Int8Array.from(start);
  const slope = new Float64Array(size);
  let before = 0;
  for (let i = 0; i < size; i++) {
    const difference = values[i] - exact[i];
    if (difference === 0) continue;
    for (let j = 0; j < size; j++) slope[j] += difference * products[i * size + j];
  }
  for (let i = 0; i < size; i++) before += slope[i] * (values[i] - exact[i]);
  let after = before;
  for (let sweep = 0, changed = true; sweep < SWEEPS && changed; sweep++) {
    changed = false;
    for (let i = 0; i < size; i++) {
      // The other of the two neighbours.
      const other = values[i] > exact[i] ? Math.floor(exact[i]) : Math.ceil(exact[i]);
      const step = other - values[i];
      if (step === 0 || Math.abs(other) > largest) continue;
      const change = step * (2 * slope[i] + step * products[i * size + i]);
      if (!(change < -1e-12 * Math.abs(before))) continue;
      values[i] = other;
      after += change;
      for (let j = 0; j < size; j++) slope[j] += step * products[i * size + j];
      changed = true;
    }
  }
  return { values, before, after };
}
