import { GraphBuilder } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import type { ValueInfo } from '../graph/model.js';
import type { BoundTensor, Runtime, Session } from '../graph/runtime/runtime.js';
import type { Columns, CoordinateModel } from './kernels/kernels.js';

const OPENED = new WeakMap<Runtime, Promise<GramProduct>>();

/** Gram matrices by ONNX Runtime, whose double-precision product is ten times faster than 128-bit vectors. */
export class GramProduct {
  readonly #runtime: Runtime;
  readonly #session: Session;

  private constructor(runtime: Runtime, session: Session) {
    this.#runtime = runtime;
    this.#session = session;
  }

  /** The one of a runtime: loading its session takes longer than a small path. */
  static async open(runtime: Runtime): Promise<GramProduct> {
    const opened = OPENED.get(runtime) ?? GramProduct.#load(runtime);
    OPENED.set(runtime, opened);
    return opened;
  }

  static async #load(runtime: Runtime): Promise<GramProduct> {
    return new GramProduct(runtime, await runtime.load(productModel(), { threads: 1 }));
  }

  /** gram = X' diag(curvature) X, for the members' columns. */
  async fill(model: CoordinateModel, columns: Columns, members: Int32Array, curvature: Float64Array): Promise<void> {
    const size = members.length;
    const { operand, factor } = this.#operand(columns, members, curvature);
    const result = this.#runtime.allocate('float64', [size, size]);
    const binding = this.#session.bind({ a: operand }, { product: result });
    try {
      await binding.run();
      const { gram, stride } = model;
      const product = result.data as Float64Array;
      for (let k = 0; k < size; k++) {
        for (let i = 0; i < size; i++) gram[k * stride + i] = factor * product[k * size + i];
      }
    } finally {
      binding.release();
      result.release();
      operand.release();
    }
  }

  /** The members' columns as rows of a matrix, times the root of the curvature where it is not one number. */
  #operand(
    { data, stride, length }: Columns,
    members: Int32Array,
    curvature: Float64Array,
  ): { readonly operand: BoundTensor; readonly factor: number } {
    const size = members.length;
    const flat = curvature.every((value) => value === curvature[0]);
    const inOrder = stride === length && members.every((column, k) => column === members[0] + k);
    if (flat && inOrder) {
      const start = members[0] * stride;
      const view = data.subarray(start, start + size * length);
      return { operand: this.#runtime.wrap('float64', [size, length], view), factor: curvature[0] };
    }
    const operand = this.#runtime.allocate('float64', [size, length]);
    const values = operand.data as Float64Array;
    const root = curvature.map(Math.sqrt);
    for (let k = 0; k < size; k++) {
      const from = members[k] * stride;
      const to = k * length;
      for (let i = 0; i < length; i++) values[to + i] = data[from + i] * root[i];
    }
    return { operand, factor: 1 };
  }
}

/** a a', for a of any shape. */
function productModel(): Uint8Array {
  const b = new GraphBuilder('gram');
  const a = b.input('a', 'float64', [1, 1]);
  b.output('product', b.gemm(a, a, undefined, { transB: true }));
  const graph = b.graph();
  const free = (shape: string[]) => (info: ValueInfo) => ({ ...info, shape });
  return writeModel({
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'ballast', version: '' },
    graph: {
      ...graph,
      inputs: graph.inputs.map(free(['columns', 'rows'])),
      outputs: graph.outputs.map(free(['columns', 'columns'])),
    },
    metadata: new Map(),
  });
}
