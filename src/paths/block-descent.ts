import { symmetricEigen } from '../numeric/symmetric.js';
import { type Blocks, norm } from './blocks.js';
import type { Design } from './design.js';
import type { Kernels } from './kernels/kernels.js';
import type { WorkingSet } from './working-set.js';

/** Second derivatives within a block: their own values, and the directions that they belong to, by rows. */
interface Curvature {
  readonly values: Float64Array;
  readonly directions: Float64Array;
}

/** Steps of the search for a block's length, at most; it takes two to five. */
const MOST_STEPS = 100;

/** Coordinate descent whose coordinates are blocks, each of them minimised exactly. */
export class BlockDescent {
  readonly #set: WorkingSet;
  readonly #design: Design;
  readonly #kernels: Kernels;
  readonly #blocks: Blocks;
  readonly #curvatures = new Map<number, Curvature>();
  readonly #which: Int32Array;
  readonly #step: Float64Array;
  readonly #gradient: Float64Array;
  readonly #turned: Float64Array;
  readonly #next: Float64Array;
  readonly #scratch: Float64Array;
  #generation = -1;

  constructor(set: WorkingSet, blocks: Blocks, design: Design, kernels: Kernels) {
    this.#set = set;
    this.#blocks = blocks;
    this.#design = design;
    this.#kernels = kernels;
    const most = BlockDescent.#largest(blocks);
    this.#which = kernels.integers(most);
    [this.#step, this.#gradient] = [kernels.floats(most), kernels.floats(most)];
    [this.#turned, this.#next] = [0, 0].map(() => new Float64Array(most));
    this.#scratch = kernels.floats(design.rows);
  }

  /** Bytes that this takes of the kernels' memory, at most. */
  static bytes(rows: number, largest: number): number {
    return 8 * rows + 20 * largest + 256;
  }

  static #largest({ starts }: Blocks): number {
    let most = 0;
    for (let block = 0; block + 1 < starts.length; block++) most = Math.max(most, starts[block + 1] - starts[block]);
    return most;
  }

  /** One pass over all blocks of the set by its Gram matrix; the largest curvature times the square of a change. */
  pass(): number {
    const { gram, stride, g } = this.#set.model;
    const rows = { data: gram, stride, length: this.#set.size };
    return this.#each((from, size) => {
      for (let k = 0; k < size; k++) this.#gradient[k] = g[from + k];
      const moved = this.#solve(from, size, this.#blockOfGram);
      if (moved > 0) this.#kernels.combine(rows, this.#which, this.#changes, this.#step, g);
      return moved;
    });
  }

