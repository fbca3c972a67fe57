import type { WeightedValues } from '../../numeric/index.js';

/** What is known of the numbers of one column: all of them in order, or a sketch of them. */
export interface NumberDistribution extends WeightedValues {
  readonly kind: 'number';
  /** Rows with a value. */
  readonly count: number;
  readonly missing: number;
  /** Bound of the error of a rank as a share of the rows; 0 where all values are there. */
  readonly rankError: number;
}

/** How often each category of a column occurs. */
export interface CategoryDistribution {
  readonly kind: 'category';
  readonly count: number;
  readonly missing: number;
  readonly counts: ReadonlyMap<string, number>;
}

export type Distribution = NumberDistribution | CategoryDistribution;

/** Categories beyond these, by how often they occur in the reference, count as one. */
export const MOST_CATEGORIES = 200;
/** The name that the others go by. */
export const OTHERS = '(others)';

/** All values of a column; NaN is missing. */
export function exactNumbers(values: ArrayLike<number>): NumberDistribution {
  const present = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
  return {
    kind: 'number',
    values: present,
    weights: new Float64Array(present.length).fill(1),
    count: present.length,
    missing: values.length - present.length,
    rankError: 0,
  };
}
