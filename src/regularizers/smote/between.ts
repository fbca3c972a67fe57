import type { Random } from '../../numeric/random.js';
import type { Layout, Matrix } from '../synthetic-rows/real-rows.js';

/** Where new rows of a class come from. */
export interface Sources {
  /** Rows to start from. */
  readonly seeds: Matrix;
  /** Rows that they go towards, and for each seed the positions of its nearest among them, [seeds, neighbours]. */
  readonly towards: Matrix;
  readonly neighbours: Int32Array;
  /** How far: the whole way to a row of the class, half of it to one of another. */
  readonly reach: number;
}

/**
 * New rows on the segments between a seed and one of its neighbours, both drawn: seed + t (neighbour - seed), t uniform
 * below the reach, one t a row. A category or a mark is what most of the seed's neighbours have (of equals one is drawn);
 * it stays the seed's where the neighbours are of other classes.
 */
export function between(
  { seeds, towards, neighbours, reach }: Sources,
  { numbers, categories, flags }: Layout,
  count: number,
  stream: Random,
): Float32Array {
  const { width } = seeds;
  const k = neighbours.length / seeds.rows;
  const made = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    const seed = stream.integer(seeds.rows);
    const around = neighbours.subarray(seed * k, (seed + 1) * k);
    const neighbour = around[stream.integer(k)];
    const share = reach * stream.uniform();
    const to = row * width;
    const own = seed * width;
    made.set(seeds.data.subarray(own, own + width), to);
    for (const j of numbers) {
      const start = seeds.data[own + j];
      made[to + j] = start + share * (towards.data[neighbour * width + j] - start);
    }
    if (reach < 1) continue;
    for (const features of categories) {
      const votes = features.map((j) => ones(towards, around, j));
      const chosen = features[mostVoted(votes, stream)];
      for (const j of features) made[to + j] = j === chosen ? 1 : 0;
    }
    for (const j of flags) {
      const votes = ones(towards, around, j);
      made[to + j] = mostVoted([k - votes, votes], stream);
    }
  }
  return made;
}

function ones({ width, data }: Matrix, rows: Int32Array, feature: number): number {
  return rows.reduce((sum, row) => sum + data[row * width + feature], 0);
}

function mostVoted(votes: readonly number[], stream: Random): number {
  const most = Math.max(...votes);
  const first = votes.flatMap((count, i) => (count === most ? [i] : []));
  return first.length === 1 ? first[0] : first[stream.integer(first.length)];
}
