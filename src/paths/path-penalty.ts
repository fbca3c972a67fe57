import { BallastError } from '../errors.js';
import { BlockPenalty } from './block-penalty.js';
import { blocksOf } from './blocks.js';
import type { Kernels } from './kernels/kernels.js';
import { Penalty } from './penalty.js';
import type { PathOptions } from './problem.js';

/** Coordinates of a path: those of column j stand at `j * outputs` and after, the intercepts last, and one that is unused. */
export interface Coordinated {
  /** Deviation of each column; 0 where it is the same in every row. */
  readonly scale: Float64Array;
  /** Linear predictors of a row; undefined of one, whose intercept is the last coordinate. */
  readonly outputs: number | undefined;
  readonly intercept: boolean;
  /** Whether coefficients of one column for all outputs are penalised together. */
  readonly grouped: boolean;
}

/** Coordinates that are penalised together, at most. */
export function largestBlock({ groups, alpha = 1 }: PathOptions, outputs: number): number {
  if (alpha === 0) return 1;
  const sizes = new Map<number, number>();
  for (const group of Array.from(groups ?? [])) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  return outputs * Math.max(1, ...sizes.values());
}

/**
 * The penalty of a path's coordinates, and the relative factor of each column.
 *
 * @throws BallastError PATH_FACTOR where nothing is penalised
 */
export function penaltyOf(
  options: PathOptions,
  kernels: Kernels,
  { scale, outputs, intercept, grouped }: Coordinated,
): { penalty: Penalty; factors: Float64Array } {
  const { alpha = 1, groups, lower, upper } = options;
  const columns = scale.length;
  const factors = meanOne(options, columns);
  const each = outputs ?? 1;
  const intercepts = outputs ?? 0;
  const total = columns * each + intercepts + 1;
  const columnOf = (c: number): number => Math.floor(c / each);
  const isColumn = (c: number): boolean => c < columns * each;
  const sizes = new Map<number, number>();
  for (let j = 0; groups !== undefined && j < columns; j++) {
    if (scale[j] !== 0) sizes.set(groups[j], (sizes.get(groups[j]) ?? 0) + 1);
  }
  const ofCoordinates = kernels.floats(total);
  for (let c = 0; c < columns * each; c++) {
    const j = columnOf(c);
    ofCoordinates[c] = factors[j] * (groups === undefined ? 1 : Math.sqrt(sizes.get(groups[j]) ?? 1));
  }
  if (!intercept) ofCoordinates.fill(Number.POSITIVE_INFINITY, columns * each, total - 1);
  const free = intercept && outputs === undefined ? Number.POSITIVE_INFINITY : 0;
  const scaled = (bounds: ArrayLike<number> | undefined, otherwise: number): Float64Array =>
    Float64Array.from({ length: total }, (_, c) => {
      if (c === total - 1) return Math.sign(otherwise) * free || 0;
      if (bounds === undefined || !isColumn(c)) return otherwise;
      const bound = bounds[columnOf(c)];
      return bound === 0 ? 0 : bound * scale[columnOf(c)];
    });
  const settings = {
    alpha,
    factors: ofCoordinates,
    lower: scaled(lower, Number.NEGATIVE_INFINITY),
    upper: scaled(upper, Number.POSITIVE_INFINITY),
  };
  const together = alpha > 0 && (grouped || groups !== undefined);
  if (!together) return { penalty: new Penalty(settings), factors };
  // What is not penalised, or never fitted, is in no block with others.
  const labels = Array.from({ length: total }, (_, c) => {
    const j = columnOf(c);
    if (!isColumn(c) || scale[j] === 0 || factors[j] === 0 || !Number.isFinite(factors[j])) return -1;
    const label = groups?.[j] ?? j;
    return grouped ? label : label * each + (c % each);
  });
  const blocks = blocksOf(labels);
  return { penalty: new BlockPenalty({ ...settings, blocks, screening: kernels.floats(total) }), factors };
}

function meanOne({ factors }: PathOptions, columns: number): Float64Array {
  const relative = Float64Array.from({ length: columns }, (_, j) => factors?.[j] ?? 1);
  const finite = relative.filter(Number.isFinite);
  const sum = finite.reduce((total, factor) => total + factor, 0);
  if (sum === 0) {
    throw new BallastError('no column is penalised, so there is no path', {
      code: 'PATH_FACTOR',
      remedy: 'Give at least one column a penalty factor above 0',
    });
  }
  return relative.map((factor) => (factor * finite.length) / sum);
}
