import { removeDeadCode } from '../../graph/format/dead-code.js';
import { int, type Model, type Node } from '../../graph/model.js';
import { type Tensor, tensor } from '../../graph/tensor.js';
import { namesFor } from '../graph/uses.js';
import { quantizeWeight } from './grid.js';
import { planQuantization, type QuantizedLayer } from './plan.js';
import { quantizeTables } from './tables.js';

export interface DynamicOptions {
  readonly perChannel: boolean;
  readonly reducedRange: boolean;
  readonly exclude?: ReadonlySet<string> | undefined;
}

/**
 * A model whose matrix products with constant weights are in 8 bits, activations rounded by the range of the batch at hand:
 * DynamicQuantizeLinear, MatMulInteger and a product with both scales, which the runtime fuses into one kernel. Needs no
 * data. Convolutions stay: their dynamic kernel is slower than floating point. Tables that rows are gathered from are
 * stored in 8 bits.
 */
export function quantizeDynamic(model: Model, options: DynamicOptions): { model: Model; layers: string[] } {
  const { graph } = model;
  const fresh = namesFor(graph);
  const initializers = new Map(graph.initializers);
  const constant = (wanted: string, value: Tensor): string => {
    const name = fresh(wanted);
    initializers.set(name, value);
    return name;
  };
  const layers = new Map(
    planQuantization(graph, options)
      .layers.filter(({ node, weight }) => weight !== undefined && node.opType !== 'Conv')
      .map((layer) => [layer.node, layer]),
  );
  const context = { fresh, constant, options };
  const read = new Map<string, readonly [string, string, string]>();
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const layer = layers.get(node);
    return layer === undefined ? [node] : product(layer, context, read);
  });
  const products = { ...model, graph: removeDeadCode({ ...graph, nodes, initializers }) };
  const { model: quantized, tables } = quantizeTables(products, options.exclude);
  return { model: quantized, layers: [...[...layers.keys()].map(({ name }) => name), ...tables] };
}

interface Context {
  readonly fresh: (wanted: string) => string;
  readonly constant: (wanted: string, value: Tensor) => string;
  readonly options: DynamicOptions;
}

function product(
  { node, weight, bias }: QuantizedLayer,
  { fresh, constant, options }: Context,
  read: Map<string, readonly [string, string, string]>,
): Node[] {
  const made: Node[] = [];
  const add = (opType: string, inputs: readonly string[], outputs: readonly string[], attributes = {}): void => {
    made.push({ name: fresh(`${outputs[0]}.${opType}`), opType, domain: '', inputs, outputs, attributes });
  };
  const [x] = node.inputs;
  let rounded = read.get(x);
  if (rounded === undefined) {
    rounded = [fresh(`${x}.quantized`), fresh(`${x}.scale`), fresh(`${x}.zeroPoint`)];
    add('DynamicQuantizeLinear', [x], rounded);
    read.set(x, rounded);
  }
  const { name, value, axis } = weight!;
  const columns = axis === 1 ? value : transposed(value);
  const { values, scale } = quantizeWeight(columns, {
    axis: options.perChannel ? 1 : undefined,
    largest: options.reducedRange ? 63 : 127,
  });
  const stored = constant(`${name}.quantized`, values);
  const zero = constant(`${name}.zeroPoint`, tensor('int8', scale.shape, new Int8Array(scale.data.length)));
  const [xq, xScale, xZero] = rounded;
  const [whole, real, both] = ['integers', 'float', 'scales'].map((part) => fresh(`${node.outputs[0]}.${part}`));
  add('MatMulInteger', [xq, stored, xZero, zero], [whole]);
  add('Cast', [whole], [real], { to: int(1) });
  add('Mul', [xScale, constant(`${name}.scale`, scale)], [both]);
  if (bias === undefined) add('Mul', [real, both], node.outputs);
  else {
    const scaled = fresh(`${node.outputs[0]}.scaled`);
    add('Mul', [real, both], [scaled]);
    add('Add', [scaled, bias.name], node.outputs);
  }
  return made;
}

function transposed({ shape: [rows, columns], data }: Tensor): Tensor {
  const values = data as Float32Array;
  const result = Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
  return tensor('float32', [columns, rows], result);
}
