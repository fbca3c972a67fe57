import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { gradients } from '../../graph/gradients.js';
import { isFloat } from '../../graph/operators/operator.js';
import { CONTINUOUS } from '../needs.js';
import { defineRegularizer } from '../regularizer.js';

/**
 * Sum over the inputs of || d scalar / d input ||^2, itself differentiable. Rows do not depend on each other but through
 * batch normalization, so that for a sum over rows one backward pass serves them all.
 */
export function squaredGradient(b: GraphBuilder, scalar: Value, inputs: readonly Value[]): Value | undefined {
  const found = gradients(b, scalar, inputs).filter((gradient) => gradient !== undefined);
  return found.length === 0 ? undefined : found.map((gradient) => b.reduceSum(b.mul(gradient, gradient))).reduce(b.add);
}

export const gradientPenalty = defineRegularizer({
  type: 'gradient-penalty',
  title: 'Gradient and Jacobian penalty',
  technique: 'T4',
  summary:
    'Penalizes how fast the loss, or the output, changes with the input: the squared norm of its gradient, averaged over the batch.',
  strength: { unit: 'coefficient lambda', default: 0.01, range: [1e-4, 10], scale: 'log', limits: [0, 1e6] },
  options: z.strictObject({
    of: z
      .enum(['loss', 'output'])
      .default('output')
      .describe(
        "loss: gradient of each row's loss (double backpropagation); output: Jacobian of the logits, by one random projection a step",
      ),
  }),
  hooks: {
    objective: ({ b, strength, batchSize, outputs, random, labelled }, { of }, _weights, view) => {
      const inputs = Object.values(view.batch.inputs).filter(({ type }) => isFloat(type));
      if (inputs.length === 0) return undefined;
      const projected = (): Value => {
        const v = random('projection').normal([batchSize, outputs]);
        const direction = b.detached(() => b.div(v, b.sqrt(b.reduceSum(b.mul(v, v), [1], true))));
        return b.reduceSum(b.mul(view.logits, direction));
      };
      const losses = (): Value => {
        const known = labelled();
        return b.reduceSum(known === undefined ? view.losses : b.mul(view.losses, known));
      };
      const squares = squaredGradient(b, of === 'loss' ? losses() : projected(), inputs);
      if (squares === undefined) return undefined;
      // E over unit vectors v of ||v' J||^2 is ||J||_F^2 / outputs.
      return b.mul(squares, b.mul(strength, (of === 'loss' ? 1 : outputs / 2) / batchSize));
    },
  },
  needs: { content: CONTINUOUS },
  conflicts: (_self, { operators }) =>
    operators.includes('BatchNormalization')
      ? [
          {
            code: 'GRADIENT_PENALTY_WITH_BATCH_NORM',
            severity: 'warning',
            message:
              'batch normalization lets rows depend on each other, so that the gradient of a row mixes in others',
            remedy: 'Use layer or group normalization beside gradient-penalty',
          },
        ]
      : [],
  cost: {
    training: 'a second backward pass through the network and its derivative: about 3 times the plain step',
    inference: 'none',
  },
  fails: [
    'ReLU networks: the slope is bounded where training rows lie, and may jump just beside them.',
    'With batch normalization rows depend on each other, and the Jacobian of a row mixes in that of others.',
    'Too strong: the function becomes flat (F1).',
  ],
  dataSize: 'Helps with few rows and noisy inputs; widens margins at any size.',
  references: [
    'Drucker and LeCun, Improving Generalization Performance Using Double Backpropagation, IEEE TNN 1992',
    'Hoffman, Roberts and Yaida, Robust Learning with Jacobian Regularization, 2019 (random projections; lambda / 2 ||J||_F^2)',
  ],
});
