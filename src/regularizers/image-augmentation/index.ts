import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32 } from '../../graph/tensor.js';
import { defineRegularizer } from '../regularizer.js';

/**
 * Rows of a resampling matrix [batch, size, size] that reads, for output pixel i, the source position
 * (i - centre) * zoom + centre + shift by linear interpolation; positions outside the image read zero.
 *
 * @param shift [batch, 1, 1], pixels
 * @param zoom [batch, 1, 1], 1 = none, negative = mirrored
 */
export function resamplingMatrix(b: GraphBuilder, size: number, shift: Value, zoom: Value): Value {
  const centre = (size - 1) / 2;
  const offsets = float32(
    [1, size, 1],
    Float32Array.from({ length: size }, (_, i) => i - centre),
  );
  const positions = float32(
    [1, 1, size],
    Float32Array.from({ length: size }, (_, j) => j - centre),
  );
  const source = b.add(b.mul(b.constant(offsets), zoom), shift);
  return b.relu(b.sub(1, b.abs(b.sub(b.constant(positions), source))));
}

export const imageAugmentation = defineRegularizer({
  type: 'image-augmentation',
  title: 'Image augmentation (flip, crop, zoom, noise)',
  technique: 'T8',
  summary:
    'Moves, zooms, mirrors and disturbs each training image by its own random amounts; the strength scales them all.',
  strength: { unit: 'share of the declared amounts', default: 1, range: [0.1, 1], scale: 'linear', limits: [0, 1] },
  options: z.strictObject({
    crop: z.number().min(0).max(0.5).default(0.1).describe('Largest shift in either direction, as a share of the side'),
    zoom: z.number().min(0).max(0.5).default(0.1).describe('Largest change of scale: 0.1 is 0.9 to 1.1'),
    flip: z
      .enum(['none', 'horizontal', 'vertical', 'both'])
      .default('none')
      .describe('Mirroring at even odds; off by default, since a mirrored digit or letter is another one'),
    noise: z.number().min(0).max(2).default(0).describe('Standard deviation of pixel noise, in those of the channel'),
  }),
  hooks: {
    batch: ({ b, batchSize, inputs, strength, random }, { crop, zoom, flip, noise }, batch) => {
      const augmented: Record<string, Value> = { ...batch.inputs };
      for (const { name } of inputs.filter(({ content }) => content === 'image')) {
        let image = batch.inputs[name];
        const [, , height, width] = image.shape;
        const dice = random(name);
        const shape = [batchSize, 1, 1];
        const symmetric = (limit: number): Value =>
          b.mul(b.mul(b.sub(b.mul(dice.uniform(shape), 2), 1), limit), strength);
        const mirror = (axis: 'horizontal' | 'vertical'): Value | undefined =>
          flip === axis || flip === 'both'
            ? b.where(dice.occurs(shape, b.mul(strength, 0.5)), -1, b.scalar(1))
            : undefined;
        const scale = zoom > 0 ? b.add(symmetric(zoom), 1) : undefined;
        const matrix = (size: number, mirrored: Value | undefined): Value => {
          const sign = mirrored ?? b.scalar(1, 'float32', shape);
          return resamplingMatrix(b, size, symmetric(crop * size), scale === undefined ? sign : b.mul(sign, scale));
        };
        if (crop > 0 || zoom > 0 || flip !== 'none') {
          const rows = b.unsqueeze(matrix(height, mirror('vertical')), [1]);
          const columns = b.unsqueeze(matrix(width, mirror('horizontal')), [1]);
          image = b.batchMatMul(b.matMul(rows, image), columns, { transB: true });
        }
        if (noise > 0) image = b.add(image, b.mul(dice.normal(image.shape), b.mul(strength, noise)));
        augmented[name] = image;
      }
      return { inputs: augmented, target: batch.target };
    },
  },
  needs: { content: ['image'] },
  cost: { training: 'two small batched matrix products an image', inference: 'none' },
  fails: [
    'A transform that changes the label (a mirrored 2, a zoomed lesion whose size is the diagnosis): constrain it (X8).',
    'Amounts beyond what production shows.',
  ],
  dataSize: 'Largest gain with few images a class.',
  references: [
    'Simard, Steinkraus and Platt, Best Practices for Convolutional Neural Networks, ICDAR 2003',
    'Jaderberg et al., Spatial Transformer Networks, NeurIPS 2015 (linear resampling kernel)',
  ],
});
