import type { Design } from './design.js';
import type { Coupling } from './families/family.js';
import type { GramProduct } from './gram-product.js';
import { bytesOf, type CoordinateModel, type Kernels } from './kernels/kernels.js';
import type { Penalty } from './penalty.js';

/** Gram matrices of fewer multiplications than this are made by the kernels. */
const LARGE_PRODUCT = 2e7;

/**
 * The columns that are being fitted, and a quadratic model of the loss over them: coefficients, gradient, Gram matrix of
 * the columns under one curvature of the rows. Columns may join at any time; the matrix grows with them, as long as it
 * has room.
 */
export class WorkingSet {
  readonly model: CoordinateModel;
  readonly l2: Float64Array;
  /** Which column each coordinate is. */
  readonly members: Int32Array;
  /** Place of each column: -1 outside, -2 for one that never joins. */
  readonly position: Int32Array;
  /** The curvature of the rows that the model is made for. */
  readonly curvature: Float64Array;
  size = 0;
  /** Counts the changes of the model's second derivatives among members that stay. */
  generation = 0;
  /** Coordinates that the Gram matrix has room for. */
  readonly room: number;
  readonly #design: Design;
  readonly #product: GramProduct | undefined;
  readonly #scaled: Float64Array;
  /** Second derivatives between rows beside the curvature, where there are some. */
  #coupling: Coupling | undefined;

  constructor(design: Design, kernels: Kernels, room: number, product: GramProduct | undefined) {
    const all = design.columns + 1;
    const coordinates = (): Float64Array => kernels.floats(all);
    const stride = strideOf(room);
    this.room = room;
    this.#design = design;
    this.#product = product;
    this.model = {
      gram: kernels.floats(room * stride),
      stride,
      b: coordinates(),
      g: coordinates(),
      diagonal: coordinates(),
      inverse: coordinates(),
      l1: coordinates(),
      lower: coordinates(),
      upper: coordinates(),
    };
    this.l2 = coordinates();
    this.members = kernels.integers(all);
    this.position = kernels.integers(all).fill(-1);
    this.curvature = kernels.floats(design.rows);
    this.#scaled = kernels.floats(design.rows);
  }

  /** Bytes that such a set takes of the kernels' memory. */
  static bytes(rows: number, columns: number, room: number): number {
    const all = columns + 1;
    return bytesOf([room * strideOf(room), ...new Array<number>(8).fill(all), rows, rows]) + bytesOf([all, all], 4);
  }

  /** Whether the Gram matrix holds all members; without it, descent keeps a residual. */
  get dense(): boolean {
    return this.size <= this.room;
  }

  /** Adds columns with coefficient 0. */
  add(columns: readonly number[], penalty: Penalty): void {
    const from = this.size;
    for (const column of columns) this.#place(column, 0, penalty);
    this.#extend(from);
  }

  /** Starts the model anew under another curvature of the rows, with the given columns alone. */
  async rebuild(
    columns: readonly number[],
    coefficients: Float64Array,
    curvature: Float64Array,
    penalty: Penalty,
    coupling?: Coupling,
  ): Promise<void> {
    for (let k = 0; k < this.size; k++) this.position[this.members[k]] = -1;
    this.size = 0;
    this.generation++;
    this.curvature.set(curvature);
    this.#coupling = coupling;
    for (const column of columns) this.#place(column, coefficients[column], penalty);
    const { rows, stored } = this.#design;
    const product = this.#product;
    const plain = product === undefined || stored === undefined || coupling !== undefined;
    if (plain || !this.dense || this.size ** 2 * rows < LARGE_PRODUCT) {
      this.#extend(0);
      return;
    }
    await product.fill(this.model, stored, this.members.subarray(0, this.size), this.curvature);
    for (let k = 0; k < this.size; k++) this.#setDiagonal(k, this.model.gram[k * this.model.stride + k]);
  }

  /** Takes over another curvature of the rows, where there is no Gram matrix. */
  follow(curvature: Float64Array): void {
    this.generation++;
    this.curvature.set(curvature);
    this.#measureFrom(0);
  }

  /** Takes over the penalty at another lambda. */
  penalize(penalty: Penalty): void {
    const { l1, diagonal } = this.model;
    for (let k = 0; k < this.size; k++) {
      const column = this.members[k];
      l1[k] = penalty.l1(column);
      this.l2[k] = penalty.l2(column);
      this.#setDiagonal(k, diagonal[k]);
    }
  }

  #place(column: number, coefficient: number, penalty: Penalty): void {
    const { b, g, l1, lower, upper } = this.model;
    const k = this.size++;
    this.members[k] = column;
    this.position[column] = k;
    b[k] = coefficient;
    g[k] = 0;
    l1[k] = penalty.l1(column);
    this.l2[k] = penalty.l2(column);
    lower[k] = penalty.lower[column];
    upper[k] = penalty.upper[column];
  }

  #setDiagonal(k: number, value: number): void {
    this.model.diagonal[k] = value;
    this.model.inverse[k] = 1 / (value + this.l2[k]);
  }

  /** Second derivatives of the coordinates from a place on; the Gram matrix too, where it has room for them all. */
  #extend(from: number): void {
    const { gram, stride } = this.model;
    const { members, size } = this;
    if (!this.dense) {
      this.#measureFrom(from);
      return;
    }
    for (let k = from; k < size; k++) {
      this.#design.weighted(members[k], this.curvature, this.#scaled);
      this.#coupling?.(this.#scaled, members[k] % this.#design.outputs);
      const row = gram.subarray(k * stride, k * stride + k + 1);
      this.#design.correlate(members, k + 1, this.#scaled, row);
      for (let i = 0; i < k; i++) gram[i * stride + k] = row[i];
      this.#setDiagonal(k, row[k]);
    }
  }

  /** Second derivatives of the coordinates from a place on, each by itself. */
  #measureFrom(from: number): void {
    const { diagonal } = this.model;
    const count = this.size - from;
    this.#design.squares(this.members.subarray(from, this.size), count, this.curvature, diagonal.subarray(from));
    for (let k = from; k < this.size; k++) this.#setDiagonal(k, diagonal[k]);
  }
}

/** An odd number of cache lines a row: rows a power of two apart would share a few sets of the cache. */
function strideOf(room: number): number {
  const lines = Math.ceil(room / 8);
  return 8 * (lines % 2 === 0 ? lines + 1 : lines);
}
