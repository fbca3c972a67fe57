import { int, type Model, type Node } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, type Tensor } from '../../graph/tensor.js';
import { namesFor } from '../graph/uses.js';
import { type Batches, observe } from '../observe/activations.js';
import { dequantized, type QuantizedWeight, quantizeWeight } from './grid.js';
import { planQuantization } from './plan.js';

/** Mean error of each output channel that the rounding of a layer's weights makes, by name of the node. */
export type BiasShifts = ReadonlyMap<string, Float32Array>;

export interface BiasOptions {
  readonly perChannel: boolean;
  readonly reducedRange: boolean;
  readonly exclude?: ReadonlySet<string> | undefined;
  readonly rounded?: ReadonlyMap<string, QuantizedWeight> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The mean over rows (and places) of (Wq - W) x for every layer, on the activations of the model itself: what taking off the
 * bias makes the rounded layer right in the mean (Nagel et al., Data-Free Quantization, 2019, with real rows).
 */
export async function biasShifts(
  runtime: Runtime,
  model: Model,
  batches: Batches,
  { perChannel, reducedRange, exclude, rounded, signal }: BiasOptions,
): Promise<BiasShifts> {
  const { graph } = model;
  const fresh = namesFor(graph);
  const initializers = new Map(graph.initializers);
  const extra: Node[] = [];
  const watched = new Map<string, string>();
  const constant = (wanted: string, value: Tensor): string => {
    const name = fresh(wanted);
    initializers.set(name, value);
    return name;
  };
  for (const { node, weight } of planQuantization(graph, { exclude }).layers) {
    if (weight === undefined || node.opType === 'MatMul') continue;
    const axis = perChannel ? weight.axis : undefined;
    const quantized =
      rounded?.get(node.name) ?? quantizeWeight(weight.value, { axis, largest: reducedRange ? 63 : 127 });
    const back = dequantized(quantized).data;
    const exact = weight.value.data as Float32Array;
    const error = constant(
      `${weight.name}.error`,
      float32(
        weight.value.shape,
        exact.map((value, i) => back[i] - value),
      ),
    );
    const [noise, mean] = [fresh(`${node.name}.noise`), fresh(`${node.name}.shift`)];
    const axes = node.opType === 'Conv' ? [0, ...weight.value.shape.slice(2).map((_, i) => i + 2)] : [0];
    extra.push(
      { ...node, name: noise, inputs: [node.inputs[0], error], outputs: [noise] },
      {
        name: mean,
        opType: 'ReduceMean',
        domain: '',
        inputs: [noise, constant(`${mean}.axes`, int64([axes.length], axes))],
        outputs: [mean],
        attributes: { keepdims: int(0) },
      },
    );
    watched.set(mean, node.name);
  }
  const sums = new Map<string, { total: Float64Array; rows: number }>();
  const instrumented = { ...model, graph: { ...graph, initializers, nodes: [...graph.nodes, ...extra] } };
  await observe(runtime, instrumented, batches, { names: [...watched.keys()], signal }, (values) => {
    for (const [name, layer] of watched) {
      const shift = values[name].data as Float32Array;
      const known = sums.get(layer) ?? { total: new Float64Array(shift.length), rows: 0 };
      shift.forEach((value, i) => {
        known.total[i] += value;
      });
      known.rows++;
      sums.set(layer, known);
    }
  });
  return new Map([...sums].map(([layer, { total, rows }]) => [layer, Float32Array.from(total, (sum) => sum / rows)]));
}
