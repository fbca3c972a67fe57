import { type LossSurface, moved } from './surface.js';

/** Called after each point of a scan. */
export type OnPoint = (done: number, of: number) => void;

/** The loss along a line. */
export interface LossCurve {
  readonly points: readonly { readonly at: number; readonly loss: number }[];
}

/** The loss over a plane: `loss[row][column]` at y = at[row], x = at[column]. */
export interface LossGrid {
  readonly at: readonly number[];
  readonly loss: readonly (readonly number[])[];
}

/** Evenly spaced from `low` to `high`, both in. */
export function spaced(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1));
}

/** L(w + a d) for every a. */
export async function lossAlong(
  surface: LossSurface,
  direction: Float64Array,
  at: readonly number[],
  onPoint?: OnPoint,
): Promise<LossCurve> {
  const points: { at: number; loss: number }[] = [];
  for (const a of at) {
    points.push({ at: a, loss: (await surface.loss(moved(surface.start, direction, a))).loss });
    onPoint?.(points.length, at.length);
  }
  return { points };
}

/** The loss on the straight line between two networks, 0 at the first and 1 at the second. */
export interface LossBetween extends LossCurve {
  /**
   * How far the loss between them rises at most above the line that joins their losses, at the points looked at (Frankle
   * et al., Linear Mode Connectivity, ICML 2020); 0 where it does not.
   */
  readonly barrier: { readonly at: number; readonly rise: number };
}

/**
 * L((1 - a) w + a w') for every a (Goodfellow, Vinyals and Saxe 2015). Running statistics move along, and beyond either
 * end stay as they are there.
 *
 * @param other the second network's parameters and running statistics, in the order of the surface's
 */
export async function lossBetween(
  surface: LossSurface,
  other: Float32Array,
  at: readonly number[],
  onPoint?: OnPoint,
): Promise<LossBetween> {
  const { start, dimension } = surface;
  const lossAt = async (a: number): Promise<number> => {
    const held = Math.min(1, Math.max(0, a));
    const point = start.map((value, i) => {
      const share = i < dimension ? a : held;
      return (1 - share) * value + share * other[i];
    });
    return (await surface.loss(point)).loss;
  };
  const points: { at: number; loss: number }[] = [];
  for (const a of at) {
    points.push({ at: a, loss: await lossAt(a) });
    onPoint?.(points.length, at.length);
  }
  const [first, last] = [await lossAt(0), await lossAt(1)];
  let barrier = { at: 0, rise: 0 };
  for (const { at: a, loss } of points) {
    const rise = loss - ((1 - a) * first + a * last);
    if (a >= 0 && a <= 1 && rise > barrier.rise) barrier = { at: a, rise };
  }
  return { points, barrier };
}

/** L(w + x d + y d') over a square. */
export async function lossGrid(
  surface: LossSurface,
  [first, second]: readonly [Float64Array, Float64Array],
  at: readonly number[],
  onPoint?: OnPoint,
): Promise<LossGrid> {
  const loss: number[][] = [];
  let done = 0;
  for (const y of at) {
    const row: number[] = [];
    const base = moved(surface.start, second, y);
    for (const x of at) {
      row.push((await surface.loss(moved(base, first, x))).loss);
      onPoint?.(++done, at.length ** 2);
    }
    loss.push(row);
  }
  return { at, loss };
}
