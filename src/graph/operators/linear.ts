import type { GraphBuilder, Value } from '../builder.js';
import { sizeOf } from '../tensor.js';
import { broadcastShapes, floatAttribute, intAttribute, mismatch, type Operator, required, sumTo } from './operator.js';

/** Matrix products. Every matrix gradient is a Gemm or a fused batched product with transposition flags. */

export const MatMul: Operator = {
  infer(context) {
    const [a, b] = [required(context, 0), required(context, 1)];
    if (a.type !== b.type) throw mismatch(context, `operands are ${a.type} and ${b.type}`);
    const left = a.shape.length === 1 ? [1, a.shape[0]] : a.shape;
    const right = b.shape.length === 1 ? [b.shape[0], 1] : b.shape;
    const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
    const inner = left[left.length - 1];
    if (batch === undefined || left.length < 2 || right.length < 2 || inner !== right[right.length - 2]) {
      throw mismatch(context, `[${a.shape}] @ [${b.shape}] do not fit`);
    }
    const shape = [...batch];
    if (a.shape.length > 1) shape.push(left[left.length - 2]);
    if (b.shape.length > 1) shape.push(right[right.length - 1]);
    return [{ type: a.type, shape }];
  },
  gradient({ b: builder, inputs, gradients, needs }) {
    const [a, b] = inputs as Value[];
    // Vectors are matrices with an axis of one; put it back, differentiate, take it away.
    const left = a.shape.length === 1 ? builder.reshape(a, [1, a.shape[0]]) : a;
    const right = b.shape.length === 1 ? builder.reshape(b, [b.shape[0], 1]) : b;
    const rows = left.shape[left.shape.length - 2];
    const columns = right.shape[right.shape.length - 1];
    const batch = broadcastShapes(left.shape.slice(0, -2), right.shape.slice(0, -2)) ?? [];
    const g = builder.reshape(gradients[0]!, [...batch, rows, columns]);
    const inner = left.shape[left.shape.length - 1];
    if (right.shape.length === 2) {
      // One weight matrix for all rows: flatten the batch, and both gradients are plain Gemms.
      const flatG = builder.reshape(g, [sizeWithout(g.shape), columns]);
      const flatA = builder.reshape(left, [sizeWithout(left.shape), inner]);
      return [
        needs[0] ? builder.reshape(builder.gemm(flatG, right, undefined, { transB: true }), a.shape) : undefined,
        needs[1] ? builder.reshape(transposedProduct(builder, flatA, flatG, 1), b.shape) : undefined,
      ];
    }
    return [
      needs[0]
        ? builder.reshape(sumTo(builder, builder.batchMatMul(g, right, { transB: true }), left.shape), a.shape)
        : undefined,
      needs[1]
        ? builder.reshape(sumTo(builder, builder.batchMatMul(left, g, { transA: true }), right.shape), b.shape)
        : undefined,
    ];
  },
};

/** How many rows there are. */
const sizeWithout = (shape: readonly number[]): number => sizeOf(shape.slice(0, -1));

/**
 * alpha a^T g, the gradient of weights. Over few rows the kernel's own transposition costs a fifth of the product: a
 * transposed copy is quicker. It takes the way over three axes, or the runtime would fuse it into the product again.
 */
function transposedProduct(b: GraphBuilder, a: Value, g: Value, alpha: number): Value {
  const [rows, columns] = a.shape;
  if (rows > 256 || columns < 256 || g.shape[1] < 64) return b.gemm(a, g, undefined, { transA: true, alpha });
  const flipped = b.transpose(b.reshape(a, [1, rows, columns]), [0, 2, 1]);
  return b.gemm(b.reshape(flipped, [columns, rows]), g, undefined, { alpha });
}

