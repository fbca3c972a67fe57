import { BallastError } from '../../errors.js';
import type { GraphBuilder, Value, ValueType } from '../builder.js';
import type { Attribute, Node } from '../model.js';
import { type DataType, sizeOf, type Tensor } from '../tensor.js';

/**
 * What Ballast knows of an ONNX operator. A rule file exports one constant per operator, named as the operator;
 * `registry.ts` collects them. `gradient` missing = the operator runs but is not differentiable by rule, which
 * differentiation reports with node and operator; `gradient: 'zero'` = the derivative is zero or undefined by nature
 * (comparisons, integer results), so it stops there silently, as every framework does.
 */
export interface Operator {
  /** Types and static shapes of all outputs. Throws where the inputs do not fit. */
  infer(context: InferContext): ValueType[];
  /** Gradients with respect to each input (undefined = none), given those of the outputs. */
  gradient?: ((context: GradientContext) => (Value | undefined)[]) | 'zero';
  /** Variants that have no gradient rule, for docs/operators.md: `reductions other than none and add`. */
  readonly limits?: string;
  /** How many outputs a node must name, wanted or not; 1 by default. */
  readonly leastOutputs?: number;
  /** The results as constants, where the inputs are small constants (shape arithmetic of imported graphs). */
  fold?(context: FoldContext): Tensor | readonly Tensor[] | undefined;
}

export interface InferContext {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** How many outputs are asked for. */
  readonly outputs: number;
  /** The tensor behind an input, where it is a constant. */
  constant(value: Value | undefined): Tensor | undefined;
}