  /** The same where there is no Gram matrix: by a residual that is kept up to date. */
  passOnResidual(residual: Float64Array): number {
    const { members, curvature } = this.#set;
    return this.#each((from, size) => {
      this.#design.correlate(members.subarray(from, from + size), size, residual, this.#gradient);
      const moved = this.#solve(from, size, this.#blockOfColumns);
      for (let change = 0; moved > 0 && change < this.#changes; change++) {
        this.#design.weighted(members[this.#which[change]], curvature, this.#scratch);
        const step = this.#step[change];
        for (let i = 0; i < residual.length; i++) residual[i] += step * this.#scratch[i];
      }
      return moved;
    });
  }

  #changes = 0;

  #each(visit: (from: number, size: number) => number): number {
    const { of, starts } = this.#blocks;
    const { members, size } = this.#set;
    if (this.#generation !== this.#set.generation) this.#curvatures.clear();
    this.#generation = this.#set.generation;
    let largest = 0;
    for (let from = 0; from < size; ) {
      const block = of[members[from]];
      const count = starts[block + 1] - starts[block];
      largest = Math.max(largest, visit(from, count));
      from += count;
    }
    return largest;
  }

  /** Moves a block to its minimum, the others staying where they are; its changes, negated, are then in the steps. */
  #solve(from: number, size: number, curved: (from: number, size: number) => Float64Array): number {
    const { b, diagonal, inverse, l1 } = this.#set.model;
    this.#changes = 0;
    if (size === 1) {
      const pull = this.#gradient[0] + diagonal[from] * b[from];
      const over = Math.abs(pull) - l1[from];
      this.#next[0] = over > 0 ? Math.sign(pull) * over * inverse[from] : 0;
    } else {
      const atZero = norm(b, from, from + size) === 0;
      if (atZero && norm(this.#gradient, 0, size) <= l1[from]) return 0;
      this.#minimise(from, size, this.#curvatureOf(from, size, curved));
    }
    let moved = 0;
    for (let k = 0; k < size; k++) {
      const change = this.#next[k] - b[from + k];
      if (change === 0) continue;
      b[from + k] = this.#next[k];
      this.#which[this.#changes] = from + k;
      this.#step[this.#changes++] = -change;
      moved = Math.max(moved, diagonal[from + k] * change * change);
    }
    return moved;
  }

  #curvatureOf(from: number, size: number, curved: (from: number, size: number) => Float64Array): Curvature {
    const known = this.#curvatures.get(from);
    if (known !== undefined) return known;
    const { values, vectors } = symmetricEigen(curved(from, size), size);
    const found = { values: values.map((value) => Math.max(0, value)), directions: vectors };
    this.#curvatures.set(from, found);
    return found;
  }

  /**
   * The minimum of b'Hb / 2 - z'b + l1 ||b|| + l2 ||b||^2 / 2, z the gradient with the block at 0: where its length is r,
   * (H + l2 + l1 / r) b = z, so that in the directions of H
   *
   *     sum over i of z_i^2 / ((h_i + l2) r + l1)^2 = 1,
   *
   * which falls in r: Newton's steps on one over the root (Moré and Sorensen 1983) come from below.
   */
  #minimise(from: number, size: number, { values, directions }: Curvature): void {
    const { b, l1: lasso } = this.#set.model;
    const [l1, l2] = [lasso[from], this.#set.l2[from]];
    this.#next.fill(0, 0, size);
    for (let i = 0; i < size; i++) {
      let [gradient, along] = [0, 0];
      for (let k = 0; k < size; k++) {
        gradient += directions[i * size + k] * this.#gradient[k];
        along += directions[i * size + k] * b[from + k];
      }
      this.#turned[i] = gradient + values[i] * along;
    }
    const pull = norm(this.#turned, 0, size);
    if (pull <= l1) return;
    let length = (pull - l1) / (values[size - 1] + l2);
    for (let step = 0; step < MOST_STEPS; step++) {
      let [sum, slope] = [0, 0];
      for (let i = 0; i < size; i++) {
        const under = (values[i] + l2) * length + l1;
        const share = (this.#turned[i] / under) ** 2;
        sum += share;
        slope += (share * (values[i] + l2)) / under;
      }
      const change = (sum * (Math.sqrt(sum) - 1)) / slope;
      if (!(change > 1e-15 * length)) break;
      length += change;
    }
    for (let i = 0; i < size; i++) {
      const along = this.#turned[i] / (values[i] + l2 + l1 / length);
      for (let k = 0; k < size; k++) this.#next[k] += directions[i * size + k] * along;
    }
  }

  readonly #blockOfGram = (from: number, size: number): Float64Array => {
    const { gram, stride } = this.#set.model;
    return Float64Array.from({ length: size * size }, (_, at) => {
      const [row, column] = [Math.floor(at / size), at % size];
      return gram[(from + row) * stride + from + column];
    });
  };

  readonly #blockOfColumns = (from: number, size: number): Float64Array => {
    const { members, curvature } = this.#set;
    const block = new Float64Array(size * size);
    const own = members.subarray(from, from + size);
    for (let k = 0; k < size; k++) {
      this.#design.weighted(own[k], curvature, this.#scratch);
      this.#design.correlate(own, size, this.#scratch, this.#step);
      block.set(this.#step.subarray(0, size), k * size);
    }
    return block;
  };
}
