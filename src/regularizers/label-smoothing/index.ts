import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { float32 } from '../../graph/tensor.js';
import { defineRegularizer } from '../regularizer.js';

/**
 * (1 - epsilon) * t + epsilon * prior, row by row.
 *
 * @param prior share of each class; all alike where it is left out
 */
export function smoothTargets(b: GraphBuilder, targets: Value, epsilon: Operand, prior?: readonly number[]): Value {
  const classes = targets.shape[targets.shape.length - 1];
  const spread =
    prior === undefined
      ? b.div(epsilon, classes)
      : b.mul(b.constant(float32([1, classes], Float32Array.from(prior))), epsilon);
  return b.add(b.mul(targets, b.sub(1, epsilon)), spread);
}

export const labelSmoothing = defineRegularizer({
  type: 'label-smoothing',
  title: 'Label smoothing',
  technique: 'T11',
  summary:
    'Trains against (1 - epsilon) of the label and epsilon spread over the classes, so that logits stay bounded.',
  strength: { unit: 'share epsilon', default: 0.1, range: [0.01, 0.3], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({
    prior: z
      .enum(['uniform', 'classes'])
      .default('uniform')
      .describe('How epsilon is spread: over all classes alike, or by their shares of the training rows'),
  }),
  hooks: {
    targets({ b, strength, classRows }, { prior }, targets) {
      if (prior === 'uniform') return smoothTargets(b, targets, strength);
      const rows = classRows.reduce((sum, count) => sum + count, 0);
      return smoothTargets(
        b,
        targets,
        strength,
        classRows.map((count) => count / rows),
      );
    },
  },
  needs: { classes: true },
  cost: { training: 'one pass over the targets a step', inference: 'none' },
  fails: [
    'It may make a model underconfident: look at the reliability diagram and recalibrate.',
    'Minority classes lose most when many classes share epsilon, and more with the class prior, which gives the majority most of it.',
    'A teacher trained with it distils worse.',
  ],
  dataSize: 'Small but steady effect at any size; most where labels are noisy.',
  references: [
    'Szegedy et al., Rethinking the Inception Architecture, CVPR 2016',
    'Müller, Kornblith and Hinton, When Does Label Smoothing Help?, NeurIPS 2019',
    'PyTorch CrossEntropyLoss(label_smoothing=epsilon)',
  ],
});
