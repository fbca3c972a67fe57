import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { RandomSite } from '../../graph/random.js';
import { defineRegularizer, type Parameter, type SiteDescription } from '../regularizer.js';
import { varianceShift } from '../variance-shift.js';

const MODES = ['element', 'spatial', 'attention', 'embedding', 'connect'] as const;
type Mode = (typeof MODES)[number];

/**
 * Inverted dropout: each element is kept with probability 1 - rate and scaled by 1 / (1 - rate). `shape` is that of the
 * mask and broadcasts to x: x's own for element dropout, [batch, channels, 1, 1] for whole channels.
 */
export function dropElements(b: GraphBuilder, x: Value, rate: Value, random: RandomSite, shape = x.shape): Value {
  const scale = b.reciprocal(b.sub(1, rate));
  // The mask times its scale is small beside x where whole channels are dropped, and a product is faster than a choice.
  const factor = b.detached(() => b.mul(random.bernoulli(shape, b.sub(1, rate)), scale));
  return b.mul(x, factor);
}

/** Whether a mode drops activations at a site: single pixels of a feature map are so correlated that dropping them hides nothing. */
function actsAt(mode: Mode, { kind, map }: Pick<SiteDescription, 'kind' | 'map'>): boolean {
  if (mode === 'attention' || kind === 'attention') return mode === kind;
  return mode === 'spatial' ? map === true : mode === 'element' && map !== true;
}

/** Whether a mode drops weights of a parameter, and the shape of its mask. */
function maskOf(mode: Mode, { role, shape, head, lookup }: Parameter): readonly number[] | undefined {
  if (mode === 'embedding') return lookup === true ? [shape[0], ...shape.slice(1).map(() => 1)] : undefined;
  // Wan et al. leave the last layer alone; a convolution's few weights are shared by all positions.
  return mode === 'connect' && role === 'weight' && shape.length === 2 && head !== true ? shape : undefined;
}

export const dropout = defineRegularizer({
  type: 'dropout',
  title: 'Dropout',
  technique: 'T6',
  summary:
    'Zeroes activations, whole channels, attention, rows of embeddings or weights at random while training, and scales the rest up.',
  strength: { unit: 'drop probability', default: 0.2, range: [0.05, 0.7], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({
    mode: z
      .enum(MODES)
      .default('element')
      .describe(
        'element: single activations after dense layers and blocks; spatial: whole channels after convolutions; attention: attention probabilities; embedding: whole rows of embedding tables; connect: single weights of hidden dense layers (DropConnect)',
      ),
  }),
  hooks: {
    forward: ({ b, strength, random }, { mode }, { name, kind, value }) => {
      const { shape } = value;
      if (!actsAt(mode, { kind, ...(shape.length >= 4 ? { map: true } : {}) })) return value;
      const mask = mode === 'spatial' ? [shape[0], shape[1], ...shape.slice(2).map(() => 1)] : shape;
      return dropElements(b, value, strength, random(name), mask);
    },
    weight: ({ b, strength, random, phase }, { mode }, { parameter, value }) => {
      const mask = phase === 'training' ? maskOf(mode, parameter) : undefined;
      return mask === undefined ? value : dropElements(b, value, strength, random(parameter.name), mask);
    },
  },
  conflicts: ({ options: { mode } }, { sites = [] }) =>
    varianceShift(
      'dropout',
      sites.filter((site) => actsAt(mode, site)),
    ),
  cost: {
    training: 'one 32-bit hash and two passes an activation, or a weight (about 5 ns an element)',
    inference: 'none',
  },
  fails: [
    'Before batch normalization: training and inference variance differ (X14).',
    'Small networks, or data plentiful for the capacity: it underfits.',
    'With aggressive pruning: both remove capacity.',
  ],
  dataSize: 'Helps with few rows for the capacity; costs epochs otherwise.',
  references: [
    'Srivastava et al., Dropout, JMLR 2014',
    'Tompson et al., Efficient Object Localization Using Convolutional Networks, CVPR 2015 (spatial)',
    'Vaswani et al., Attention Is All You Need, 2017; PyTorch MultiheadAttention(dropout) (attention)',
    'Gal and Ghahramani, A Theoretically Grounded Application of Dropout in Recurrent Neural Networks, NeurIPS 2016 (embedding)',
    'Wan et al., Regularization of Neural Networks using DropConnect, ICML 2013 (connect)',
    'Merity, Keskar and Socher, Regularizing and Optimizing LSTM Language Models, 2017; awd-lstm embed_regularize and weight_drop (one mask a batch)',
    'Li et al., Understanding the Disharmony between Dropout and Batch Normalization, CVPR 2019',
  ],
});
