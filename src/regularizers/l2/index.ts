import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { penalizedRoles } from '../options.js';
import { defineRegularizer, penalizes } from '../regularizer.js';

/** lambda / 2 * sum of squares of all given values; its gradient is lambda * w. */
export function halfSquaredNorm(b: GraphBuilder, values: readonly Value[], lambda: Operand): Value | undefined {
  if (values.length === 0) return undefined;
  const total = values
    .map((value) => b.op('ReduceSumSquare', [value], { keepdims: { kind: 'int', value: 0 } }))
    .reduce(b.add);
  return b.mul(b.mul(total, 0.5), lambda);
}

export const l2 = defineRegularizer({
  type: 'l2',
  title: 'L2 (ridge)',
  technique: 'T2',
  summary:
    'Adds half of lambda times the squared weights to the objective, so that it passes through the gradient and the optimizer.',
  strength: { unit: 'coefficient lambda', default: 1e-3, range: [1e-6, 1], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({ include: penalizedRoles }),
  hooks: {
    objective: ({ b, strength }, { include }, weights) =>
      halfSquaredNorm(
        b,
        weights.filter(({ parameter }) => penalizes(parameter, include)).map(({ value }) => value),
        strength,
      ),
  },
  conflicts: (_self, { optimizer }) => [
    ...(optimizer === 'adam' || optimizer === 'adamw'
      ? [
          {
            code: 'L2_WITH_ADAPTIVE_OPTIMIZER',
            severity: 'warning' as const,
            message: `${optimizer} divides the penalty's gradient by its own scale: weights with large gradients are regularized less`,
            remedy: 'Use weight-decay with adaptive optimizers',
          },
        ]
      : []),
  ],
  cost: { training: 'one reduction and one pass over the weights a step', inference: 'none' },
  fails: [
    'With adaptive optimizers it is not weight decay: its gradient is rescaled per coordinate.',
    'Too strong: train and validation are both poor.',
  ],
  dataSize: 'For a linear model the best lambda shrinks as 1 / rows when the penalty is written against the mean loss.',
  references: [
    'Hoerl and Kennard, Ridge Regression, Technometrics 1970',
    'scikit-learn Ridge: its alpha is rows * our strength when the loss is half the mean squared error',
  ],
});
