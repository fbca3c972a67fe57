import { z } from 'zod';
import { softThreshold } from '../l1/index.js';
import { halfSquaredNorm } from '../l2/index.js';
import { penalizedRoles } from '../options.js';
import { defineRegularizer, penalizes } from '../regularizer.js';

export const elasticNet = defineRegularizer({
  type: 'elastic-net',
  title: 'Elastic net',
  technique: 'T4',
  summary: 'Mixes L1 and L2: lambda * (l1Ratio * |w| + (1 - l1Ratio) / 2 * w^2), the L1 part by a proximal step.',
  strength: { unit: 'coefficient lambda', default: 1e-3, range: [1e-6, 1e-1], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({
    l1Ratio: z.number().min(0).max(1).default(0.5).describe('Share of the L1 part: 1 is the lasso, 0 is ridge'),
    include: penalizedRoles,
  }),
  hooks: {
    objective: ({ b, strength }, { l1Ratio, include }, weights) =>
      l1Ratio === 1
        ? undefined
        : halfSquaredNorm(
            b,
            weights.filter(({ parameter }) => penalizes(parameter, include)).map(({ value }) => value),
            b.mul(strength, 1 - l1Ratio),
          ),
    proximal: (context, { l1Ratio, include }, { parameter }, proposed) => {
      if (l1Ratio === 0 || !penalizes(parameter, include)) return proposed;
      const { b, stepSize, strength } = context;
      return softThreshold(b, proposed, b.mul(stepSize, b.mul(strength, l1Ratio)));
    },
  },
  proximalFor: ({ l1Ratio }) => l1Ratio > 0,
  cost: { training: 'that of l1 and l2 together', inference: 'none' },
  fails: ['Like l1 under adaptive optimizers.', 'Two numbers to tune where one may do.'],
  dataSize: 'As l1; steadier than l1 where features are correlated.',
  references: [
    'Zou and Hastie, Regularization and Variable Selection via the Elastic Net, JRSS B 2005',
    'scikit-learn ElasticNet: alpha is our strength, l1_ratio our l1Ratio, with loss half the mean squared error',
  ],
});
