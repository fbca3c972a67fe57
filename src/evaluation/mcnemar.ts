import { binomialCdf, binomialPmf } from '../numeric/index.js';

export interface McNemarTest {
  /** Rows only the first model gets right. */
  readonly onlyFirst: number;
  /** Rows only the second model gets right. */
  readonly onlySecond: number;
  /** Exact two-sided p-value: the discordant rows against a fair coin. */
  readonly exact: number;
  /** The same with half the probability of what was seen: less conservative, still safe (Fagerland et al. 2013). */
  readonly midP: number;
}

/** McNemar's test of equal accuracy from the rows on which just one of two models is right. */
export function mcnemarTest(onlyFirst: number, onlySecond: number): McNemarTest {
  const discordant = onlyFirst + onlySecond;
  if (discordant === 0) return { onlyFirst, onlySecond, exact: 1, midP: 1 };
  const smaller = Math.min(onlyFirst, onlySecond);
  const tail = binomialCdf(smaller, discordant, 0.5);
  const at = binomialPmf(smaller, discordant, 0.5);
  // With equal counts both tails hold what was seen: together they are all of the distribution, and that value once more.
  if (onlyFirst === onlySecond) return { onlyFirst, onlySecond, exact: 1, midP: 1 - at / 2 };
  return { onlyFirst, onlySecond, exact: 2 * tail, midP: 2 * tail - at };
}
