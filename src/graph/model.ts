import type { DataType, Tensor } from './tensor.js';

/**
 * An ONNX model as an immutable value. Nothing here is mutated after construction; a transformation returns a new
 * value that shares what it did not touch.
 */

/** A dimension: a number, a symbolic name (`batch`), or null when nothing is known. */
export type Dimension = number | string | null;

/** A shape; undefined (in {@link ValueInfo}) means that not even the rank is known. */
export type Shape = readonly Dimension[];

/** The type of a value that is not a dense tensor, or of which nothing is known. */
export type ContainerType =
  | { readonly kind: 'sequence'; readonly element: ElementType }
  | { readonly kind: 'optional'; readonly element: ElementType }
  | { readonly kind: 'map'; readonly key: DataType; readonly value: ElementType }
  | { readonly kind: 'unknown' };

/** What a container holds: tensors, or containers again. */
export type ElementType =
  | { readonly kind: 'tensor'; readonly type: DataType; readonly shape: Shape | undefined }
  | ContainerType;

export interface ValueInfo {
  readonly name: string;
  readonly type: DataType;
  readonly shape: Shape | undefined;
  /**
   * Present where the value is not known to be a dense tensor; `type` is then that of the innermost tensor (float32
   * where unknown) and `shape` is undefined.
   */
  readonly container?: ContainerType;
}

/** Attribute values, tagged as ONNX tags them (an integer and a float of the same value are different). */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] };

export interface Node {
  readonly name: string;
  readonly opType: string;
  /** '' is the default ONNX domain. */
  readonly domain: string;
  /** '' marks an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Constants and parameters by name. A name that is also an input is a default that a caller may override. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** In topological order. */
  readonly nodes: readonly Node[];
  /** What is known about intermediate values. */
  readonly valueInfo: ReadonlyMap<string, ValueInfo>;
}

export interface Model {
  readonly irVersion: number;
  /** Domain -> opset version; '' is the default domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: { readonly name: string; readonly version: string };
  readonly graph: Graph;
  /** ModelProto.metadata_props: where the regularizer identity travels. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** Attribute constructors: `{ axis: int(1), perm: ints([0, 2, 1]) }`. */
export const int = (value: number): Attribute => ({ kind: 'int', value });
export const float = (value: number): Attribute => ({ kind: 'float', value });
export const string = (value: string): Attribute => ({ kind: 'string', value });
export const ints = (value: readonly number[]): Attribute => ({ kind: 'ints', value });
export const floats = (value: readonly number[]): Attribute => ({ kind: 'floats', value });
export const strings = (value: readonly string[]): Attribute => ({ kind: 'strings', value });
export const tensorAttribute = (value: Tensor): Attribute => ({ kind: 'tensor', value });
export const graphAttribute = (value: Graph): Attribute => ({ kind: 'graph', value });
