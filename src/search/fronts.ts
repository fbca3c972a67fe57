import { paretoFront } from './pareto.js';
import { type CompleteTrial, violationOf } from './trial.js';

/**
 * Trials in the order of NSGA-II (Deb et al. 2002): those that keep the constraints before the others, these by how far
 * they break them; front after front; within a front those first that have the most room around them.
 */
export function byFronts(trials: readonly CompleteTrial[]): CompleteTrial[] {
  const feasible = trials.filter((trial) => violationOf(trial) === 0);
  const others = trials.filter((trial) => violationOf(trial) > 0);
  const ordered: CompleteTrial[] = [];
  for (let left = feasible; left.length > 0; ) {
    const numbers = new Set(paretoFront(left.map(({ losses }) => losses)));
    const front = left.filter((_, i) => numbers.has(i));
    const room = crowding(front.map(({ losses }) => losses));
    const order = front.map((_, i) => i).sort((a, b) => room[b] - room[a] || front[a].number - front[b].number);
    ordered.push(...order.map((i) => front[i]));
    left = left.filter((_, i) => !numbers.has(i));
  }
  return [...ordered, ...others.sort((a, b) => violationOf(a) - violationOf(b) || a.number - b.number)];
}

/** Crowding distance of each: the sides of the box that its neighbours leave it, ends without limit. */
function crowding(losses: readonly (readonly number[])[]): number[] {
  const room = losses.map(() => 0);
  for (let objective = 0; objective < (losses[0]?.length ?? 0); objective++) {
    const order = losses.map((_, i) => i).sort((a, b) => losses[a][objective] - losses[b][objective]);
    const at = (place: number): number => losses[order[place]][objective];
    const span = at(order.length - 1) - at(0);
    order.forEach((i, place) => {
      const end = place === 0 || place === order.length - 1;
      if (end) room[i] = Number.POSITIVE_INFINITY;
      else if (span > 0) room[i] += (at(place + 1) - at(place - 1)) / span;
    });
  }
  return room;
}

/**
 * Volume that a set of losses dominates up to a reference point (Zitzler and Thiele 1998), by slicing one objective after
 * the other. Points that are not better than the reference in everything add nothing.
 */
export function hypervolume(losses: readonly (readonly number[])[], reference: readonly number[]): number {
  const inside = losses.filter((own) => own.every((value, i) => value < reference[i]));
  const front = paretoFront(inside).map((i) => inside[i]);
  if (front.length === 0) return 0;
  if (reference.length === 1) return reference[0] - Math.min(...front.map(([value]) => value));
  const sorted = [...front].sort((a, b) => a[0] - b[0]);
  let volume = 0;
  for (let i = 0; i < sorted.length; i++) {
    const width = (sorted[i + 1]?.[0] ?? reference[0]) - sorted[i][0];
    if (width > 0) {
      volume +=
        width *
        hypervolume(
          sorted.slice(0, i + 1).map((own) => own.slice(1)),
          reference.slice(1),
        );
    }
  }
  return volume;
}
