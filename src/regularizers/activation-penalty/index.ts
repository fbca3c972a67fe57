import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { defineRegularizer } from '../regularizer.js';

/** Mean of |x| or of x^2 over all elements. */
export function meanSize(b: GraphBuilder, x: Value, norm: 'l1' | 'l2'): Value {
  return b.reduceMean(norm === 'l1' ? b.abs(x) : b.mul(x, x));
}

export const activationPenalty = defineRegularizer({
  type: 'activation-penalty',
  title: 'Activation penalty',
  technique: 'T4',
  summary: 'Adds lambda times the mean size of hidden activations, absolute (sparse codes) or squared.',
  strength: { unit: 'coefficient lambda', default: 1e-3, range: [1e-5, 1], scale: 'log', limits: [0, 1e4] },
  options: z.strictObject({
    norm: z
      .enum(['l1', 'l2'])
      .default('l1')
      .describe('l1: mean absolute activation, sparse; l2: mean squared activation'),
  }),
  readsActivations: true,
  hooks: {
    objective: ({ b, strength }, { norm }, _weights, { activations }) => {
      const sizes = activations.filter(({ kind }) => kind !== 'attention').map(({ value }) => meanSize(b, value, norm));
      return sizes.length === 0 ? undefined : b.mul(sizes.reduce(b.add), strength);
    },
  },
  cost: { training: 'two passes over the activations a step (about 1 ns an element)', inference: 'none' },
  fails: [
    'Before a normalization it does nothing but shrink the scale that the normalization restores.',
    'Too strong: units die, and a dead ReLU does not come back.',
  ],
  dataSize: 'Helps where a few features explain a row, whatever the number of rows.',
  references: [
    'Glorot, Bordes and Bengio, Deep Sparse Rectifier Neural Networks, AISTATS 2011',
    'Merity, McCann and Socher, Revisiting Activation Regularization for Language RNNs, 2017 (l2)',
    'Keras ActivityRegularization; there the sum over a layer, here its mean, so that a strength fits any width',
  ],
});
