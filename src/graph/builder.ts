import { float, int, ints, string } from './model.js';
import { GraphRecorder } from './recorder.js';
import type { Operand, Value } from './tape.js';
import { type DataType, ONNX_TYPE_NUMBER, tensor } from './tensor.js';

export { filled, IR_VERSION, OPSET } from './recorder.js';
export type { Application, Composite, Operand, TapeEntry, Value, ValueType } from './tape.js';

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
export class GraphBuilder extends GraphRecorder {
  /** What was expanded, by the name of the expanded value. */
  readonly #narrow = new Map<string, Value>();

  // Operators by their own names, in camel case. A number operand takes the other operand's type.

  #pair(a: Operand, b: Operand): [Value, Value] {
    if (typeof a !== 'number') return typeof b === 'number' ? [a, this.scalar(b, a.type)] : this.#unexpanded(a, b);
    if (typeof b !== 'number') return [this.scalar(a, b.type), b];
    return [this.scalar(a), this.scalar(b)];
  }

  /** Operators of two operands spread a smaller one themselves, in runs: a pass over memory less. */
  #unexpanded(a: Value, b: Value): [Value, Value] {
    if (`${a.shape}` !== `${b.shape}`) return [a, b];
    const narrow = this.#narrow.get(a.name);
    if (narrow !== undefined) return [narrow, b];
    return [a, this.#narrow.get(b.name) ?? b];
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
    const wide = this.op('Expand', [a, this.indices(shape)]);
    if (runLength(a.shape, shape) >= LEAST_RUN) this.#narrow.set(wide.name, a);
    return wide;
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
}

/** Elements in a row from which operators spread an operand as quickly as they read a whole one. */
const LEAST_RUN = 16;

/** How many elements of `wide`, in a row, meet one element of `narrow`, or each its own. */
function runLength(narrow: readonly number[], wide: readonly number[]): number {
  const aligned = [...new Array<number>(wide.length - narrow.length).fill(1), ...narrow];
  let axis = wide.length - 1;
  const spread = aligned[axis] !== wide[axis];
  let run = 1;
  while (axis >= 0 && (aligned[axis] !== wide[axis]) === spread) run *= wide[axis--];
  return run;
}

export interface GemmOptions {
  transA?: boolean;
  transB?: boolean;
  alpha?: number;
  beta?: number;
}
