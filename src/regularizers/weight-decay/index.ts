import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { penalizedRoles } from '../options.js';
import { defineRegularizer, penalizes } from '../regularizer.js';

/** Decoupled decay: (1 - learningRate * lambda) * w, independent of the gradient and of its adaptive scaling. */
export function decayWeights(b: GraphBuilder, w: Value, learningRate: Value, lambda: Operand): Value {
  return b.mul(w, b.sub(1, b.mul(learningRate, lambda)));
}

export const weightDecay = defineRegularizer({
  type: 'weight-decay',
  title: 'Decoupled weight decay',
  technique: 'T3',
  summary: 'Shrinks every weight by learning rate times lambda at each step, outside the gradient (AdamW, SGDW).',
  strength: { unit: 'coefficient lambda', default: 1e-2, range: [1e-5, 1], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({ include: penalizedRoles }),
  hooks: {
    decay: ({ b, learningRate, strength }, { include }, { parameter }, kept) =>
      penalizes(parameter, include) ? decayWeights(b, kept, learningRate, strength) : kept,
  },
  cost: { training: 'one multiplication a weight and step', inference: 'none' },
  fails: [
    'The learning rate is so low, or training so short, that learning rate * lambda * steps stays far below 1: nothing decays.',
    'Weights feed a normalization layer: their scale has no effect on the output, and decay only raises the effective learning rate.',
  ],
  dataSize: 'Helps most with few rows for the capacity; with abundant data the best lambda tends to 0.',
  references: [
    'Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019',
    'PyTorch torch.optim.AdamW (weight_decay is our lambda)',
  ],
});
