import type { Node } from '../../graph/model.js';
import { intAttribute, toNumbers } from '../../graph/operators/operator.js';
import type { Sizes } from './shapes.js';
import type { Axes, Units } from './units.js';

/**
 * Follows the lengths of axes (Shape) through the integers that are computed from them, element by element where that is
 * known. Sizes and bounds may follow what is removed; where a length becomes a factor of the values themselves (the width in a
 * scale of 1 / sqrt(width), the count of a mean), its axis has to stay as long as it is.
 */
export class Lengths {
  /** Of which axes each element of a value tells the length. */
  readonly #of = new Map<string, readonly Axes[]>();

  constructor(
    readonly units: Units,
    readonly sizes: Sizes,
  ) {}

  follow(node: Node, axesOf: (name: string) => Axes): void {
    const [output] = node.outputs;
    if (node.opType === 'Shape') {
      const axes = axesOf(node.inputs[0]);
      const [start, end] = [
        intAttribute(node.attributes, 'start', 0),
        intAttribute(node.attributes, 'end', axes.length),
      ];
      this.#of.set(
        output,
        axes.slice(start, end).map((axis) => [axis]),
      );
      return;
    }
    const known = node.inputs.flatMap((name) => this.#of.get(name) ?? []);
    if (known.length === 0) return;
    const length = this.sizes.integers.get(output)?.data.length;
    if (length !== undefined) this.#of.set(output, this.#chosen(node) ?? Array(length).fill(known.flat()));
    else if (node.opType === 'Cast' || node.opType === 'Pow') for (const axis of known.flat()) this.units.fix(axis);
  }

  /** Elements that are picked by their positions, or put side by side; undefined for other operators. */
  #chosen({ opType, inputs }: Node): readonly Axes[] | undefined {
    const given = this.#of.get(inputs[0]);
    const numbers = inputs.map((name) => {
      const value = this.sizes.integers.get(name);
      return value === undefined ? [] : toNumbers(value);
    });
    switch (opType) {
      case 'Gather':
        return given === undefined ? undefined : numbers[1].map((index) => given.at(index) ?? []);
      case 'Slice':
        return inputs.length > 4 || given === undefined ? undefined : given.slice(numbers[1][0], numbers[2][0]);
      case 'Concat':
        return inputs.flatMap((name, i) => this.#of.get(name) ?? numbers[i].map(() => []));
      case 'Identity':
      case 'Squeeze':
      case 'Unsqueeze':
      case 'Cast':
        return given;
      default:
        return undefined;
    }
  }
}
