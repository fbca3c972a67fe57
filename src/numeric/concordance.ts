import { argsort } from './sort.js';

/** Survival times, and how great each row's risk is said to be. */
export interface RankedTimes {
  readonly time: ArrayLike<number>;
  /** 1 where the event was seen at the time, 0 where the row was last seen without it. */
  readonly event: ArrayLike<number>;
  readonly risk: ArrayLike<number>;
}

/**
 * Harrell's C: of the pairs of rows of which it is known whose event came first, the share in which that row's risk is the
 * greater; equal risks are half right. A row last seen at the time of another's event outlived it. A pair counts as its
 * weights multiplied. 0.5 is chance.
 *
 * @returns the share as a function of the rows' weights; NaN where no pair can be compared
 */
export function concordanceOf({ time, event, risk }: RankedTimes): (weights?: ArrayLike<number>) => number {
  const n = time.length;
  const order = argsort(Float64Array.from(time));
  const places = ranksOf(risk);
  return (weights) => {
    const tree = new Float64Array(n + 1);
    const below = (place: number): number => {
      let sum = 0;
      for (let at = place; at > 0; at -= at & -at) sum += tree[at];
      return sum;
    };
    let [right, all, present] = [0, 0, 0];
    const enter = (row: number): void => {
      const weight = weights?.[row] ?? 1;
      for (let at = places[row] + 1; at <= n; at += at & -at) tree[at] += weight;
      present += weight;
    };
    // From the last time to the first: those who entered outlived the row that is looked at.
    for (let end = n; end > 0; ) {
      let start = end - 1;
      while (start > 0 && time[order[start - 1]] === time[order[end - 1]]) start--;
      for (let at = start; at < end; at++) if (event[order[at]] !== 1) enter(order[at]);
      for (let at = start; at < end; at++) {
        const row = order[at];
        const weight = weights?.[row] ?? 1;
        if (event[row] !== 1 || weight === 0) continue;
        right += (weight * (below(places[row]) + below(places[row] + 1))) / 2;
        all += weight * present;
      }
      for (let at = start; at < end; at++) if (event[order[at]] === 1) enter(order[at]);
      end = start;
    }
    return right / all;
  };
}

/** Place of each value among the distinct ones. */
function ranksOf(values: ArrayLike<number>): Int32Array {
  const order = argsort(Float64Array.from(values));
  const places = new Int32Array(values.length);
  let place = -1;
  order.forEach((row, at) => {
    if (at === 0 || values[row] !== values[order[at - 1]]) place++;
    places[row] = place;
  });
  return places;
}
