import type { Node } from '../../../graph/model.js';
import type { Tensor } from '../../../graph/tensor.js';
import type { Axes, Axis, Units } from '../units.js';

/** What a rule knows of the node that it says something of. */
export interface RuleContext {
  readonly node: Node;
  readonly units: Units;
  /** Axes of an input; of none ('' or absent) no axes. */
  axes(index: number): Axes;
  /** Shape of an input as it was seen on some rows. */
  shape(index: number): readonly number[];
  outputShape(index: number): readonly number[];
  /** The input as a constant, where it is one. */
  constant(index: number): Tensor | undefined;
  /** The integers of an input, constant or as they were seen; undefined where they are not integers, or many. */
  readonly integers: (index: number) => readonly number[] | undefined;
  /** Of the axes that a reshape splits one into, which may lose some: 0 is the first. */
  readonly losing: number;
  /** Says that `losing` was gone by. */
  chooses(): void;
  /** Says that an axis of an input holds the channels that the node makes: what a unit's weights are. */
  makes(index: number, axis: number): void;
}

/** The axes of a node's outputs, after joining what belongs together; undefined = not this case, so all stays. */
export type Rule = (context: RuleContext) => readonly Axes[] | undefined;

/** No axis of a tensor of that rank may lose anything. */
export const staying = (rank: number): Axis[] => new Array<Axis>(rank).fill(undefined);
