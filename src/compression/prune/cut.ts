import { removeDeadCode } from '../../graph/format/dead-code.js';
import { type Graph, int, type Model, type Node } from '../../graph/model.js';
import { intAttribute, normalizeAxis, toNumbers } from '../../graph/operators/operator.js';
import { ARRAY_OF, type DataType, int64, type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import { namesFor } from '../graph/uses.js';
import type { Dependencies } from './dependencies.js';
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
  /** Variants of nodes that make shapes, behind the nodes that they are variants of. */
  readonly #variants = new Map<Node, Node[]>();

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
    const nodes = changed.flatMap(([node, cut]) => [cut, ...(this.#variants.get(node) ?? [])]);
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
      case 'Reshape':
        return this.#reshape(node);
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

  #reshape(node: Node): Node {
    const sizes = this.#axes(node.outputs[0]).map((axis) => this.#left(axis));
    if (sizes.every((size) => size === undefined)) return node;
    return { ...node, inputs: [node.inputs[0], this.#shapeWith(node.inputs[1], sizes)] };
  }

  /** A shape with some of its numbers changed, where they are written in it; those that are computed follow by themselves. */
  #shapeWith(name: string, sizes: readonly (number | undefined)[]): string {
    const value = this.#initializers.get(name);
    if (value !== undefined) {
      const numbers = toNumbers(value).map((size, i) => (size > 0 ? (sizes[i] ?? size) : size));
      return this.#constant(`${name}.cut`, int64([numbers.length], numbers));
    }
    const maker = this.model.graph.nodes.find(({ outputs }) => outputs.includes(name));
    if (maker?.opType !== 'Concat') return name;
    let from = 0;
    const inputs = maker.inputs.map((part) => {
      const length = this.model.graph.initializers.get(part)?.data.length ?? 1;
      const own = sizes.slice(from, from + length);
      from += length;
      const [size] = own;
      if (own.every((wanted) => wanted === undefined)) return part;
      if (this.#initializers.has(part)) return this.#shapeWith(part, own);
      // Computed from another value, which may not lose anything itself: what is left is known, whatever the rows.
      return size === undefined ? part : this.#constant(`${part}.cut`, int64([1], [size]));
    });
    const shape = this.#fresh(`${name}.cut`);
    const variant = { ...maker, name: this.#fresh(`${maker.name}.cut`), inputs, outputs: [shape] };
    // The shape itself goes with the dead code where nothing else uses it.
    this.#variants.set(maker, [...(this.#variants.get(maker) ?? []), variant]);
    return shape;
  }

  #split(node: Node): Node {
    const along = normalizeAxis(intAttribute(node.attributes, 'axis', 0), this.#axes(node.inputs[0]).length);
    const axis = this.#axes(node.inputs[0])[along];
    if (axis === undefined || this.#left(axis) === undefined) return node;
    const told = this.#initializers.get(node.inputs[1] ?? '');
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
    const [starts, ends] = [1, 2].map((i) => toNumbers(this.#initializers.get(node.inputs[i]) ?? int64([0], [])));
    const told = this.#initializers.get(node.inputs[3] ?? '');
    const along = told === undefined ? starts.map((_, i) => i) : toNumbers(told);
    const positions = along.map((axis) => axes[normalizeAxis(axis, axes.length)]);
    if (positions.every((axis) => this.#left(axis) === undefined)) return node;
    const moved = (bounds: readonly number[]): number[] =>
      bounds.map((value, i) => {
        const axis = positions[i];
        if (axis === undefined || this.#left(axis) === undefined) return value;
        const position = Math.min(axis.length, Math.max(0, value < 0 ? value + axis.length : value));
        return axis.subarray(0, position).filter((unit) => this.#stays(unit)).length;
      });
    const inputs = [
      node.inputs[0],
      this.#constant(`${node.name}.starts`, int64([starts.length], moved(starts))),
      this.#constant(`${node.name}.ends`, int64([ends.length], moved(ends))),
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
