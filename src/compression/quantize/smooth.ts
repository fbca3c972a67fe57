import type { Model, Node } from '../../graph/model.js';
import { intAttribute } from '../../graph/operators/operator.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Tensor } from '../../graph/tensor.js';
import { constantsOf, type Uses, usesOf } from '../graph/uses.js';
import { type Batches, observe } from '../observe/activations.js';
import { scaleWeights } from './scale-weights.js';

/** A normalization whose results only matrix products with constant weights take. */
interface Smoothable {
  readonly value: string;
  readonly parameters: readonly string[];
  readonly weights: readonly { readonly name: string; readonly transposed: boolean }[];
  readonly width: number;
}

/**
 * SmoothQuant (Xiao et al., 2023): channels of an activation that are much larger than others are divided by
 * s = max|x|^alpha / max|w|^(1 - alpha), within the normalization before it, and the rows of the weights that take them
 * multiplied by s. The model computes the same; outliers move from activations, which share one scale, into weights.
 */
export async function smoothActivations(
  runtime: Runtime,
  model: Model,
  batches: Batches,
  { alpha, signal }: { readonly alpha: number; readonly signal?: AbortSignal | undefined },
): Promise<{ model: Model; places: number }> {
  const { graph } = model;
  const uses = usesOf(graph);
  const constants = constantsOf(graph);
  const places = graph.nodes.flatMap((node) => smoothable(node, uses, constants) ?? []);
  const largest = new Map(places.map(({ value, width }) => [value, new Float64Array(width)]));
  if (places.length === 0) return { model, places: 0 };
  await observe(runtime, model, batches, { names: [...largest.keys()], signal }, (values) => {
    for (const [name, most] of largest) {
      const data = values[name].data as Float32Array;
      data.forEach((x, i) => {
        const channel = i % most.length;
        most[channel] = Math.max(most[channel], Math.abs(x));
      });
    }
  });
  const initializers = new Map<string, Tensor>(graph.initializers);
  for (const place of places) smooth(place, largest.get(place.value)!, { alpha, initializers });
  return { model: { ...model, graph: { ...graph, initializers } }, places: places.length };
}

function smoothable(node: Node, uses: Uses, constants: ReadonlyMap<string, Tensor>): Smoothable | undefined {
  if (node.opType !== 'LayerNormalization' || node.domain !== '') return undefined;
  const [value] = node.outputs;
  const users = uses.users.get(value) ?? [];
  const parameters = node.inputs.slice(1).filter((name) => name !== '');
  const width = constants.get(parameters[0])?.data.length ?? 0;
  const own = parameters.every(
    (name) => uses.users.get(name)?.length === 1 && constants.get(name)?.data.length === width,
  );
  const weights = users.flatMap(({ opType, inputs, attributes }) => {
    const weight = constants.get(inputs[1]);
    const product = (opType === 'MatMul' || opType === 'Gemm') && inputs[0] === value;
    if (!product || weight?.type !== 'float32' || weight.shape.length !== 2) return [];
    if (uses.users.get(inputs[1])?.length !== 1 || intAttribute(attributes, 'transA', 0) !== 0) return [];
    return [{ name: inputs[1], transposed: intAttribute(attributes, 'transB', 0) !== 0 }];
  });
  const whole = width > 0 && users.length > 0 && weights.length === users.length && !uses.outputs.has(value);
  return own && whole ? { value, parameters, weights, width } : undefined;
}

function smooth(
  { parameters, weights, width }: Smoothable,
  activations: Float64Array,
  { alpha, initializers }: { readonly alpha: number; readonly initializers: Map<string, Tensor> },
): void {
  const reach = new Float64Array(width);
  const channel = (name: string, transposed: boolean, i: number): number => {
    const [, columns] = initializers.get(name)!.shape;
    return transposed ? i % columns : Math.floor(i / columns);
  };
  for (const { name, transposed } of weights) {
    (initializers.get(name)!.data as Float32Array).forEach((w, i) => {
      const c = channel(name, transposed, i);
      reach[c] = Math.max(reach[c], Math.abs(w));
    });
  }
  const factor = activations.map((x, c) => (x > 0 && reach[c] > 0 ? x ** alpha / reach[c] ** (1 - alpha) : 1));
  for (const name of parameters) scaleWeights(initializers, name, (i) => 1 / factor[i]);
  for (const { name, transposed } of weights)
    scaleWeights(initializers, name, (i) => factor[channel(name, transposed, i)]);
}
