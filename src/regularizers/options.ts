import { z } from 'zod';
import type { StrengthScale } from './regularizer.js';

/** Which parameters a penalty acts on. Biases, normalization and embeddings are left out unless named. */
export const penalizedRoles = z
  .array(z.enum(['weight', 'bias', 'norm', 'embedding']))
  .min(1)
  .default(['weight'])
  .describe('Kinds of parameters it acts on; biases and normalization are excluded by default');

/** The scale of a bound: a smaller one is stronger, and the strength is 1 / bound. */
export function reciprocalOf(option: string): NonNullable<StrengthScale['inverse']> {
  return {
    option,
    toStrength: (bound) => 1 / bound,
    // 1 / (1 / 49) is not 49 in floating point.
    toOption: (strength) => Number((1 / strength).toPrecision(14)),
  };
}
