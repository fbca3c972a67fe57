import { pauses } from './pause.js';
import type { Matrix } from './real-rows.js';

/**
 * The k nearest of `among` for each of the queries, by Euclidean distance over scaled features: positions in `among`,
 * [queries, k], nearest first, of equally near ones the first. A query that is one of them by number is not its own
 * neighbour.
 *
 * O(queries * among * width) without an index: what calls it bounds both.
 *
 * @param scale of each feature, applied to both sides
 * @param same for each query its position in `among`, or -1
 */
export async function nearest(
  queries: Matrix,
  among: Matrix,
  k: number,
  scale: Float64Array,
  same: (query: number) => number,
): Promise<Int32Array> {
  const { width } = among;
  const points = scaled(among, scale);
  const asked = scaled(queries, scale);
  const result = new Int32Array(queries.rows * k).fill(-1);
  const distances = new Float64Array(k);
  const pause = pauses();
  for (let query = 0; query < queries.rows; query++) {
    const own = same(query);
    const best = result.subarray(query * k, (query + 1) * k);
    distances.fill(Number.POSITIVE_INFINITY);
    for (let at = 0; at < among.rows; at++) {
      if (at === own) continue;
      let distance = 0;
      for (let j = 0, p = at * width, q = query * width; j < width; j++, p++, q++) {
        const difference = points[p] - asked[q];
        distance += difference * difference;
      }
      if (distance >= distances[k - 1]) continue;
      let place = k - 1;
      for (; place > 0 && distances[place - 1] > distance; place--) {
        distances[place] = distances[place - 1];
        best[place] = best[place - 1];
      }
      distances[place] = distance;
      best[place] = at;
    }
    await pause();
  }
  return result;
}

function scaled({ rows, width, data }: Matrix, scale: Float64Array): Float64Array {
  const result = new Float64Array(rows * width);
  for (let row = 0, at = 0; row < rows; row++) for (let j = 0; j < width; j++, at++) result[at] = data[at] * scale[j];
  return result;
}
