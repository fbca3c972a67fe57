import { BallastError } from '../../errors.js';
import { removeDeadCode } from '../../graph/format/dead-code.js';
import { int, type Model, type Node } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, type Tensor, tensor } from '../../graph/tensor.js';
import { namesFor, usesOf } from '../graph/uses.js';
import { type Batches, observe } from '../observe/activations.js';
import { Histogram } from '../observe/histogram.js';
import type { BiasShifts } from './bias-correction.js';
import { type ActivationGrid, activationGrid, type QuantizedWeight, quantizeWeight } from './grid.js';
import { planQuantization, type QuantizationPlan, type QuantizedLayer } from './plan.js';
import { type RangeMethod, rangeOf } from './ranges.js';

export interface StaticOptions {
  readonly calibration: RangeMethod;
  readonly perChannel: boolean;
  /** Activations with their zero point in the middle. */
  readonly symmetric: boolean;
  /** Weights of 7 bits, for processors without 8-bit dot products. */
  readonly reducedRange: boolean;
  /** Names of nodes that stay in floating point. */
  readonly exclude?: ReadonlySet<string> | undefined;
  /** What is taken off the biases, by name of the node. */
  readonly shifts?: BiasShifts | undefined;
  /** Weights rounded in another way than to the nearest, by name of the node. */
  readonly rounded?: ReadonlyMap<string, QuantizedWeight> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((batches: number) => void) | undefined;
}

/** What was seen of the activations of a model, by name of the value. */
export type Seen = ReadonlyMap<string, Histogram>;

/** A quantized model, and what of it is in 8 bits. */
export interface Quantized {
  readonly model: Model;
  /** Names of the nodes whose products are in 8 bits. */
  readonly layers: readonly string[];
  /** Activations that were seen, by name, with their grids. */
  readonly grids: ReadonlyMap<string, ActivationGrid>;
}

/** Watches the activations that a plan stores in 8 bits, in constant memory. @throws BallastError CALIBRATION_EMPTY */
export async function seeActivations(
  runtime: Runtime,
  model: Model,
  batches: Batches,
  {
    signal,
    tell,
    exclude,
    calibration,
  }: Pick<StaticOptions, 'signal' | 'tell' | 'exclude'> & {
    /** `min-max` alone needs no histograms. */
    readonly calibration?: RangeMethod | 'auto';
  } = {},
): Promise<Seen> {
  const plan = planQuantization(model.graph, { exclude });
  const seen = new Map<string, Histogram>();
  for (const name of plan.values) if (!plan.alike.has(name)) seen.set(name, new Histogram(calibration !== 'min-max'));
  await observe(runtime, model, batches, { names: [...seen.keys()], signal, tell }, (values) => {
    for (const [name, histogram] of seen) {
      const value = values[name];
      if (value?.type === 'float32') histogram.add(value);
    }
  });
  if ([...seen.values()].every(({ total }) => total === 0) && seen.size > 0) {
    throw new BallastError('no rows were given to calibrate on', {
      code: 'CALIBRATION_EMPTY',
      remedy: 'Give some hundred representative rows with --data',
    });
  }
  return seen;
}

/**
 * A model with 8-bit weights and activations in the QDQ format: every activation that a plan names is rounded to a grid of
 * 256 steps (QuantizeLinear, DequantizeLinear), weights and biases are stored as integers. The model must be of Ballast's
 * opset and clean.
 */
export function quantizeStatic(model: Model, seen: Seen, options: StaticOptions): Quantized {
  const plan = planQuantization(model.graph, options);
  const grids = gridsOf(plan, seen, options);
  const writer = new QdqWriter(model, plan, grids, options);
  return { model: writer.write(), layers: plan.layers.map(({ node }) => node.name), grids };
}

