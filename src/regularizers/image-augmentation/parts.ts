import type { GraphBuilder, Value } from '../../graph/builder.js';

/** Values of images that are changed in one go: what is made of them on the way then stays in cache. */
const VALUES_AT_ONCE = 160_000;

/** Parts a batch is changed in at most: sessions of many nodes are slow to create. */
const MOST_PARTS = 24;

/**
 * Changes images [batch, ...] part by part, where they are large, each with its rows of the numbers [batch, ...] that go
 * with them.
 */
export function inParts<Numbers extends Readonly<Record<string, Value>>>(
  b: GraphBuilder,
  image: Value,
  numbers: Numbers,
  change: (part: Value, numbers: Numbers) => Value,
): Value {
  const [batch, ...extents] = image.shape;
  const values = extents.reduce((product, extent) => product * extent, batch);
  const sizes = evenSizes(batch, Math.min(MOST_PARTS, Math.ceil(values / VALUES_AT_ONCE)));
  if (sizes.length === 1) return change(image, numbers);
  const split = Object.entries(numbers).map(([name, value]) => [name, b.split(value, sizes, 0)] as const);
  const changed = b
    .split(image, sizes, 0)
    .map((part, i) => change(part, Object.fromEntries(split.map(([name, parts]) => [name, parts[i]])) as Numbers));
  return b.concat(changed, 0);
}

/** `parts` whole numbers, as alike as can be, whose sum is `total`. */
export function evenSizes(total: number, parts: number): number[] {
  const count = Math.max(1, Math.min(total, parts));
  return Array.from(
    { length: count },
    (_, i) => Math.floor(((i + 1) * total) / count) - Math.floor((i * total) / count),
  );
}
