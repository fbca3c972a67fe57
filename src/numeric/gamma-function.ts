/**
 * The gamma function's logarithm, the error term of Stirling's formula, and the incomplete gamma functions. Prefactors
 * are built from Stirling errors and deviances (C. Loader, "Fast and accurate computation of binomial probabilities",
 * 2000), which keeps all digits where differences of log-gammas would lose them.
 */

const HALF_LOG_TWO_PI = 0.9189385332046727;

/** B(2k) / (2k (2k - 1)) of Stirling's series; from x = 10 on the first term left out is below 1e-17. */
const STIRLING = [
  1 / 12,
  -1 / 360,
  1 / 1260,
  -1 / 1680,
  1 / 1188,
  -691 / 360360,
  1 / 156,
  -3617 / 122400,
  43867 / 244188,
] as const;

function stirlingSeries(x: number): number {
  const inverseSquare = 1 / (x * x);
  let series = 0;
  for (let k = STIRLING.length - 1; k >= 0; k--) series = series * inverseSquare + STIRLING[k];
  return series / x;
}

/** ln Gamma(x) for x > 0: Stirling's series, reached from below by the recurrence. */
export function logGamma(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let shift = 1;
  let shifted = x;
  while (shifted < 10) {
    shift *= shifted;
    shifted += 1;
  }
  return (shifted - 0.5) * Math.log(shifted) - shifted + HALF_LOG_TWO_PI + stirlingSeries(shifted) - Math.log(shift);
}

/** The error of Stirling's formula: ln Gamma(x + 1) - [(x + 1/2) ln x - x + ln(2 pi) / 2], x > 0. */
export function stirlingError(x: number): number {
  return x >= 10 ? stirlingSeries(x) : logGamma(x + 1) - (x + 0.5) * Math.log(x) + x - HALF_LOG_TWO_PI;
}

/** x ln(x / m) + m - x without cancellation near x = m; x >= 0, m > 0. */
export function deviance(x: number, m: number): number {
  if (x === 0) return m;
  if (Math.abs(x - m) >= 0.1 * (x + m)) {
    const ratio = x / m;
    // The ratio of a number to a subnormal one overflows; the difference of the logarithms does not.
    return x * (ratio === Number.POSITIVE_INFINITY ? Math.log(x) - Math.log(m) : Math.log(ratio)) + m - x;
  }
  const v = (x - m) / (x + m);
  let total = (x - m) * v;
  let term = 2 * x * v;
  for (let j = 3; ; j += 2) {
    term *= v * v;
    const next = total + term / j;
    if (next === total) return total;
    total = next;
  }
}

/** e^-m m^x / Gamma(x + 1) for real x >= 0, m >= 0. */
export function poissonDensity(x: number, m: number): number {
  if (m === 0) return x === 0 ? 1 : 0;
  if (x === 0) return Math.exp(-m);
  return Math.exp(-stirlingError(x) - deviance(x, m)) / Math.sqrt(2 * Math.PI * x);
}

/** The two parts of a distribution at a point; `lower + upper` is 1 and the smaller one keeps its relative precision. */
export interface Tails {
  readonly lower: number;
  readonly upper: number;
}

/** Regularized incomplete gamma functions P(a, x) and Q(a, x), a > 0, x >= 0 (DLMF 8.11.4 and 8.9.2). */
export function incompleteGamma(a: number, x: number): Tails {
  if (Number.isNaN(a) || Number.isNaN(x) || !(a > 0)) return { lower: Number.NaN, upper: Number.NaN };
  if (x <= 0) return { lower: 0, upper: 1 };
  if (x === Number.POSITIVE_INFINITY) return { lower: 1, upper: 0 };
  const density = poissonDensity(a, x);
  if (x < a + 1) {
    let term = 1;
    let total = 1;
    for (let n = 1; term > total * 1e-17; n++) {
      term *= x / (a + n);
      total += term;
    }
    const lower = Math.min(1, density * total);
    return { lower, upper: 1 - lower };
  }
  const upper = Math.min(1, density * a * gammaFraction(a, x));
  return { lower: 1 - upper, upper };
}

/** 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), by Lentz's method. */
function gammaFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < 1_000_000; n++) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / guard(numerator * d + b, tiny);
    c = guard(b + numerator / c, tiny);
    const step = c * d;
    fraction *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return fraction;
}

function guard(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}
