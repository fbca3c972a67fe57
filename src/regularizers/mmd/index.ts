import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { type DomainPair, domainConflicts, domainPairs, meanOverPairs, targetDomain } from '../domains.js';
import { defineRegularizer } from '../regularizer.js';

interface Kernels {
  readonly kernels: number;
  readonly factor: number;
  readonly bandwidth: number | undefined;
}

/** Squared distances between all rows, [n, n]. */
function squaredDistances(b: GraphBuilder, x: Value): Value {
  const norms = b.reduceSum(b.mul(x, x), [1], true);
  const products = b.gemm(x, x, undefined, { transB: true, alpha: -2 });
  // Rounding may take the distance of a row to itself below 0.
  return b.relu(b.add(b.add(products, norms), b.transpose(norms, [1, 0])));
}

/**
 * The squared maximum mean discrepancy (its biased estimate) under a sum of Gaussian kernels exp(-||x - y||^2 / s),
 *
 *     sum_ij w_i w_j k(x_i, x_j),   w = 1 / n_1 for rows of the first set, -1 / n_2 for those of the second.
 *
 * The bandwidths s are the mean squared distance of different rows of both sets (no gradient goes through it), or the one
 * given, times factor^(i - kernels / 2).
 */
function mmdDistance(b: GraphBuilder, x: Value, { first, second }: DomainPair, options: Kernels): Value {
  const { kernels, factor, bandwidth } = options;
  const weights = b.sub(
    b.div(first, b.maximum(b.reduceSum(first), 1)),
    b.div(second, b.maximum(b.reduceSum(second), 1)),
  );
  const rows = x.shape[0];
  const distances = squaredDistances(b, x);
  const pairs = (side: Value): Value => b.mul(b.reshape(side, [rows, 1]), b.reshape(side, [1, rows]));
  const middle =
    bandwidth ??
    b.detached(() => {
      const members = b.add(first, second);
      const count = b.reduceSum(members);
      const different = b.maximum(b.mul(count, b.sub(count, 1)), 1);
      return b.maximum(b.div(b.reduceSum(b.mul(distances, pairs(members))), different), 1e-12);
    });
  const scaled = b.neg(b.div(distances, middle));
  const smallest = factor ** Math.floor(kernels / 2);
  const sum = Array.from({ length: kernels }, (_, i) => b.exp(b.mul(scaled, smallest / factor ** i))).reduce(b.add);
  return b.reduceSum(b.mul(sum, pairs(weights)));
}

export const mmd = defineRegularizer({
  type: 'mmd',
  title: 'Maximum mean discrepancy',
  technique: 'T23',
  summary:
    "Penalizes the discrepancy of two domains' features under a family of Gaussian kernels, which sees all moments.",
  strength: { unit: 'coefficient lambda', default: 1, range: [0.01, 100], scale: 'log', limits: [0, 1e6] },
  options: z.strictObject({
    target: targetDomain,
    kernels: z.int().min(1).max(20).default(5).describe('Gaussian kernels that are summed'),
    factor: z.number().gt(1).max(100).default(2).describe('Ratio of the bandwidths of two neighbouring kernels'),
    bandwidth: z
      .number()
      .gt(0)
      .optional()
      .describe('Squared distance of the middle kernel; default: the mean one between rows of the batch'),
  }),
  hooks: {
    objective: (context, { target, kernels, factor, bandwidth }, _weights, { features }) => {
      const { b, strength } = context;
      if (features === undefined) return undefined;
      const distance = meanOverPairs(b, domainPairs(context, target), 1, (pair) =>
        mmdDistance(b, features, pair, { kernels, factor, bandwidth }),
      );
      return distance && b.mul(distance, strength);
    },
  },
  needs: { column: 'domain' },
  conflicts: ({ options: { target } }, setting) => domainConflicts('mmd', target, setting),
  cost: {
    training: 'all distances within the batch and one exponential a pair of rows and kernel, a pair of domains',
    inference: 'none',
  },
  fails: [
    'The domains differ in their classes, not in their look: aligning them mixes the classes up.',
    'Few rows of a domain in a batch: the biased estimate is then above 0 for equal distributions.',
    'Too strong: features of all rows fall together.',
  ],
  dataSize: 'Needs no labels of the target; tens of rows of each domain a batch, so larger batches help.',
  references: [
    'Long et al., Learning Transferable Features with Deep Adaptation Networks, ICML 2015 (several kernels)',
    'Gretton et al., A Kernel Two-Sample Test, JMLR 2012, equation 5 (the biased estimate)',
    'easezyc deep-transfer-learning, mmd.py (5 kernels by factors of 2 around the mean distance, which is detached)',
  ],
});
