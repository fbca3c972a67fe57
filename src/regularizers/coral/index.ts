import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { type DomainPair, domainConflicts, domainPairs, meanOverPairs, targetDomain } from '../domains.js';
import { defineRegularizer } from '../regularizer.js';

/** Mean [1, features] and covariance [features, features] (divided by n - 1) of the rows of a mask. */
function momentsOf(b: GraphBuilder, x: Value, mask: Value): { mean: Value; covariance: Value } {
  const column = b.unsqueeze(mask, [1]);
  const count = b.reduceSum(mask);
  const mean = b.div(b.reduceSum(b.mul(x, column), [0], true), b.maximum(count, 1));
  const centred = b.mul(b.sub(x, mean), column);
  const scatter = b.gemm(centred, centred, undefined, { transA: true });
  return { mean, covariance: b.div(scatter, b.maximum(b.sub(count, 1), 1)) };
}

/**
 * ||C_1 - C_2||_F^2 / (4 d^2) between the covariances of two sets of rows; with `means`, plus the squared distance of
 * their means by d.
 */
export function coralDistance(b: GraphBuilder, x: Value, { first, second }: DomainPair, means: boolean): Value {
  const [one, other] = [momentsOf(b, x, first), momentsOf(b, x, second)];
  const squared = (difference: Value): Value => b.mul(difference, difference);
  const ofCovariances = b.mul(b.reduceMean(squared(b.sub(one.covariance, other.covariance))), 0.25);
  return means ? b.add(ofCovariances, b.reduceMean(squared(b.sub(one.mean, other.mean)))) : ofCovariances;
}

export const coral = defineRegularizer({
  type: 'coral',
  title: 'Deep CORAL',
  technique: 'T23',
  summary:
    "Penalizes the distance between the covariances of two domains' features, so that the last layer meets them alike.",
  strength: { unit: 'coefficient lambda', default: 1, range: [0.01, 1000], scale: 'log', limits: [0, 1e8] },
  options: z.strictObject({
    target: targetDomain,
    means: z.boolean().default(false).describe('Whether the means of the features are drawn together as well'),
  }),
  hooks: {
    objective: (context, { target, means }, _weights, { features }) => {
      const { b, strength } = context;
      if (features === undefined) return undefined;
      const distance = meanOverPairs(b, domainPairs(context, target), 2, (pair) =>
        coralDistance(b, features, pair, means),
      );
      return distance && b.mul(distance, strength);
    },
  },
  needs: { column: 'domain' },
  conflicts: ({ options: { target } }, setting) => domainConflicts('coral', target, setting),
  cost: {
    training: 'two products of features by features over the batch a pair of domains, forwards and backwards',
    inference: 'none',
  },
  fails: [
    'The domains differ in their classes, not in their look: aligning them mixes the classes up.',
    'Batches that hold few rows of a domain: covariances of few rows are noise.',
    'Too strong: features shrink together, for covariances of zero are alike.',
  ],
  dataSize: 'Needs no labels of the target; tens of rows of each domain a batch, so larger batches help.',
  references: [
    'Sun and Saenko, Deep CORAL: Correlation Alignment for Deep Domain Adaptation, ECCV Workshops 2016, equation 1',
    'Gulrajani and Lopez-Paz, In Search of Lost Domain Generalization, ICLR 2021 (DomainBed CORAL, which adds the means; lambda from 0.1 to 10)',
  ],
});
