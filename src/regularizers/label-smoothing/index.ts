import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { defineRegularizer } from '../regularizer.js';

/** (1 - epsilon) * t + epsilon / classes, row by row. */
export function smoothTargets(b: GraphBuilder, targets: Value, epsilon: Operand): Value {
  const classes = targets.shape[targets.shape.length - 1];
  return b.add(b.mul(targets, b.sub(1, epsilon)), b.div(epsilon, classes));
}

export const labelSmoothing = defineRegularizer({
  type: 'label-smoothing',
  title: 'Label smoothing',
  technique: 'T11',
  summary:
    'Trains against (1 - epsilon) of the label and epsilon spread over all classes, so that logits stay bounded.',
  strength: { unit: 'share epsilon', default: 0.1, range: [0.01, 0.3], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({}),
  hooks: { targets: ({ b, strength }, _options, targets) => smoothTargets(b, targets, strength) },
  needs: { classes: true },
  cost: { training: 'one pass over the targets a step', inference: 'none' },
  fails: [
    'It may make a model underconfident: look at the reliability diagram and recalibrate.',
    'Minority classes lose most when many classes share epsilon.',
    'A teacher trained with it distils worse.',
  ],
  dataSize: 'Small but steady effect at any size; most where labels are noisy.',
  references: [
    'Szegedy et al., Rethinking the Inception Architecture, CVPR 2016',
    'Müller, Kornblith and Hinton, When Does Label Smoothing Help?, NeurIPS 2019',
    'PyTorch CrossEntropyLoss(label_smoothing=epsilon)',
  ],
});