export interface FoldContext {
  readonly inputs: readonly (Tensor | undefined)[];
  /** Static shapes of the inputs, constant or not. */
  readonly shapes: readonly (readonly number[] | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: readonly ValueType[];
}

export interface GradientContext {
  readonly b: GraphBuilder;
  readonly node: Node;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  /** Gradient of each output; undefined where nothing flows. */
  readonly gradients: readonly (Value | undefined)[];
  /** Which inputs' gradients anyone needs: do no work for the others. */
  readonly needs: readonly boolean[];
}

/** An application seen again by a gradient rule that needs what `infer` worked out. */
export function inferContext({ b, node, inputs, outputs }: GradientContext): InferContext {
  return {
    name: node.name,
    opType: node.opType,
    inputs,
    attributes: node.attributes,
    outputs: outputs.length,
    constant: (value) => (value === undefined ? undefined : b.constantOf(value)),
  };
}

/** One output like the first input: most activations. */
export function sameAsInput(context: InferContext): ValueType[] {
  const { type, shape } = required(context, 0);
  return [{ type, shape }];
}

/** The i-th input, which the operator requires. */
export function required(context: InferContext, index: number): Value {
  const value = context.inputs[index];
  if (value === undefined) {
    throw new BallastError(`${context.opType} needs input ${index}`, {
      code: 'GRAPH_MISSING_INPUT',
      place: `node ${context.name}`,
    });
  }
  return value;
}

/** What an error names. */
export interface NamedApplication {
  readonly name: string;
  readonly opType: string;
}

/** An error that names node and operator. */
export function mismatch(context: NamedApplication, message: string): BallastError {
  return new BallastError(`${context.opType}: ${message}`, {
    code: 'GRAPH_SHAPE_MISMATCH',
    place: `node ${context.name}`,
  });
}

/** An error for a variant of a differentiable operator that has no rule: names node, operator and variant. */
export function notDifferentiable({ node }: Pick<GradientContext, 'node'>, variant: string): BallastError {
  return new BallastError(`${node.opType} ${variant} has no gradient rule`, {
    code: 'GRAPH_NOT_DIFFERENTIABLE',
    place: `node ${node.name}`,
    remedy: 'Freeze the layers before it, or replace it; docs/operators.md lists what differentiates',
  });
}

type Attributes = Readonly<Record<string, Attribute>>;

export function intAttribute(attributes: Attributes, name: string, fallback: number): number {
  const attribute = attributes[name];
  return attribute?.kind === 'int' ? attribute.value : fallback;
}

/** As the runtime sees it: ONNX stores float attributes in single precision. */
export function floatAttribute(attributes: Attributes, name: string, fallback: number): number {
  const attribute = attributes[name];
  return Math.fround(attribute?.kind === 'float' || attribute?.kind === 'int' ? attribute.value : fallback);
}

export function stringAttribute(attributes: Attributes, name: string, fallback: string): string {
  const attribute = attributes[name];
  return attribute?.kind === 'string' ? attribute.value : fallback;
}

export function intsAttribute(attributes: Attributes, name: string): readonly number[] | undefined {
  const attribute = attributes[name];
  return attribute?.kind === 'ints' ? attribute.value : undefined;
}

/** An axis counted from the front. */
export function normalizeAxis(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** A constant input (indices, sizes, scales) as plain numbers, or undefined where it is absent; an error where it is not constant. */
export function constantIntegers(context: InferContext, index: number): readonly number[] | undefined {
  const value = context.inputs[index];
  if (value === undefined) return undefined;
  const data = context.constant(value);
  if (data === undefined) {
    throw new BallastError(`${context.opType}: input ${index} ("${value.name}") must be a constant to know the shape`, {
      code: 'GRAPH_DYNAMIC_SHAPE',
      place: `node ${context.name}`,
      remedy: 'Export the model with static shapes, or simplify it first',
    });
  }
  return toNumbers(data);
}

/** A numeric tensor's elements as plain numbers. */
export function toNumbers(data: Tensor): number[] {
  return Array.from(data.data as Iterable<number | bigint>, Number);
}

/** NumPy's broadcasting of static shapes; undefined where they do not fit. */
export function broadcastShapes(a: readonly number[], b: readonly number[]): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1;
    const y = b[b.length - i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    shape[rank - i] = x === 1 ? y : x;
  }
  return shape;
}

/** Sums a gradient down to the shape of an operand that was broadcast. */
export function sumTo(b: GraphBuilder, gradient: Value, shape: readonly number[]): Value {
  const lead = gradient.shape.length - shape.length;
  const axes: number[] = [];
  for (let axis = 0; axis < gradient.shape.length; axis++) {
    if (axis < lead || (shape[axis - lead] === 1 && gradient.shape[axis] !== 1)) axes.push(axis);
  }
  if (axes.length === 0) return b.reshape(gradient, shape);
  const rows = sizeOf(gradient.shape.slice(0, axes.length));
  const columns = sizeOf(gradient.shape.slice(axes.length));
  // Rows summed to a vector: a product with ones is several times faster than ReduceSum over the first axes.
  if (axes[axes.length - 1] === axes.length - 1 && columns > 1 && isFloat(gradient.type)) {
    const ones = b.scalar(1, gradient.type, [1, rows]);
    return b.reshape(b.matMul(ones, b.reshape(gradient, [rows, columns])), shape);
  }
  return b.reshape(b.reduceSum(gradient, axes, true), shape);
}

/** [N, C, ...] -> [C]: the sum over everything but channels, as two products with ones (faster than ReduceSum). */
export function sumChannels(b: GraphBuilder, x: Value): Value {
  const [batch, channels] = x.shape;
  const places = sizeOf(x.shape.slice(2));
  const perImage =
    places === 1
      ? b.reshape(x, [batch, channels])
      : b.reshape(b.matMul(b.reshape(x, [batch * channels, places]), b.scalar(1, x.type, [places, 1])), [
          batch,
          channels,
        ]);
  return b.reshape(b.matMul(b.scalar(1, x.type, [1, batch]), perImage), [channels]);
}

/**
 * The gradient of max(x, 0) from its output: a product with the mask. The runtime's Where with a scalar branch is twice as
 * slow, and so is Greater beside a cast.
 */
export function reluGradient(b: GraphBuilder, out: Value, g: Value): Value {
  return b.mul(g, b.cast(b.cast(out, 'bool'), g.type));
}

export function isFloat(type: DataType): boolean {
  return type === 'float32' || type === 'float64' || type === 'float16' || type === 'bfloat16';
}
