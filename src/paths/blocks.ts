/** Coordinates that are penalised together, by the length of the vector of their coefficients; each is in one block. */
export interface Blocks {
  /** Block of each coordinate. */
  readonly of: Int32Array;
  /** Coordinates of block c are those from `starts[c]` to `starts[c + 1]` of `members`, ascending. */
  readonly members: Int32Array;
  readonly starts: Int32Array;
}

/** Blocks by a label of each coordinate; below 0 stands a coordinate by itself. */
export function blocksOf(labels: ArrayLike<number>): Blocks {
  const blocks = new Map<number, number[]>();
  let alone = -1;
  for (let c = 0; c < labels.length; c++) {
    const label = labels[c] < 0 ? alone-- : labels[c];
    const found = blocks.get(label);
    if (found === undefined) blocks.set(label, [c]);
    else found.push(c);
  }
  const of = new Int32Array(labels.length);
  const members = new Int32Array(labels.length);
  const starts = new Int32Array(blocks.size + 1);
  let [block, at] = [0, 0];
  for (const coordinates of blocks.values()) {
    for (const c of coordinates) {
      of[c] = block;
      members[at++] = c;
    }
    starts[++block] = at;
  }
  return { of, members, starts };
}

/** The coordinates of a block. */
export function coordinatesOf({ members, starts }: Blocks, block: number): Int32Array {
  return members.subarray(starts[block], starts[block + 1]);
}

/** Length of a part of a vector. */
export function norm(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k++) sum += values[k] * values[k];
  return Math.sqrt(sum);
}
