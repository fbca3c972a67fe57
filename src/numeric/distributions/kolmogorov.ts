/** Kolmogorov's limiting distribution of sqrt(n) sup |F_n - F|. */

/** P(K > x) = 2 sum (-1)^(k-1) exp(-2 k^2 x^2). */
export function kolmogorovSf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x < 1) return 1 - kolmogorovCdf(x);
  let total = 0;
  for (let k = 1; ; k++) {
    const term = Math.exp(-2 * k * k * x * x);
    total += k % 2 === 1 ? term : -term;
    if (term <= total * 1e-17) return 2 * total;
  }
}

/** P(K <= x), below 1 from the theta form sqrt(2 pi) / x sum exp(-(2k - 1)^2 pi^2 / (8 x^2)), which keeps the tail. */
export function kolmogorovCdf(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x <= 0) return 0;
  if (x >= 1) return 1 - kolmogorovSf(x);
  const rate = (Math.PI * Math.PI) / (8 * x * x);
  let total = 0;
  for (let k = 1; k < 20; k += 2) total += Math.exp(-k * k * rate);
  return total === 0 ? 0 : (Math.sqrt(2 * Math.PI) / x) * total;
}
