import type { GraphBuilder, Operand, Value } from '../graph/builder.js';
import type { RandomSite } from '../graph/random.js';

/** How noise meets a value: as a term of its own, or as a factor about 1. */
export const NOISE_KINDS = ['additive', 'multiplicative'] as const;
export type NoiseKind = (typeof NOISE_KINDS)[number];

/**
 * x + s n, or x (1 + s n), with n standard normal: its mean is x. The second is Gaussian dropout at s = sqrt(p / (1 - p))
 * (Srivastava et al., 2014, section 10).
 *
 * @param deviation s, a scalar
 * @param shape of the numbers drawn; broadcasts to x
 */
export function gaussianNoise(
  b: GraphBuilder,
  x: Value,
  kind: NoiseKind,
  deviation: Operand,
  random: RandomSite,
  shape = x.shape,
): Value {
  const noise = b.mul(random.normal(shape), deviation);
  return kind === 'additive' ? b.add(x, noise) : b.mul(x, b.add(noise, 1));
}
