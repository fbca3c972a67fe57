import { BallastError } from '../errors.js';
import { assembleGraph } from './assemble.js';
import {
  type Attribute,
  float,
  type Graph,
  graphAttribute,
  int,
  ints,
  type Model,
  type Node,
  string,
} from './model.js';
import { isFloat } from './operators/operator.js';
import { operatorOf, whyWithoutRule } from './operators/registry.js';
import type { Composite, Operand, TapeEntry, Value, ValueType } from './tape.js';
import {
  ARRAY_OF,
  type DataType,
  int64,
  type NumericArray,
  ONNX_TYPE_NUMBER,
  sizeOf,
  type Tensor,
  tensor,
} from './tensor.js';

export type { Application, Composite, Operand, TapeEntry, Value, ValueType } from './tape.js';

/** Opset and IR of the graphs that Ballast builds (random operators lose their CPU kernels from opset 22). */
export const OPSET = 21;
export const IR_VERSION = 10;

export interface NodeOptions {
  readonly domain?: string;
  readonly name?: string;
  /** Number of outputs; 1 by default. */
  readonly outputs?: number;
}

/**
 * Builds a graph with static shapes, one operator at a time, checking types as it goes, and records the tape that
 * {@link gradients} walks backwards.
 *
 *     const b = new GraphBuilder('step');
 *     const x = b.input('x', 'float32', [32, 4]);
 *     const y = b.relu(b.gemm(x, b.initializer('w', w), b.initializer('c', c)));
 *     b.output('y', y);
 *     const model = b.model();
 */
export class GraphBuilder {
  readonly tape: TapeEntry[] = [];
  readonly #inputs: Value[] = [];
  readonly #outputs: { name: string; value: Value }[] = [];
  readonly #initializers = new Map<string, Tensor>();
  readonly #nodes: Node[] = [];
  readonly #values = new Map<string, Value>();
  readonly #scalars = new Map<string, Value>();
  readonly #domains = new Set<string>(['']);
  readonly #nodeNames = new Set<string>();
  /** Constants without a name of their own: nobody can want a gradient by them or put other weights in their place. */
  readonly #anonymous = new Set<string>();
  /** Values that are nodes, yet known: computed from named float initializers. */
  readonly #known = new Map<string, Tensor>();
  #counter = 0;
  /** Where applications are recorded; undefined while detached. */
  #recording: TapeEntry[] | undefined = this.tape;

  constructor(readonly name = 'graph') {}

  /** How many nodes so far: sessions get slow to create beyond some 1,500. */
  get size(): number {
    return this.#nodes.length;
  }

  input(name: string, type: DataType, shape: readonly number[]): Value {
    const value = this.#define({ name, type, shape });
    this.#inputs.push(value);
    return value;
  }

  /** A named constant or parameter stored in the model. */
  initializer(name: string, data: Tensor): Value {
    const value = this.#define({ name, type: data.type, shape: data.shape });
    this.#initializers.set(name, data);
    return value;
  }

  /** An anonymous constant. */
  constant(data: Tensor): Value {
    const value = this.initializer(this.fresh('const'), data);
    this.#anonymous.add(value.name);
    return value;
  }

  /** A scalar (or one-element) constant, made once a graph. */
  scalar(value: number, type: DataType = 'float32', shape: readonly number[] = []): Value {
    const key = `${type}:${Object.is(value, -0) ? '-0' : value}:${shape}`;
    let known = this.#scalars.get(key);
    if (known === undefined) {
      known = this.constant(filled(type, shape, value));
      this.#scalars.set(key, known);
    }
    return known;
  }

  /** An int64 vector constant, made once a graph: axes, shapes, starts. */
  indices(values: readonly number[]): Value {
    const key = `indices:${values}`;
    let known = this.#scalars.get(key);
    if (known === undefined) {
      known = this.constant(int64([values.length], values));
      this.#scalars.set(key, known);
    }
    return known;
  }

