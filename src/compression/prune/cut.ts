import { BallastError } from '../../errors.js';
import { removeDeadCode } from '../../graph/format/dead-code.js';
import { type Graph, int, type Model, type Node } from '../../graph/model.js';
import { intAttribute, normalizeAxis, toNumbers } from '../../graph/operators/operator.js';
import { ARRAY_OF, type DataType, int64, type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import { namesFor } from '../graph/uses.js';
import type { Dependencies } from './dependencies.js';
import { alignedAxes } from './rules/reshape.js';
import type { Axes, Axis } from './units.js';

/**
 * The model without some units: slices of weights are gone, and what nodes are told of sizes (groups of a convolution,
 * shapes, splits, bounds of slices) follows. What is left is a smaller dense graph.
 *
 * @param removed units, by the names of their classes
 */
export function cutUnits(model: Model, dependencies: Dependencies, removed: ReadonlySet<number>): Model {
  return new Cut(model, dependencies, removed).apply();
}

class Cut {
  readonly #initializers: Map<string, Tensor>;
  readonly #fresh: (wanted: string) => string;
  /** Nodes that correct what is computed for a node, before it. */
  readonly #corrections = new Map<Node, Node[]>();

  constructor(
    readonly model: Model,
    readonly dependencies: Dependencies,
    readonly removed: ReadonlySet<number>,
  ) {
    this.#fresh = namesFor(model.graph);
    this.#initializers = new Map(
      [...model.graph.initializers].map(([name, value]) => [name, this.#sliced(value, this.#axes(name))]),
    );
  }

  apply(): Model {
    const { graph } = this.model;
    const changed = graph.nodes.map((node) => [node, this.#node(node)] as const);
    const nodes = changed.flatMap(([node, cut]) => [...(this.#corrections.get(node) ?? []), cut]);
    const cut: Graph = { ...graph, nodes, initializers: this.#initializers, valueInfo: new Map() };
    return { ...this.model, graph: removeDeadCode(cut) };
  }

  #axes(name: string): Axes {
    return this.dependencies.axes.get(name) ?? [];
  }

  #stays(unit: number): boolean {
    return !this.removed.has(this.dependencies.units.find(unit));
  }

  /** How many indices of an axis are left; undefined where none is lost. */
  #left(axis: Axis): number | undefined {
    if (axis === undefined) return undefined;
    const left = axis.filter((unit) => this.#stays(unit)).length;
    return left === axis.length ? undefined : left;
  }

  #sliced(value: Tensor, axes: Axes): Tensor {
    return axes.reduce<Tensor>((current, axis, position) => {
      if (this.#left(axis) === undefined || axis === undefined) return current;
      const kept = Array.from(axis.keys()).filter((index) => this.#stays(axis[index]));
      return takeIndices(current, position, kept);
    }, value);
  }

  #node(node: Node): Node {
    switch (node.domain === '' ? node.opType : '') {
      case 'Conv':
        return this.#conv(node);
      case 'RNN':
      case 'GRU':
      case 'LSTM':
        return this.#recurrent(node);
      case 'Reshape':
        return this.#reshape(node);
      case 'Expand':
        return this.#spread(node, 1);
      case 'ConstantOfShape':
        return this.#spread(node, 0);
      case 'Split':
        return this.#split(node);
      case 'Slice':
        return this.#slice(node);
      default:
        return node;
    }
  }

  /** A depthwise convolution has as many groups as channels. */
  #conv(node: Node): Node {
    const group = intAttribute(node.attributes, 'group', 1);
    const channels = this.#axes(node.inputs[0])[1];
    const left = this.#left(channels);
    if (group === 1 || left === undefined || group !== channels?.length) return node;
    return { ...node, attributes: { ...node.attributes, group: int(left) } };
  }

  #recurrent(node: Node): Node {
    const left = this.#left(this.#axes(node.inputs[2])[2]);
    return left === undefined ? node : { ...node, attributes: { ...node.attributes, hidden_size: int(left) } };
  }

  #reshape(node: Node): Node {
    const [input, output] = [node.inputs[0], node.outputs[0]].map((name) => this.#axes(name));
    const lost = output.map((axis) => this.#left(axis));
    if (lost.every((size) => size === undefined)) return node;
    const [from, to] = [node.inputs[0], node.outputs[0]].map((name) => this.dependencies.sizes.shapes.get(name)!);
    const told = toNumbers(this.dependencies.sizes.integers.get(node.inputs[1])!);
    const constant = this.#initializers.has(node.inputs[1]);
    const sizes = new Array<number | undefined>(to.length);
    const differing: number[] = [];
    for (const { inputs, outputs } of alignedAxes(from, to)) {
      if (outputs.every((i) => lost[i] === undefined)) continue;
      const steady = inputs.every((i) => from[i] === 1 || this.dependencies.units.steady(input[i]));
      for (const i of outputs.filter((each) => told[each] > 0)) {
        if (lost[i] !== undefined) sizes[i] = lost[i];
        // Computed of a size that may be another one now.
        else if (steady && to[i] > 1) sizes[i] = to[i];
        if (lost[i] !== undefined && !steady) differing.push(i);
      }
    }
    if (!constant) this.#leaveOpen(node, { sizes, told, differing });
    return { ...node, inputs: [node.inputs[0], this.#changed(node, 1, sizes)] };
  }

  /** One size of a computed shape may be what is left over: that of an axis which differs from batch to batch, if there is one. */
  #leaveOpen(
    { name }: Node,
    {
      sizes,
      told,
      differing,
    }: { sizes: (number | undefined)[]; told: readonly number[]; differing: readonly number[] },
  ): void {
    const open = told.includes(-1);
    if (differing.length > (open ? 0 : 1)) {
      throw new BallastError(`pruning cannot tell the shape that "${name}" (Reshape) gives`, {
        code: 'PRUNE_SHAPES',
        remedy: 'Export the model with a fixed batch size, or quantize instead',
      });
    }
    const first = differing[0] ?? sizes.findIndex((size, i) => size !== undefined && size !== told[i]);
    if (!open && first >= 0) sizes[first] = -1;
  }

  /** A value that is spread to a shape. */
  #spread(node: Node, at: number): Node {
    const sizes = this.#axes(node.outputs[0]).map((axis) => this.#left(axis));
    const inputs = node.inputs.map((name, i) => (i === at ? this.#changed(node, at, sizes) : name));
    return { ...node, inputs };
  }

  /** An input of integers with some of them changed; computed ones go through a Where. */
  #changed(node: Node, at: number, numbers: readonly (number | undefined)[]): string {
    const name = node.inputs[at];
    if (numbers.every((number) => number === undefined)) return name;
    const seen = this.dependencies.sizes.integers.get(name)!;
    const value = toNumbers(seen).map((number, i) => numbers[i] ?? number);
    const data = seen.type === 'int32' ? Int32Array.from(value) : BigInt64Array.from(value, BigInt);
    const wanted = this.#constant(`${name}.cut`, { ...seen, data });
    if (this.#initializers.has(name)) return wanted;
    const which = Uint8Array.from(value, (_, i) => Number(numbers[i] !== undefined));
    const mask = this.#constant(`${name}.which`, { type: 'bool', shape: seen.shape, data: which });
    const output = this.#fresh(`${name}.cut`);
    const correction: Node = {
      name: output,
      opType: 'Where',
      domain: '',
      inputs: [mask, wanted, name],
      outputs: [output],
      attributes: {},
    };
    this.#corrections.set(node, [...(this.#corrections.get(node) ?? []), correction]);
    return output;
  }

  #split(node: Node): Node {
    const along = normalizeAxis(intAttribute(node.attributes, 'axis', 0), this.#axes(node.inputs[0]).length);
    const axis = this.#axes(node.inputs[0])[along];
    if (axis === undefined || this.#left(axis) === undefined) return node;
    const told = this.dependencies.sizes.integers.get(node.inputs[1] ?? '');
    const count = node.outputs.length;
    const even = Math.ceil(axis.length / count);
    const sizes =
      told === undefined
        ? Array.from({ length: count }, (_, i) => Math.min(even, axis.length - i * even))
        : toNumbers(told);
    let from = 0;
    const left = sizes.map((size) => {
      const part = axis.subarray(from, from + size);
      from += size;
      return part.filter((unit) => this.#stays(unit)).length;
    });
    const { num_outputs: _, ...attributes } = node.attributes;
    return {
      ...node,
      attributes,
      inputs: [node.inputs[0], this.#constant(`${node.name}.sizes`, int64([count], left))],
    };
  }

  #slice(node: Node): Node {
    const axes = this.#axes(node.inputs[0]);
    const [starts, ends, told] = [1, 2, 3].map((i) => {
      const value = this.dependencies.sizes.integers.get(node.inputs[i] ?? '');
      return value === undefined ? undefined : toNumbers(value);
    });
    if (starts === undefined || ends === undefined) return node;
    const positions = starts.map((_, i) => axes[normalizeAxis(told?.[i] ?? i, axes.length)]);
    const moved = (bounds: readonly number[]): (number | undefined)[] =>
      bounds.map((value, i) => {
        const axis = positions[i];
        if (axis === undefined || this.#left(axis) === undefined) return undefined;
        const position = Math.min(axis.length, Math.max(0, value < 0 ? value + axis.length : value));
        return axis.subarray(0, position).filter((unit) => this.#stays(unit)).length;
      });
    const inputs = [
      node.inputs[0],
      this.#changed(node, 1, moved(starts)),
      this.#changed(node, 2, moved(ends)),
      ...node.inputs.slice(3),
    ];
    return { ...node, inputs };
  }

  #constant(wanted: string, value: Tensor): string {
    const name = this.#fresh(wanted);
    this.#initializers.set(name, value);
    return name;
  }
}

/** Some indices of an axis of a tensor, in order. */
function takeIndices({ type, shape, data }: Tensor, axis: number, kept: readonly number[]): Tensor {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const source = data as NumericArray;
  const target = new ARRAY_OF[type as Exclude<DataType, 'string'>](outer * kept.length * inner);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of kept) {
      const from = (o * shape[axis] + index) * inner;
      (target as Float32Array).set((source as Float32Array).subarray(from, from + inner), to);
      to += inner;
    }
  }
  return { type, shape: shape.map((extent, i) => (i === axis ? kept.length : extent)), data: target };
}
