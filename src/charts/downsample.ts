/**
 * At most about `limit` of `items`, in their order: each stretch keeps its lowest and highest by `value`, so that no
 * spike is lost, and the first and last item stay. Items without a finite value keep one place a stretch (a gap).
 */
export function thin<T>(items: readonly T[], limit: number, value: (item: T) => number): readonly T[] {
  if (items.length <= limit) return items;
  const stretches = Math.max(1, Math.floor((limit - 2) / 2));
  const kept = new Set<number>([0, items.length - 1]);
  for (let stretch = 0; stretch < stretches; stretch++) {
    const start = Math.floor((stretch * items.length) / stretches);
    const end = Math.floor(((stretch + 1) * items.length) / stretches);
    let lowest = start;
    let highest = start;
    for (let index = start; index < end; index++) {
      const current = value(items[index]!);
      if (!(value(items[lowest]!) <= current)) lowest = index;
      if (!(value(items[highest]!) >= current)) highest = index;
    }
    kept.add(lowest).add(highest);
  }
  return [...kept].sort((a, b) => a - b).map((index) => items[index]!);
}

/**
 * At most `limit` of `items`, spread evenly over their order after a deterministic shuffle of each stretch: a sample
 * of what comes sorted or periodic alike. The same input gives the same sample.
 */
export function sample<T>(items: readonly T[], limit: number): readonly T[] {
  if (items.length <= limit) return items;
  const picked: T[] = [];
  for (let stretch = 0; stretch < limit; stretch++) {
    const start = Math.floor((stretch * items.length) / limit);
    const end = Math.floor(((stretch + 1) * items.length) / limit);
    const mixed = Math.imul(stretch + 1, 0x9e3779b1) >>> 0;
    picked.push(items[start + (mixed % Math.max(1, end - start))]!);
  }
  return picked;
}
