import { z } from 'zod';
import type { Value } from '../../graph/builder.js';
import { int64 } from '../../graph/tensor.js';
import type { Border } from '../image-augmentation/geometry.js';
import { boundsOf } from '../image-augmentation/range.js';
import { defineRegularizer } from '../regularizer.js';
import { type Amounts, COLOURS, MOVES, type Placed, placed, randomOperation } from './operations.js';

const OPERATIONS = ['identity', ...MOVES, ...COLOURS] as const;

/** The largest magnitude, at which amounts are those that AutoAugment was searched with. */
const LARGEST = 30;

/** Amounts at magnitude 30, as in torchvision: up to 150 of 331 pixels, down to 4 bits. */
const AMOUNTS: Amounts = {
  translate: 150 / 331,
  bits: (b, level) => b.sub(8, b.op('Round', [b.mul(level, 4)])),
};

export const border = z
  .enum(['edge', 'mirror', 'dark', 'mean'])
  .default('edge')
  .describe('What comes in from outside: the nearest pixel, the mirror image, black, or the mean tone');

export const randAugment = defineRegularizer({
  type: 'rand-augment',
  title: 'RandAugment',
  technique: 'T8',
  summary:
    'Changes each training image by N operations drawn at random from 14, all at one magnitude M: two numbers instead of a policy.',
  strength: { unit: 'magnitude M of 30', default: 9, range: [1, 20], scale: 'linear', limits: [0, LARGEST] },
  options: z.strictObject({
    operations: z.int().min(1).max(6).default(2).describe('Operations an image, N'),
    choose: z
      .array(z.enum(OPERATIONS))
      .min(1)
      .default([...OPERATIONS])
      .describe('What operations are drawn from; leave out what labels do not survive or production never shows'),
    border,
  }),
  augments: true,
  hooks: {
    batch: ({ b, inputs, strength, random }, { operations, choose, border: outside }, batch) => {
      const augmented: Record<string, Value> = { ...batch.inputs };
      for (const input of inputs.filter(({ content, shape }) => content === 'image' && shape.length === 3)) {
        const images = batch.inputs[input.name];
        const site = random(input.name);
        augmented[input.name] = b.detached(() => {
          const { low, high } = boundsOf(b, input, images);
          const span = b.sub(high, low);
          const unit = b.clip(b.div(b.sub(images, low), span), 0, 1);
          const tone: Border =
            outside === 'dark' ? b.scalar(0) : outside === 'mean' ? b.neg(b.div(low, span)) : outside;
          const level = b.mul(strength, 1 / LARGEST);
          const how = {
            operations: choose,
            levels: (rows: number) => b.expand(b.reshape(level, [1, 1, 1, 1]), [rows, 1, 1, 1]),
            amounts: AMOUNTS,
            border: tone,
          };
          const rows = unit.shape[0];
          const all = int64(
            [rows],
            Array.from({ length: rows }, (_, i) => i),
          );
          let left: Placed = { from: unit, place: b.constant(all) };
          for (let i = 0; i < operations; i++) left = randomOperation(b, left, site, how);
          const changed = placed(b, left);
          // Some operations have no amount: none acts at magnitude 0.
          const acts = b.cast(b.greater(strength, 0), 'float32');
          return b.add(images, b.mul(b.sub(changed, unit), b.mul(span, acts)));
        });
      }
      return { inputs: augmented, target: batch.target };
    },
  },
  needs: { content: ['image'] },
  conflicts: ({ options: { choose } }) =>
    choose.every((operation) => operation === 'identity')
      ? [
          {
            code: 'RAND_AUGMENT_WITHOUT_OPERATIONS',
            severity: 'error',
            message: 'rand-augment has nothing to choose from but identity',
            remedy: 'Add operations to choose, or remove rand-augment',
          },
        ]
      : [],
  cost: {
    training: 'some 20 ns a pixel and operation (an operation is computed for the images it was drawn for alone)',
    inference: 'none',
  },
  fails: [
    'Operations that change the label (colour that is the class, a shape that a slant makes another): leave them out of choose (X8).',
    'Small networks: a large magnitude is more than they can fit.',
  ],
  dataSize:
    'The best magnitude grows with the network and the number of images; with few images a class image-augmentation is easier to bound.',
  references: [
    'Cubuk et al., RandAugment: Practical Automated Data Augmentation with a Reduced Search Space, NeurIPS 2020',
    'torchvision.transforms.v2.RandAugment (operations, amounts and defaults: N = 2, M = 9 of 30)',
  ],
});
