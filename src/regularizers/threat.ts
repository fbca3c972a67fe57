import { z } from 'zod';
import type { Perturbed } from '../evaluation/attacks/perturb.js';
import type { GraphBuilder, Value } from '../graph/builder.js';
import { isFloat } from '../graph/operators/operator.js';

/** Options of what an attacker may do, shared by the regularizers that train against one. */
export const threatOptions = {
  norm: z
    .enum(['linf', 'l2'])
    .default('linf')
    .describe('linf: the largest change of an element; l2: the length of the change of a row'),
  range: z
    .tuple([z.number(), z.number()])
    .refine(([low, high]) => low < high, 'the lower limit comes first')
    .optional()
    .describe('Least and largest valid value of the encoded inputs, e.g. [0, 1] for images with data.scaling none'),
} as const;

/** Inputs that can be perturbed: indices of tokens cannot. */
export function floatInputs(inputs: Perturbed): Perturbed {
  return Object.fromEntries(Object.entries(inputs).filter(([, { type }]) => isFloat(type)));
}

/** Kullback-Leibler divergence of each row, [batch]: sum_c p_c (log p_c - log q_c), p and q being the softmax of logits. */
export function divergence(b: GraphBuilder, p: Value, q: Value): Value {
  const logP = b.logSoftmax(p);
  return b.reduceSum(b.mul(b.exp(logP), b.sub(logP, b.logSoftmax(q))), [1]);
}
