import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { int } from '../../graph/model.js';
import { penalizedRoles } from '../options.js';
import { defineRegularizer, penalizes } from '../regularizer.js';

export type PriorKind = 'gaussian' | 'laplace' | 'horseshoe';

/** Below this tau w^2 the horseshoe's pole is flat, in float32: a weight there stays where it is. */
const POLE = 1e-12;

/**
 * -log p(w) of the prior summed over the weights, without the constants that do not depend on them:
 *
 *     gaussian    tau / 2 w^2                      variance 1 / tau
 *     laplace     sqrt(2 tau) |w|                  variance 1 / tau
 *     horseshoe   -log log(1 + 1 / (tau w^2))      the horseshoe-like density; scale 1 / sqrt(tau), no variance
 */
export function negativeLogPrior(b: GraphBuilder, kind: PriorKind, w: Value, tau: Operand): Value {
  switch (kind) {
    case 'gaussian':
      return b.mul(b.mul(b.op('ReduceSumSquare', [w], { keepdims: int(0) }), 0.5), tau);
    case 'laplace': {
      const root = typeof tau === 'number' ? Math.sqrt(2 * tau) : b.sqrt(b.mul(tau, 2));
      return b.mul(b.reduceSum(b.abs(w)), root);
    }
    case 'horseshoe': {
      const u = b.maximum(b.mul(b.mul(w, w), tau), POLE);
      return b.neg(b.reduceSum(b.log(b.log(b.add(b.reciprocal(u), 1)))));
    }
    default:
      return kind satisfies never;
  }
}

/**
 * (d/dw of minus the logarithm of the horseshoe-like density) / w: the ridge that touches it at w from above. A step by it
 * (Hunter and Li, Variable Selection using MM Algorithms, 2005) cannot leap over the pole, as a gradient step does.
 */
export function horseshoeRidge(b: GraphBuilder, w: Value, tau: Operand): Value {
  const u = b.maximum(b.mul(b.mul(w, w), tau), POLE);
  const steepness = b.mul(b.mul(u, b.add(u, 1)), b.log(b.add(b.reciprocal(u), 1)));
  return b.mul(b.mul(b.reciprocal(steepness), 2), tau);
}

export const prior = defineRegularizer({
  type: 'prior',
  title: 'Prior on weights (MAP)',
  technique: 'T18',
  summary:
    'Adds minus the logarithm of a Gaussian, Laplace or horseshoe prior over the number of rows: training finds the posterior mode.',
  strength: { unit: 'precision tau', default: 1, range: [0.01, 10_000], scale: 'log', limits: [0, 1e9] },
  options: z.strictObject({
    kind: z
      .enum(['gaussian', 'laplace', 'horseshoe'])
      .default('gaussian')
      .describe(
        'gaussian shrinks all weights, laplace small ones to nearly 0, horseshoe small ones while large ones stay',
      ),
    include: penalizedRoles,
  }),
  hooks: {
    objective: ({ b, strength, setting: { rows } }, { kind, include }, weights) => {
      // The horseshoe's slope has no bound near 0: its part is a step of its own, below.
      if (kind === 'horseshoe') return undefined;
      const values = weights.filter(({ parameter }) => penalizes(parameter, include));
      if (values.length === 0) return undefined;
      return b.mul(values.map(({ value }) => negativeLogPrior(b, kind, value, strength)).reduce(b.add), 1 / rows);
    },
    proximal: ({ b, strength, stepSize, setting: { rows } }, { kind, include }, { parameter, value }, proposed) => {
      if (kind !== 'horseshoe' || !penalizes(parameter, include)) return proposed;
      return b.div(proposed, b.add(b.mul(b.mul(stepSize, 1 / rows), horseshoeRidge(b, value, strength)), 1));
    },
  },
  proximalFor: ({ kind }) => kind === 'horseshoe',
  conflicts: ({ options: { kind } }, { optimizer }) =>
    kind === 'gaussian' && optimizer !== 'sgd'
      ? [
          {
            code: 'PRIOR_WITH_ADAPTIVE_OPTIMIZER',
            severity: 'warning' as const,
            message: `${optimizer} rescales the prior's gradient by its own scale: what it converges to is the mode, and it takes long`,
            remedy: 'Train long enough, or use sgd; weight-decay is the quick approximation',
          },
        ]
      : [],
  cost: {
    training: 'one reduction and one pass over the weights a step (eight element-wise ones for the horseshoe)',
    inference: 'none',
  },
  fails: [
    'A mode is one point: it says nothing of uncertainty; ensemble and mc-dropout do.',
    'A horseshoe from the first step: all weights are small then, and many fall into the pole; give it a schedule.',
    'Weights end near 0, not at it: l1 sets them to exactly 0.',
  ],
  dataSize: 'Its share of the objective falls as 1 / rows by itself: tau need not be tuned again when rows are added.',
  references: [
    'MacKay, A Practical Bayesian Framework for Backpropagation Networks, Neural Computation 1992',
    'Park and Casella, The Bayesian Lasso, JASA 2008',
    'Carvalho, Polson and Scott, The Horseshoe Estimator for Sparse Signals, Biometrika 2010; Bhadra et al., The Horseshoe-Like Regularization for Feature Subset Selection, Sankhya B 2021',
    'scikit-learn LogisticRegression: its 1 / C is our tau (gaussian); Ridge: its alpha is tau for unit noise',
  ],
});