  /** The tensor behind a value, where it is a constant of this graph or was computed from constants. */
  constantOf(value: Value): Tensor | undefined {
    return this.#initializers.get(value.name) ?? this.#known.get(value.name);
  }

  /** A named weight, or what follows from one: it may be replaced later, so that its nodes must stay. */
  #isParameter(value: Value): boolean {
    return isFloat(value.type) && !this.#anonymous.has(value.name) && this.constantOf(value) !== undefined;
  }

  /** The value of that name. */
  value(name: string): Value {
    const value = this.#values.get(name);
    if (value === undefined) throw new BallastError(`no value is named "${name}"`, { code: 'GRAPH_UNKNOWN_VALUE' });
    return value;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Declares an output of the graph; its name must be new, or the value's own. */
  output(name: string, value: Value): void {
    this.#outputs.push({ name, value });
  }

  /** A name that nothing bears yet. */
  fresh(stem: string): string {
    let name: string;
    do name = `${stem}_${++this.#counter}`;
    while (this.#values.has(name));
    return name;
  }

  /** Applies an operator with one output. */
  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value {
    return this.apply(opType, inputs, attributes, options)[0];
  }

  /** Applies an operator; shapes and types of its outputs come from the operator's rule. */
  apply(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Readonly<Record<string, Attribute>> = {},
    options: NodeOptions = {},
  ): Value[] {
    const domain = options.domain ?? '';
    const name = this.#nodeName(options.name, opType);
    const operator = operatorOf(opType, domain);
    if (operator === undefined) {
      throw new BallastError(whyWithoutRule(opType, domain), {
        code: 'GRAPH_UNKNOWN_OPERATOR',
        place: `node ${name}`,
        remedy: 'See docs/operators.md for what is supported',
      });
    }
    const count = options.outputs ?? 1;
    const types = operator.infer({
      name,
      opType,
      inputs,
      attributes,
      outputs: count,
      constant: (value) => (value === undefined ? undefined : this.constantOf(value)),
    });
    const folding = (visible: (value: Value) => boolean): readonly Tensor[] | undefined => {
      const results = operator.fold?.({
        inputs: inputs.map((value) => (value !== undefined && visible(value) ? this.constantOf(value) : undefined)),
        shapes: inputs.map((value) => value?.shape),
        attributes,
        outputs: types,
      });
      return results === undefined || 'length' in results ? results : [results];
    };
    const folded = folding((value) => !this.#isParameter(value));
    if (folded !== undefined) return folded.map((data) => this.constant(data));
    const known = folding(() => true);
    const outputs = types.slice(0, count).map((type) => this.#define({ name: this.fresh(opType), ...type }));
    known?.forEach((data, i) => {
      this.#known.set(outputs[i].name, data);
    });
    const node: Node = {
      name,
      opType,
      domain,
      inputs: inputs.map((value) => value?.name ?? ''),
      outputs: outputs.map((value) => value.name),
      attributes,
    };
    this.#domains.add(domain);
    this.#nodes.push(node);
    this.#recording?.push({ kind: 'node', node, inputs, outputs });
    return outputs;
  }

  /** The wanted name, or one like it that no node bears. */
  #nodeName(wanted: string | undefined, opType: string): string {
    let name = wanted ?? this.fresh(opType);
    while (this.#nodeNames.has(name)) name = this.fresh(wanted ?? opType);
    this.#nodeNames.add(name);
    return name;
  }

  /**
   * Nodes that differentiate as one: `build` adds them, `gradient` is used instead of their own rules. The gradient
   * may use any value that exists by then, those made inside `build` included.
   */
  composite(
    name: string,
    inputs: readonly Value[],
    build: () => readonly Value[],
    gradient: Composite['gradient'],
  ): readonly Value[] {
    const inner: TapeEntry[] = [];
    const outputs = this.#recordingTo(this.#recording === undefined ? undefined : inner, () =>
      build().map((value) => (inputs.includes(value) ? this.op('Identity', [value]) : value)),
    );
    this.#recording?.push({ kind: 'composite', name, inputs, outputs, inner, gradient });
    return outputs;
  }

  /** Runs `build` without recording it for differentiation: its results are constants to {@link gradients}. */
  detached<T>(build: () => T): T {
    return this.#recordingTo(undefined, build);
  }

  #recordingTo<T>(tape: TapeEntry[] | undefined, build: () => T): T {
    const outer = this.#recording;
    this.#recording = tape;
    try {
      return build();
    } finally {
      this.#recording = outer;
    }
  }

  /** The finished graph. */
  graph(): Graph {
    return assembleGraph({
      name: this.name,
      inputs: this.#inputs,
      outputs: this.#outputs,
      initializers: this.#initializers,
      nodes: this.#nodes,
    });
  }

  /** The finished graph as a model of {@link OPSET}. */
  model(metadata: ReadonlyMap<string, string> = new Map()): Model {
    const opsets = new Map<string, number>();
    for (const domain of this.#domains) opsets.set(domain, domain === '' ? OPSET : 1);
    return { irVersion: IR_VERSION, opsets, producer: { name: 'ballast', version: '' }, graph: this.graph(), metadata };
  }

  #define(value: Value): Value {
    if (this.#values.has(value.name)) {
      throw new BallastError(`the name "${value.name}" is already taken`, { code: 'GRAPH_DUPLICATE_NAME' });
    }
    this.#values.set(value.name, value);
    return value;
  }

  // Operators by their own names, in camel case. A number operand takes the other operand's type.

  #pair(a: Operand, b: Operand): [Value, Value] {
    if (typeof a !== 'number') return [a, typeof b === 'number' ? this.scalar(b, a.type) : b];
    if (typeof b !== 'number') return [this.scalar(a, b.type), b];
    return [this.scalar(a), this.scalar(b)];
  }

  add = (a: Operand, b: Operand): Value => this.op('Add', this.#pair(a, b));
  sub = (a: Operand, b: Operand): Value => this.op('Sub', this.#pair(a, b));
  mul = (a: Operand, b: Operand): Value => this.op('Mul', this.#pair(a, b));
  div = (a: Operand, b: Operand): Value => this.op('Div', this.#pair(a, b));
  pow = (a: Operand, b: Operand): Value => this.op('Pow', this.#pair(a, b));
  equal = (a: Operand, b: Operand): Value => this.op('Equal', this.#pair(a, b));
  greater = (a: Operand, b: Operand): Value => this.op('Greater', this.#pair(a, b));
  greaterOrEqual = (a: Operand, b: Operand): Value => this.op('GreaterOrEqual', this.#pair(a, b));
  less = (a: Operand, b: Operand): Value => this.op('Less', this.#pair(a, b));
  maximum = (a: Operand, b: Operand): Value => this.op('Max', this.#pair(a, b));
  minimum = (a: Operand, b: Operand): Value => this.op('Min', this.#pair(a, b));
  and = (a: Value, b: Value): Value => this.op('And', [a, b]);
  or = (a: Value, b: Value): Value => this.op('Or', [a, b]);
  not = (a: Value): Value => this.op('Not', [a]);
  neg = (a: Value): Value => this.op('Neg', [a]);
  abs = (a: Value): Value => this.op('Abs', [a]);
  sign = (a: Value): Value => this.op('Sign', [a]);
  exp = (a: Value): Value => this.op('Exp', [a]);
  log = (a: Value): Value => this.op('Log', [a]);
  sqrt = (a: Value): Value => this.op('Sqrt', [a]);
  reciprocal = (a: Value): Value => this.op('Reciprocal', [a]);
  erf = (a: Value): Value => this.op('Erf', [a]);
  tanh = (a: Value): Value => this.op('Tanh', [a]);
  sigmoid = (a: Value): Value => this.op('Sigmoid', [a]);
  relu = (a: Value): Value => this.op('Relu', [a]);
  softplus = (a: Value): Value => this.op('Softplus', [a]);

  where(condition: Value, a: Operand, b: Operand): Value {
    return this.op('Where', [condition, ...this.#pair(a, b)]);
  }

  cast(a: Value, to: DataType): Value {
    return a.type === to ? a : this.op('Cast', [a], { to: int(ONNX_TYPE_NUMBER[to]) });
  }

  /** Limits to [low, high]; either may be left out. */
  clip(a: Value, low?: Operand, high?: Operand): Value {
    const bound = (limit: Operand | undefined): Value | undefined =>
      typeof limit === 'number' ? this.scalar(limit, a.type) : limit;
    return this.op('Clip', [a, bound(low), bound(high)]);
  }

  /** a @ b as in NumPy. */
  matMul = (a: Value, b: Value): Value => this.op('MatMul', [a, b]);

  /** alpha * op(a) @ op(b) + beta * c. */
  gemm(
    a: Value,
    b: Value,
    c?: Value,
    { transA = false, transB = false, alpha = 1, beta = 1 }: GemmOptions = {},
  ): Value {
    return this.op('Gemm', c === undefined ? [a, b] : [a, b, c], {
      ...(transA ? { transA: int(1) } : {}),
      ...(transB ? { transB: int(1) } : {}),
      ...(alpha === 1 ? {} : { alpha: float(alpha) }),
      ...(beta === 1 ? {} : { beta: float(beta) }),
    });
  }

  /**
   * alpha * a(^T) @ b(^T) over leading batch axes: one fused kernel for float32, a transpose and a product otherwise.
   */
  batchMatMul(
    a: Value,
    b: Value,
    { transA = false, transB = false, alpha = 1 }: Omit<GemmOptions, 'beta'> = {},
  ): Value {
    if (a.type === 'float32' && (transA || transB || alpha !== 1)) {
      return this.op(
        'FusedMatMul',
        [a, b],
        {
          ...(transA ? { transA: int(1) } : {}),
          ...(transB ? { transB: int(1) } : {}),
          ...(alpha === 1 ? {} : { alpha: float(alpha) }),
        },
        { domain: 'com.microsoft' },
      );
    }
    const product = this.matMul(transA ? this.swapLast(a) : a, transB ? this.swapLast(b) : b);
    return alpha === 1 ? product : this.mul(product, alpha);
  }

  /** Transposes the last two axes. */
  swapLast(a: Value): Value {
    const perm = a.shape.map((_, axis) => axis);
    const last = perm.length - 1;
    perm[last] = last - 1;
    perm[last - 1] = last;
    return this.transpose(a, perm);
  }

  /** Sum over axes (all by default). */
  reduceSum(a: Value, axes?: readonly number[], keepDims = false): Value {
    if (axes !== undefined && axes.length === 0) return a;
    return this.op('ReduceSum', axes === undefined ? [a] : [a, this.indices(axes)], {
      keepdims: int(keepDims ? 1 : 0),
    });
  }

  reduceMean(a: Value, axes?: readonly number[], keepDims = false): Value {
    if (axes !== undefined && axes.length === 0) return a;
    return this.op('ReduceMean', axes === undefined ? [a] : [a, this.indices(axes)], {
      keepdims: int(keepDims ? 1 : 0),
    });
  }

  reduceMax(a: Value, axes?: readonly number[], keepDims = false): Value {
    return this.op('ReduceMax', axes === undefined ? [a] : [a, this.indices(axes)], {
      keepdims: int(keepDims ? 1 : 0),
    });
  }

  reshape(a: Value, shape: readonly number[]): Value {
    if (a.shape.length === shape.length && a.shape.every((extent, axis) => extent === shape[axis])) return a;
    return this.op('Reshape', [a, this.indices(shape)]);
  }

  transpose = (a: Value, perm: readonly number[]): Value => this.op('Transpose', [a], { perm: ints(perm) });

  expand(a: Value, shape: readonly number[]): Value {
    if (a.shape.length === shape.length && a.shape.every((extent, axis) => extent === shape[axis])) return a;
    return this.op('Expand', [a, this.indices(shape)]);
  }

  concat(values: readonly Value[], axis: number): Value {
    return values.length === 1 ? values[0] : this.op('Concat', values, { axis: int(axis) });
  }

  split(a: Value, sizes: readonly number[], axis: number): Value[] {
    return this.apply('Split', [a, this.indices(sizes)], { axis: int(axis) }, { outputs: sizes.length });
  }

  slice(
    a: Value,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps?: readonly number[],
  ): Value {
    const inputs = [a, this.indices(starts), this.indices(ends), this.indices(axes)];
    return this.op('Slice', steps === undefined ? inputs : [...inputs, this.indices(steps)]);
  }

  gather = (a: Value, indices: Value, axis = 0): Value => this.op('Gather', [a, indices], { axis: int(axis) });

  unsqueeze = (a: Value, axes: readonly number[]): Value => this.op('Unsqueeze', [a, this.indices(axes)]);

  squeeze = (a: Value, axes: readonly number[]): Value => this.op('Squeeze', [a, this.indices(axes)]);

  /** Zero padding; `pads` as in ONNX: all begins, then all ends. */
  pad = (a: Value, pads: readonly number[]): Value => this.op('Pad', [a, this.indices(pads)]);

  softmax = (a: Value, axis = -1): Value => this.op('Softmax', [a], { axis: int(axis) });
  logSoftmax = (a: Value, axis = -1): Value => this.op('LogSoftmax', [a], { axis: int(axis) });

  /** One-hot rows of the given type: class indices [N] -> [N, depth]. */
  oneHot(labels: Value, depth: number, type: DataType = 'float32'): Value {
    const hot = this.op(
      'OneHot',
      [labels, this.scalar(depth, 'int64'), this.constant(tensor('float32', [2], Float32Array.of(0, 1)))],
      { axis: int(-1) },
    );
    return this.cast(hot, type);
  }

  /** Bits shifted left or right (unsigned types). */
  bitShift(a: Value, bits: Operand, direction: 'LEFT' | 'RIGHT'): Value {
    return this.op('BitShift', this.#pair(a, bits), { direction: string(direction) });
  }

  bitwiseXor = (a: Operand, b: Operand): Value => this.op('BitwiseXor', this.#pair(a, b));

  /** A loop over a subgraph, as ONNX's Loop; outputs' types are given because the body decides them. */
  loop(inputs: readonly (Value | undefined)[], body: Graph, outputs: readonly ValueType[]): Value[] {
    const values = outputs.map(({ type, shape }) => this.#define({ name: this.fresh('Loop'), type, shape }));
    const node: Node = {
      name: this.#nodeName(undefined, 'Loop'),
      opType: 'Loop',
      domain: '',
      inputs: inputs.map((value) => value?.name ?? ''),
      outputs: values.map((value) => value.name),
      attributes: { body: graphAttribute(body) },
    };
    this.#nodes.push(node);
    this.#recording?.push({ kind: 'node', node, inputs, outputs: values });
    return values;
  }
}

export interface GemmOptions {
  transA?: boolean;
  transB?: boolean;
  alpha?: number;
  beta?: number;
}

/** A tensor of that shape, every element `value`. */
export function filled(type: DataType, shape: readonly number[], value: number): Tensor {
  if (type === 'string' || type === 'float16' || type === 'bfloat16') {
    throw new BallastError(`no ${type} constant can be made from a number`, { code: 'GRAPH_CONSTANT_TYPE' });
  }
  const data: NumericArray = new ARRAY_OF[type](sizeOf(shape));
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data.fill(BigInt(value));
  else data.fill(value);
  return { type, shape, data };
}