function gridsOf(
  plan: QuantizationPlan,
  seen: Seen,
  { calibration, symmetric }: StaticOptions,
): Map<string, ActivationGrid> {
  const grids = new Map<string, ActivationGrid>();
  const rootOf = (name: string): string => {
    const above = plan.alike.get(name);
    return above === undefined ? name : rootOf(above);
  };
  for (const name of plan.values) {
    const root = rootOf(name);
    const histogram = seen.get(root);
    if (histogram === undefined || histogram.total === 0) continue;
    const known = grids.get(root) ?? activationGrid(rangeOf(histogram, calibration, symmetric), symmetric);
    grids.set(root, known);
    grids.set(name, known);
  }
  return grids;
}

/** Puts the pairs into a graph. */
class QdqWriter {
  readonly #initializers: Map<string, Tensor>;
  readonly #fresh: (wanted: string) => string;
  /** Quantized value -> the dequantized one that 8-bit nodes take. */
  readonly #read = new Map<string, string>();
  /** Values whose maker writes another name, because the pair stands between it and everyone else. */
  readonly #raw = new Map<string, string>();
  readonly #gridNames = new Map<ActivationGrid, [string, string]>();
  readonly #layers: Map<Node, QuantizedLayer>;

  constructor(
    readonly model: Model,
    readonly plan: QuantizationPlan,
    readonly grids: ReadonlyMap<string, ActivationGrid>,
    readonly options: StaticOptions,
  ) {
    this.#initializers = new Map(model.graph.initializers);
    this.#fresh = namesFor(model.graph);
    this.#layers = new Map(plan.layers.map((layer) => [layer.node, layer]));
  }

