import { GraphBuilder, type Value } from '../../src/graph/builder.js';
import { writeModel } from '../../src/graph/format/encode.js';
import { inline } from '../../src/graph/inline.js';
import type { Node } from '../../src/graph/model.js';
import { intAttribute } from '../../src/graph/operators/operator.js';
import type { BoundTensor, Runtime } from '../../src/graph/runtime/runtime.js';
import { sizeOf } from '../../src/graph/tensor.js';
import { type Contender, measure } from '../support/interleave.js';
import type { EngineCase } from './cases.js';
import { networkOf } from './ours.js';

/** A product of [count, m, k] and [count, k, n]. */
export interface Product {
  readonly count: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Whether the left operand is data, whose gradient nobody needs. */
  readonly first: boolean;
}

/** The matrix products of a network's forward pass; a convolution counts as the product of its columns. */
export function productsOf(subject: EngineCase): Product[] {
  const { input, batchSize } = subject;
  const b = new GraphBuilder('shapes');
  const x = b.input(input.name, input.type, [batchSize, ...input.shape]);
  const products: Product[] = [];
  inline(b, networkOf(subject), {
    inputs: { [input.name]: x },
    replace(node, inputs) {
      products.push(...productOf(node, inputs as Value[], x));
      return undefined;
    },
  });
  return products;
}

function productOf(node: Node, [left, right]: readonly Value[], data: Value): Product[] {
  const first = left === data;
  if (node.opType === 'Gemm' || node.opType === 'MatMul') {
    const [k, n] = right.shape.slice(-2);
    const count = sizeOf(right.shape.slice(0, -2));
    return [{ count, m: sizeOf(left.shape) / k / count, k, n, first }];
  }
  if (node.opType === 'Conv' && intAttribute(node.attributes, 'group', 1) === 1) {
    const [n] = right.shape;
    const strides = node.attributes.strides?.kind === 'ints' ? node.attributes.strides.value : [1, 1];
    const places = left.shape.slice(2).reduce((all, extent, axis) => all * Math.ceil(extent / strides[axis]), 1);
    return [{ count: 1, m: left.shape[0] * places, k: sizeOf(right.shape) / n, n, first }];
  }
  return [];
}

/** Floating-point operations of a step's products: forward, by the weights and, but for data, by the input. */
export function operationsOf(products: readonly Product[]): number {
  return products.reduce((sum, { count, m, k, n, first }) => sum + 2 * count * m * k * n * (first ? 2 : 3), 0);
}

export interface BareProducts extends Contender {
  release(): void;
}

/** The same products and nothing else, in the same runtime: what a step cannot get under without doing less. */
export async function bareProducts(
  runtime: Runtime,
  products: readonly Product[],
  threads: number,
): Promise<BareProducts> {
  const b = new GraphBuilder('products');
  let serial = 0;
  const operand = (count: number, rows: number, columns: number): Value =>
    b.input(`operand${++serial}`, 'float32', count === 1 ? [rows, columns] : [count, rows, columns]);
  const multiply = (left: Value, right: Value, flags: { transA?: boolean; transB?: boolean } = {}): void => {
    const product = left.shape.length === 2 ? b.gemm(left, right, undefined, flags) : b.batchMatMul(left, right, flags);
    b.output(`product${++serial}`, product);
  };
  for (const { count, m, k, n, first } of products) {
    const [left, right, gradient] = [operand(count, m, k), operand(count, k, n), operand(count, m, n)];
    multiply(left, right);
    multiply(left, gradient, { transA: true });
    if (!first) multiply(gradient, right, { transB: true });
  }
  const session = await runtime.load(writeModel(b.model()), { threads });
  const bound: BoundTensor[] = [];
  const allocate = (ports: typeof session.inputs): Record<string, BoundTensor> =>
    Object.fromEntries(
      ports.map(({ name, shape }) => {
        const tensor = runtime.allocate('float32', shape as number[]);
        (tensor.data as Float32Array).fill(0.5);
        bound.push(tensor);
        return [name, tensor];
      }),
    );
  const binding = session.bind(allocate(session.inputs), allocate(session.outputs));
  return {
    run: (steps) =>
      measure(() => {
        for (let i = 0; i < steps; i++) binding.runSync();
      }),
    release: () => {
      binding.release();
      session.release();
      for (const tensor of bound) tensor.release();
    },
  };
}
