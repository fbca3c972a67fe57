import type { PrunableGroup } from './groups.js';

export interface ChoiceOptions {
  /** Share of the units to remove. */
  readonly ratio: number;
  /** `global`: the least worth of all groups together; `layer`: the same share of each group. */
  readonly scope: 'global' | 'layer';
  /** Widths that are left are multiples of this, where they are twice as wide: kernels work on blocks of channels. */
  readonly multipleOf: number;
  /** No group loses more than this share. */
  readonly most: number;
}

/** The units to remove: names of their classes. Something of every weight's every axis stays. */
export function chooseUnits(
  groups: readonly PrunableGroup[],
  worth: readonly Float64Array[],
  { ratio, scope, multipleOf, most }: ChoiceOptions,
): Set<number> {
  const orders = worth.map((values) => Array.from(values.keys()).sort((a, b) => values[a] - values[b]));
  const counts =
    scope === 'layer'
      ? groups.map(({ units }) => Math.floor(ratio * units.length + 1e-9))
      : globalCounts(worth, orders, ratio, most);
  const removed = new Set<number>();
  groups.forEach(({ units }, g) => {
    const least = Math.max(1, Math.ceil(units.length * (1 - most) - 1e-9));
    const left = Math.max(least, units.length - counts[g]);
    const wide =
      units.length >= 2 * multipleOf ? Math.min(units.length, Math.ceil(left / multipleOf) * multipleOf) : left;
    for (const index of removable(groups[g], orders[g], units.length - wide)) removed.add(units[index].id);
  });
  return removed;
}

/** How many of each group are among the least of all. */
function globalCounts(
  worth: readonly Float64Array[],
  orders: readonly (readonly number[])[],
  ratio: number,
  most: number,
): number[] {
  const all = orders.flatMap((order, g) =>
    order.slice(0, Math.floor(order.length * most + 1e-9)).map((index) => ({ g, value: worth[g][index] })),
  );
  const total = orders.reduce((sum, order) => sum + order.length, 0);
  const counts = new Array<number>(orders.length).fill(0);
  all.sort((a, b) => a.value - b.value);
  for (const { g } of all.slice(0, Math.floor(ratio * total + 1e-9))) counts[g]++;
  return counts;
}

/** The first `count` of an order that leave every axis of every weight something. */
function removable({ units }: PrunableGroup, order: readonly number[], count: number): number[] {
  const left = new Map<string, number>();
  for (const { members } of units) {
    for (const { name, axis } of members) left.set(`${name}:${axis}`, (left.get(`${name}:${axis}`) ?? 0) + 1);
  }
  const chosen: number[] = [];
  for (const index of order) {
    if (chosen.length === count) break;
    const uses = new Map<string, number>();
    for (const { name, axis } of units[index].members) {
      uses.set(`${name}:${axis}`, (uses.get(`${name}:${axis}`) ?? 0) + 1);
    }
    if ([...uses].some(([key, lost]) => left.get(key)! - lost < 1)) continue;
    for (const [key, lost] of uses) left.set(key, left.get(key)! - lost);
    chosen.push(index);
  }
  return chosen;
}
