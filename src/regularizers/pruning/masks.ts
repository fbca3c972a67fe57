import { select } from '../../numeric/select.js';

/** A weight tensor as the choice of a mask sees it. */
export interface Prunable {
  readonly shape: readonly number[];
  /** Axis of the output units; undefined where it has none. */
  readonly unitAxis?: number | undefined;
  /** What an element is worth: its size, or its score. The least valuable go first. */
  readonly worth: Float32Array;
  /** Written: 1 = kept, 0 = pruned. */
  readonly mask: Float32Array;
}

/**
 * Sparsity on the way from 0 to `final`: final (1 - (1 - progress)^3), progress from 0 to 1 between `start` and `end`. It
 * rises fast while there is much to spare, and levels out (Zhu and Gupta, 2018).
 */
export function cubicSparsity(
  at: number,
  { start, end, final }: { start: number; end: number; final: number },
): number {
  if (at < start) return 0;
  const progress = end <= start ? 1 : Math.min(1, (at - start) / (end - start));
  return final * (1 - (1 - progress) ** 3);
}

/**
 * Writes masks so that a share of the elements (or of the units, whole ones) is pruned: of all tensors together, or of each
 * by itself. One element or unit of every tensor stays, so that no layer is cut through.
 */
export function writeMasks(
  tensors: readonly Prunable[],
  sparsity: number,
  { scope, structure }: { scope: 'global' | 'layer'; structure: 'weights' | 'channels' },
): void {
  const worths = tensors.map((tensor) => (structure === 'channels' ? unitWorths(tensor) : tensor.worth));
  const sets = scope === 'global' ? [worths] : worths.map((worth) => [worth]);
  const kept = sets.flatMap((set) => keptOf(set, sparsity));
  tensors.forEach((tensor, t) => {
    const { mask, worth } = tensor;
    const flags = kept[t];
    if (!flags.includes(1)) flags[indexOfLargest(worths[t])] = 1;
    if (worths[t] === worth) mask.set(flags);
    else {
      const unitOf = unitIndex(tensor);
      for (let i = 0; i < mask.length; i++) mask[i] = flags[unitOf(i)];
    }
  });
}

/** The sparsity * n least valuable of all arrays together are 0; of equals, the first. */
function keptOf(arrays: readonly Float32Array[], sparsity: number): Float32Array[] {
  const total = arrays.reduce((sum, { length }) => sum + length, 0);
  const pruned = Math.min(total, halfEven(sparsity * total));
  const flags = arrays.map(({ length }) => new Float32Array(length).fill(1));
  if (pruned === 0) return flags;
  const all = new Float32Array(total);
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  const threshold = select(all, pruned - 1);
  let below = 0;
  for (const array of arrays) for (const value of array) if (value < threshold) below++;
  let atThreshold = pruned - below;
  arrays.forEach((array, a) => {
    array.forEach((value, i) => {
      if (value < threshold || (value === threshold && atThreshold-- > 0)) flags[a][i] = 0;
    });
  });
  return flags;
}

/** Mean worth of each output unit, so that layers of different width compare. */
function unitWorths(tensor: Prunable): Float32Array {
  const { shape, unitAxis, worth } = tensor;
  if (unitAxis === undefined) return worth;
  const sums = new Float64Array(shape[unitAxis]);
  const unitOf = unitIndex(tensor);
  for (let i = 0; i < worth.length; i++) sums[unitOf(i)] += worth[i];
  return Float32Array.from(sums, (sum) => sum / (worth.length / sums.length));
}

function unitIndex({ shape, unitAxis = 0 }: Prunable): (element: number) => number {
  const inner = shape.slice(unitAxis + 1).reduce((product, extent) => product * extent, 1);
  return (i) => Math.floor(i / inner) % shape[unitAxis];
}

/** Rounds halves to even, as PyTorch counts what it prunes. */
function halfEven(value: number): number {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

function indexOfLargest(values: Float32Array): number {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}
