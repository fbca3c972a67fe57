/** Classifiers to mix, as they were found on the same rows. */
export interface Candidates {
  /** Share of wrong decisions of each. */
  readonly errors: ArrayLike<number>;
  /** One a constraint: by how much each classifier breaks it, below 0 where it keeps it. */
  readonly excesses: readonly ArrayLike<number>[];
}

const TINY = 1e-12;

/**
 * The mixture of classifiers with the fewest errors that keeps every constraint on average, or breaks the worst as little as
 * `bound` is worth:
 *
 *     min  sum q_k error_k + bound * t    where  sum q_k excess_jk <= t for all j,  sum q_k = 1,  q >= 0,  t >= 0
 *
 * by the simplex method with Bland's rule (no cycles). At most as many weights differ from 0 as there are constraints, and
 * one. It is what fairlearn.reductions.ExponentiatedGradient solves over the predictors it has found.
 *
 * @returns one weight a classifier; and the price of each constraint (dual), 0 or more: by how much fewer errors there would
 *   be if it allowed one more. A classifier that costs less at these prices would better the mixture.
 */
export function mixtureWeights(
  { errors, excesses }: Candidates,
  bound: number,
): { weights: Float64Array; prices: Float64Array } {
  const count = errors.length;
  const m = excesses.length;
  // Columns: q, t, a slack a constraint, the right-hand side. Rows: sum of q, constraints; last the reduced costs.
  const width = count + 1 + m + 1;
  const rhs = width - 1;
  const table = Array.from({ length: m + 2 }, () => new Float64Array(width));
  for (let k = 0; k < count; k++) {
    table[0][k] = 1;
    for (let j = 0; j < m; j++) table[j + 1][k] = excesses[j][k];
    table[m + 1][k] = errors[k];
  }
  table[0][rhs] = 1;
  for (let j = 0; j < m; j++) {
    table[j + 1][count] = -1;
    table[j + 1][count + 1 + j] = 1;
  }
  table[m + 1][count] = bound;
  const basis = Array.from({ length: m + 1 }, (_, row) => (row === 0 ? 0 : count + row));
  const pivot = (row: number, column: number): void => {
    const line = table[row];
    const by = line[column];
    for (let i = 0; i < width; i++) line[i] /= by;
    for (const other of table) {
      const factor = other[column];
      if (other === line || factor === 0) continue;
      for (let i = 0; i < width; i++) other[i] -= factor * line[i];
    }
    basis[row] = column;
  };
  // All weight on the first classifier, and t as large as what it breaks most.
  pivot(0, 0);
  let worst = 0;
  for (let row = 1; row <= m; row++) if (table[row][rhs] < (worst === 0 ? 0 : table[worst][rhs])) worst = row;
  if (worst > 0) pivot(worst, count);
  for (;;) {
    const entering = table[m + 1].subarray(0, rhs).findIndex((cost) => cost < -TINY);
    if (entering < 0) break;
    let leaving = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let row = 0; row <= m; row++) {
      const by = table[row][entering];
      if (by <= TINY) continue;
      const ratio = table[row][rhs] / by;
      const ties = Math.abs(ratio - least) <= TINY;
      if (ratio < least - TINY || (ties && basis[row] < basis[leaving])) [least, leaving] = [ratio, row];
    }
    // Bounded below by 0: there is always one.
    if (leaving < 0) break;
    pivot(leaving, entering);
  }
  const weights = new Float64Array(count);
  basis.forEach((column, row) => {
    if (column < count) weights[column] = Math.max(0, table[row][rhs]);
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    weights: weights.map((weight) => weight / total),
    prices: Float64Array.from({ length: m }, (_, j) => Math.max(0, table[m + 1][count + 1 + j])),
  };
}
