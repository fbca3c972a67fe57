/** Many tests at once. */

/**
 * p-values adjusted so that rejecting those <= q keeps the expected share of false rejections at most q (Benjamini &
 * Hochberg 1995): min over j >= i of p_(j) n / j. NaN (a test that could not be made) stays NaN and does not count.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const made = pValues.flatMap((p, index) => (Number.isNaN(p) ? [] : [index])).sort((a, b) => pValues[b] - pValues[a]);
  const adjusted = pValues.map(() => Number.NaN);
  let least = 1;
  made.forEach((index, place) => {
    least = Math.min(least, (pValues[index] * made.length) / (made.length - place));
    adjusted[index] = least;
  });
  return adjusted;
}
