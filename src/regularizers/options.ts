import { z } from 'zod';

/** Which parameters a penalty acts on. Biases, normalization and embeddings are left out unless named. */
export const penalizedRoles = z
  .array(z.enum(['weight', 'bias', 'norm', 'embedding']))
  .min(1)
  .default(['weight'])
  .describe('Kinds of parameters it acts on; biases and normalization are excluded by default');
