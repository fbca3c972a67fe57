import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { defineRegularizer } from '../regularizer.js';

/**
 * -sum_c t_c (1 - p_c)^gamma log p_c of each row, p = softmax(logits): [batch].
 *
 * With one-hot targets and two classes it is the binary focal loss of the difference of the logits.
 */
function focalLosses(b: GraphBuilder, logits: Value, targets: Value, gamma: Operand): Value {
  const logP = b.logSoftmax(logits);
  // A probability that rounds to 1 has a loss of 0; the power's own derivative there may be infinite.
  const missing = b.maximum(b.sub(1, b.exp(logP)), 1e-12);
  return b.neg(b.reduceSum(b.mul(targets, b.mul(b.pow(missing, gamma), logP)), [1]));
}

export const focal = defineRegularizer({
  type: 'focal',
  title: 'Focal loss',
  technique: 'T11',
  summary:
    'Scales the cross-entropy of a row by (1 - p)^gamma, so that rows already right weigh little and hard ones most.',
  strength: { unit: 'focusing gamma', default: 2, range: [0.5, 5], scale: 'linear', limits: [0, 20] },
  options: z.strictObject({}),
  hooks: {
    losses: ({ b, strength }, _options, _losses, { logits, targets }) => focalLosses(b, logits, targets, strength),
  },
  needs: { classes: true },
  cost: { training: 'four passes over the logits a step', inference: 'none' },
  fails: [
    'Wrong labels are the hardest rows of all: focal loss chases them.',
    'Its probabilities are too low in the middle range: recalibrate, and choose thresholds on validation rows.',
    'It is no cure for imbalance by itself: a ranking (PR-AUC) often does not change.',
  ],
  dataSize: 'Most where easy rows outnumber hard ones by far; little on small or balanced sets.',
  references: [
    'Lin et al., Focal Loss for Dense Object Detection, ICCV 2017',
    'torchvision.ops.sigmoid_focal_loss (gamma 2)',
    'Mukhoti et al., Calibrating Deep Neural Networks using Focal Loss, NeurIPS 2020 (softmax form)',
  ],
});
