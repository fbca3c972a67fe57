import { type Blocks, coordinatesOf, norm } from './blocks.js';
import { type Coordinates, Penalty } from './penalty.js';

/**
 * The penalty of blocks of coordinates, v (alpha ||b|| + (1 - alpha) / 2 ||b||^2) of each, at one lambda (Yuan and Lin 2006).
 * There are no bounds; in a working set, the coordinates of a block stand together.
 */
export class BlockPenalty extends Penalty {
  override readonly blocks: Blocks;
  readonly #screening: Float64Array;

  constructor(options: ConstructorParameters<typeof Penalty>[0] & { blocks: Blocks; screening: Float64Array }) {
    super(options);
    this.blocks = options.blocks;
    this.#screening = options.screening;
    for (let block = 0; block + 1 < this.blocks.starts.length; block++) {
      const coordinates = coordinatesOf(this.blocks, block);
      for (const c of coordinates) this.#screening[c] = this.factors[c] / Math.sqrt(coordinates.length);
    }
  }

  override get screening(): Float64Array {
    return this.#screening;
  }

  override pull(values: Float64Array, j: number): number {
    let squares = 0;
    for (const c of coordinatesOf(this.blocks, this.blocks.of[j])) squares += values[c] ** 2;
    return Math.sqrt(squares);
  }

  override heads(coordinates: Int32Array): number[] {
    const { of, members, starts } = this.blocks;
    return [...new Set(Array.from(coordinates, (c) => members[starts[of[c]]]))];
  }

  override whole(heads: readonly number[]): readonly number[] {
    return heads.flatMap((c) => [...coordinatesOf(this.blocks, this.blocks.of[c])]);
  }

  override total(set: Coordinates): number {
    let sum = 0;
    this.#each(set, (c, size) => {
      sum += this.value(c, size);
    });
    return sum;
  }

  override worst(set: Coordinates): number {
    const { b, g } = set.model;
    let largest = 0;
    this.#each(set, (c, size, from, to) => {
      const [l1, l2] = [this.l1(c), this.l2(c)];
      if (size === 0) {
        largest = Math.max(largest, norm(g, from, to) - l1);
        return;
      }
      let squares = 0;
      for (let k = from; k < to; k++) squares += (g[k] - (l2 + l1 / size) * b[k]) ** 2;
      largest = Math.max(largest, Math.sqrt(squares));
    });
    return largest;
  }

  override feasible(set: Coordinates): number {
    let share = 1;
    this.#each(set, (c, _size, from, to) => {
      share = Math.min(share, this.share(c, norm(set.model.g, from, to)));
    });
    return share;
  }

  /** Of each block penalty(b) + conjugate(z) - z b, which is what it is of their lengths, and ||z|| ||b|| - z b. */
  override gapAt(set: Coordinates, share: number): number {
    const { b, g } = set.model;
    let gap = 0;
    this.#each(set, (c, size, from, to) => {
      const slope = share * norm(g, from, to);
      let product = 0;
      for (let k = from; k < to; k++) product += share * g[k] * b[k];
      gap += this.gap(c, size, slope) + (this.factors[c] === 0 ? 0 : Math.max(0, slope * size - product));
    });
    return gap;
  }

  /** Calls for each block with its first coordinate, the length of its coefficients, and its places in the set. */
  #each(
    { members, size, model: { b } }: Coordinates,
    use: (coordinate: number, length: number, from: number, to: number) => void,
  ): void {
    const { of, starts } = this.blocks;
    for (let from = 0; from < size; ) {
      const block = of[members[from]];
      const to = from + starts[block + 1] - starts[block];
      use(members[from], norm(b, from, to), from, to);
      from = to;
    }
  }
}