/** alpha A' B' + beta C. */
export const Gemm: Operator = {
  infer(context) {
    const [a, b] = [required(context, 0), required(context, 1)];
    const transA = intAttribute(context.attributes, 'transA', 0) !== 0;
    const transB = intAttribute(context.attributes, 'transB', 0) !== 0;
    if (a.shape.length !== 2 || b.shape.length !== 2) throw mismatch(context, 'operands must be matrices');
    const [m, k] = transA ? [a.shape[1], a.shape[0]] : a.shape;
    const [k2, n] = transB ? [b.shape[1], b.shape[0]] : b.shape;
    if (k !== k2) throw mismatch(context, `[${a.shape}] and [${b.shape}] do not fit`);
    const c = context.inputs[2];
    if (a.type !== b.type) throw mismatch(context, `operands are ${a.type} and ${b.type}`);
    if (c !== undefined && `${broadcastShapes(c.shape, [m, n])}` !== `${[m, n]}`) {
      throw mismatch(context, `C of shape [${c.shape}] does not broadcast to [${[m, n]}]`);
    }
    return [{ type: a.type, shape: [m, n] }];
  },
  gradient({ b: builder, node, inputs, gradients, needs }) {
    const [a, b, c] = inputs;
    const g = gradients[0]!;
    const transA = intAttribute(node.attributes, 'transA', 0) !== 0;
    const transB = intAttribute(node.attributes, 'transB', 0) !== 0;
    const alpha = floatAttribute(node.attributes, 'alpha', 1);
    const beta = floatAttribute(node.attributes, 'beta', 1);
    const dA = (): Value =>
      transA
        ? builder.gemm(b!, g, undefined, { transA: transB, transB: true, alpha })
        : builder.gemm(g, b!, undefined, { transB: !transB, alpha });
    const dB = (): Value =>
      transB
        ? builder.gemm(g, a!, undefined, { transA: true, transB: transA, alpha })
        : transA
          ? builder.gemm(a!, g, undefined, { alpha })
          : transposedProduct(builder, a!, g, alpha);
    const dC = (): Value => {
      const sum = sumTo(builder, g, c!.shape);
      return beta === 1 ? sum : builder.mul(sum, beta);
    };
    return [needs[0] ? dA() : undefined, needs[1] ? dB() : undefined, c !== undefined && needs[2] ? dC() : undefined];
  },
};

/** ONNX Runtime's batched product with transposition flags (float32). */
export const FusedMatMul: Operator = {
  infer(context) {
    const [a, b] = [required(context, 0), required(context, 1)];
    const flip = (shape: readonly number[], name: string): readonly number[] =>
      intAttribute(context.attributes, name, 0) === 0
        ? shape
        : [...shape.slice(0, -2), shape[shape.length - 1], shape[shape.length - 2]];
    const [left, right] = [flip(a.shape, 'transA'), flip(b.shape, 'transB')];
    const batch = broadcastShapes(left.slice(0, -2), right.slice(0, -2));
    if (batch === undefined || left[left.length - 1] !== right[right.length - 2]) {
      throw mismatch(context, `[${left}] @ [${right}] do not fit`);
    }
    return [{ type: a.type, shape: [...batch, left[left.length - 2], right[right.length - 1]] }];
  },
  gradient({ b: builder, node, inputs, gradients, needs }) {
    const [a, b] = inputs as Value[];
    const g = gradients[0]!;
    const transA = intAttribute(node.attributes, 'transA', 0) !== 0;
    const transB = intAttribute(node.attributes, 'transB', 0) !== 0;
    const alpha = floatAttribute(node.attributes, 'alpha', 1);
    const dA = (): Value =>
      transA
        ? builder.batchMatMul(b, g, { transA: transB, transB: true, alpha })
        : builder.batchMatMul(g, b, { transB: !transB, alpha });
    const dB = (): Value =>
      transB
        ? builder.batchMatMul(g, a, { transA: true, transB: transA, alpha })
        : builder.batchMatMul(a, g, { transA: !transA, alpha });
    return [needs[0] ? sumTo(builder, dA(), a.shape) : undefined, needs[1] ? sumTo(builder, dB(), b.shape) : undefined];
  },
};