  write(): Model {
    const { graph } = this.model;
    const { between } = this.plan;
    const inEight = new Set<Node>([...this.#layers.keys(), ...between]);
    const { maker } = usesOf(graph);
    const absorbed = new Set(this.plan.layers.map(({ result }) => result));
    const pairs = new Map<string, Node[]>();
    for (const name of this.grids.keys()) {
      // Where 8 bits make it, everyone takes it rounded; else only those that work in 8 bits do.
      const made = maker.get(name);
      const byEight =
        made !== undefined && (inEight.has(made) || absorbed.has(name) || this.#followsEight(made, inEight, maker));
      pairs.set(name, this.#pair(name, byEight));
    }
    const nodes: Node[] = graph.inputs.flatMap(({ name }) => pairs.get(name) ?? []);
    for (const node of graph.nodes) {
      const layer = this.#layers.get(node);
      const inputs = node.inputs.map((name) => (inEight.has(node) ? (this.#read.get(name) ?? name) : name));
      const outputs = node.outputs.map((name) => this.#raw.get(name) ?? name);
      if (layer === undefined) nodes.push({ ...node, inputs, outputs });
      else nodes.push(...this.#layer(layer, inputs, outputs));
      for (const name of node.outputs) nodes.push(...(pairs.get(name) ?? []));
    }
    const quantized = removeDeadCode({ ...graph, nodes, initializers: this.#initializers });
    return { ...this.model, graph: quantized };
  }

  #followsEight(node: Node, inEight: ReadonlySet<Node>, maker: ReadonlyMap<string, Node>): boolean {
    const before = maker.get(node.inputs[0]);
    return (node.opType === 'Relu' || node.opType === 'Clip') && before !== undefined && inEight.has(before);
  }

  /** The nodes that round a value; `everyone` = who takes the value takes the rounded one. */
  #pair(name: string, everyone: boolean): Node[] {
    const grid = this.grids.get(name)!;
    const [scale, zeroPoint] = this.#gridConstants(grid, name);
    const source = everyone ? this.#fresh(`${name}.exact`) : name;
    const read = everyone ? name : this.#fresh(`${name}.dequantized`);
    const stored = this.#fresh(`${name}.quantized`);
    if (everyone) this.#raw.set(name, source);
    this.#read.set(name, read);
    return [
      this.#node('QuantizeLinear', [source, scale, zeroPoint], stored),
      this.#node('DequantizeLinear', [stored, scale, zeroPoint], read),
    ];
  }

  #gridConstants(grid: ActivationGrid, name: string): [string, string] {
    const known = this.#gridNames.get(grid);
    if (known !== undefined) return known;
    const names: [string, string] = [
      this.#constant(`${name}.scale`, float32([], [grid.scale])),
      this.#constant(`${name}.zeroPoint`, tensor('uint8', [], Uint8Array.of(grid.zeroPoint))),
    ];
    this.#gridNames.set(grid, names);
    return names;
  }

  #layer({ node, weight, bias }: QuantizedLayer, inputs: readonly string[], outputs: readonly string[]): Node[] {
    if (weight === undefined) return [{ ...node, inputs, outputs }];
    const { perChannel, reducedRange, rounded } = this.options;
    const axis = perChannel ? weight.axis : undefined;
    const quantized =
      rounded?.get(node.name) ?? quantizeWeight(weight.value, { axis, largest: reducedRange ? 63 : 127 });
    const grid = this.grids.get(node.inputs[0]);
    const made: Node[] = [];
    const values = this.#constant(`${weight.name}.quantized`, quantized.values);
    const scale = this.#constant(`${weight.name}.scale`, quantized.scale);
    const zero = this.#constant(
      `${weight.name}.zeroPoint`,
      tensor('int8', quantized.scale.shape, new Int8Array(quantized.scale.data.length)),
    );
    const read = this.#fresh(`${weight.name}.dequantized`);
    made.push(this.#node('DequantizeLinear', [values, scale, zero], read, quantized.axis));
    const operands = [inputs[0], read];
    const shifted = this.#shifted(node, bias);
    if (shifted !== undefined && grid !== undefined) operands.push(...this.#bias(shifted, quantized, grid, made));
    else operands.push(...inputs.slice(2));
    made.push({ ...node, inputs: operands, outputs });
    return made;
  }

  /** The bias without the mean error of the rounded weights; a matrix product has no place for one. */
  #shifted(node: Node, bias: QuantizedLayer['bias']): QuantizedLayer['bias'] {
    const shift = this.options.shifts?.get(node.name);
    if (shift === undefined || node.opType === 'MatMul') return bias;
    const before = bias === undefined ? new Float32Array(shift.length) : (bias.value.data as Float32Array);
    if (before.length !== shift.length) return bias;
    const value = float32(
      bias?.value.shape ?? [shift.length],
      before.map((b, i) => b - shift[i]),
    );
    return { name: bias?.name ?? `${node.name}.bias`, value };
  }

  /** Biases are sums of products, and so are of the product's scale: 32 bits. */
  #bias(
    { name, value }: NonNullable<QuantizedLayer['bias']>,
    { scale }: QuantizedWeight,
    grid: ActivationGrid,
    made: Node[],
  ): string[] {
    const flat = value.data as Float32Array;
    const of = (channel: number): number => grid.scale * scale.data[scale.data.length === 1 ? 0 : channel];
    const limit = 2 ** 31 - 1;
    const count = flat.length;
    const values = Int32Array.from(flat, (b, channel) =>
      Math.max(-limit, Math.min(limit, Math.round(b / of(channel)))),
    );
    const scales = scale.data.length === 1 ? [of(0)] : Array.from({ length: count }, (_, channel) => of(channel));
    const stored = this.#constant(`${name}.quantized`, tensor('int32', [count], values));
    const scaleName = this.#constant(`${name}.scale`, float32(scale.data.length === 1 ? [] : [count], scales));
    const read = this.#fresh(`${name}.dequantized`);
    made.push(this.#node('DequantizeLinear', [stored, scaleName], read, scale.data.length === 1 ? undefined : 0));
    return [read];
  }

  #constant(wanted: string, value: Tensor): string {
    const name = this.#fresh(wanted);
    this.#initializers.set(name, value);
    return name;
  }

  #node(opType: string, inputs: readonly string[], output: string, axis?: number): Node {
    return {
      name: this.#fresh(`${output}.${opType}`),
      opType,
      domain: '',
      inputs,
      outputs: [output],
      attributes: axis === undefined ? {} : { axis: int(axis) },
    };
  }
}
