import type { Node } from './model.js';
import type { DataType } from './tensor.js';

/** What a builder makes and records: typed values, and the tape that differentiation walks backwards. */

/** The type of a value: element type and a fully static shape. */
export interface ValueType {
  readonly type: DataType;
  readonly shape: readonly number[];
}

/** A handle on one value of the graph under construction. */
export interface Value extends ValueType {
  readonly name: string;
}

/** A value, or a number that becomes a constant of the other operand's type. */
export type Operand = Value | number;

/** An operator application as differentiation sees it. */
export interface Application {
  readonly kind: 'node';
  readonly node: Node;
  /** undefined where an optional input is omitted. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
}

/** Several nodes with a gradient of their own (a fused or approximated backward pass). */
export interface Composite {
  readonly kind: 'composite';
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** What it is made of: the way back for a second derivative that reaches a value inside. */
  readonly inner: readonly TapeEntry[];
  /** Gradients of the outputs (undefined = zero) -> gradients of the inputs (undefined = none). */
  readonly gradient: (outputGradients: readonly (Value | undefined)[]) => readonly (Value | undefined)[];
}

export type TapeEntry = Application | Composite;
