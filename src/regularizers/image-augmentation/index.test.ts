import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ComputedOptions, computed, stepContext } from '../../../test/support/computed.js';
import {
  type Inputs,
  openRuntimes,
  PICTURES,
  problem,
  SMALL_CNN,
  trained,
} from '../../../test/support/training-problem.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { imageAugmentation, resamplingMatrix } from './index.js';

interface Golden {
  readonly image: readonly (readonly number[])[];
  readonly shift: readonly [number, number];
  readonly zoom: readonly [number, number];
  readonly moved: readonly (readonly number[])[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/affine.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

/** rows @ image @ columns', with one shift and zoom an axis. */
async function moved(
  image: readonly (readonly number[])[],
  [down, right]: readonly number[],
  [tall, wide]: readonly number[],
): Promise<number[]> {
  const [height, width] = [image.length, image[0].length];
  const { y } = await computed(
    {
      image: float32([1, height, width], image.flat()),
      down: float32([1, 1, 1], [down]),
      right: float32([1, 1, 1], [right]),
      tall: float32([1, 1, 1], [tall]),
      wide: float32([1, 1, 1], [wide]),
    },
    ({ b, inputs }) => {
      const rows = resamplingMatrix(b, height, inputs.down, inputs.tall);
      const columns = resamplingMatrix(b, width, inputs.right, inputs.wide);
      return { y: b.batchMatMul(b.matMul(rows, inputs.image), columns, { transB: true }) };
    },
  );
  return y;
}

describe('resamplingMatrix', () => {
  it.each(cases.map((golden, i) => ({ i, golden })))(
    'moves an image as scipy.ndimage.affine_transform: case $i',
    async ({ golden: { image, shift, zoom, moved: expected } }) => {
      const found = await moved(image, shift, zoom);
      expected.flat().forEach((value, i) => {
        expect(Math.abs(found[i] - value)).toBeLessThan(1e-5);
      });
    },
  );

  it('moves by whole pixels exactly, and mirrors exactly', async () => {
    const stream = derive(4, 'image');
    const image = Array.from({ length: 5 }, () => Array.from({ length: 6 }, () => Math.fround(stream.normal())));
    const at = (row: number, column: number): number => image[row]?.[column] ?? 0;
    const expected = (read: (r: number, c: number) => number): number[] =>
      image.flatMap((line, r) => line.map((_, c) => read(r, c)));
    expect(await moved(image, [0, 0], [1, 1])).toEqual(image.flat());
    expect(await moved(image, [2, -1], [1, 1])).toEqual(expected((r, c) => at(r + 2, c - 1)));
    expect(await moved(image, [0, 0], [1, -1])).toEqual(expected((r, c) => at(r, 5 - c)));
    expect(await moved(image, [0, 0], [-1, -1])).toEqual(expected((r, c) => at(4 - r, 5 - c)));
  });
});

type Options = Parameters<NonNullable<typeof imageAugmentation.hooks.batch>>[1];
const STILL: Options = { crop: 0, zoom: 0, flip: 'none', noise: 0 };
const IMAGES: Inputs = [{ name: 'x', content: 'image', type: 'float32', shape: [2, 6, 5] }];

/** Augments a batch of images [count, 2, 6, 5]. */
async function augmented(
  images: readonly number[],
  options: Options,
  strength = 1,
  more?: ComputedOptions,
): Promise<number[]> {
  const count = images.length / 60;
  const { y } = await computed(
    {
      x: float32([count, 2, 6, 5], images),
      target: float32([count, 1], new Float32Array(count)),
      s: float32([], [strength]),
    },
    (computation) => {
      const { inputs } = computation;
      const context = stepContext(computation, inputs.s, { inputs: IMAGES, batchSize: count });
      const batch = imageAugmentation.hooks.batch!(context, options, {
        inputs: { x: inputs.x },
        target: inputs.target,
      });
      expect(batch.target).toBe(inputs.target);
      return { y: batch.inputs.x };
    },
    more,
  );
  return y;
}

const pictures = (count: number): number[] => {
  const stream = derive(9, 'pictures', count);
  return Array.from({ length: count * 60 }, () => Math.fround(stream.normal()));
};

describe('image-augmentation', () => {
  it('is the identity at strength 0, to the bit', async () => {
    const images = pictures(7);
    expect(await augmented(images, { crop: 0.4, zoom: 0.3, flip: 'both', noise: 1 }, 0)).toEqual(images);
  });

  it('mirrors half of the images at strength 1, whole images, channels together', async () => {
    const count = 2000;
    const images = pictures(count);
    const result = await augmented(images, { ...STILL, flip: 'horizontal' });
    let mirrored = 0;
    for (let n = 0; n < count; n++) {
      const image = images.slice(60 * n, 60 * n + 60);
      const flipped = image.map((_, i) => image[i - (i % 5) + 4 - (i % 5)]);
      const found = result.slice(60 * n, 60 * n + 60);
      const isMirrored = found[0] === flipped[0];
      expect(found).toEqual(isMirrored ? flipped : image);
      if (isMirrored) mirrored++;
    }
    expect(Math.abs(mirrored / count - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / count));
  });

  it('scales the odds of mirroring by the strength', async () => {
    const count = 2000;
    const images = pictures(count);
    const result = await augmented(images, { ...STILL, flip: 'vertical' }, 0.4);
    const changed = Array.from({ length: count }, (_, n) => result[60 * n] !== images[60 * n]).filter(Boolean).length;
    expect(Math.abs(changed / count - 0.2)).toBeLessThan(5 * Math.sqrt(0.16 / count));
  });

  it('moves each image by its own amount within crop * size * strength', async () => {
    // A ramp along the width: after a shift by s, an inner pixel reads its own place plus s.
    const count = 400;
    const ramp = Array.from({ length: count * 60 }, (_, i) => i % 5);
    const result = await augmented(ramp, { ...STILL, crop: 0.2 }, 0.5);
    const shifts = Array.from({ length: count }, (_, n) => result[60 * n + 12] - 2);
    const limit = 0.2 * 5 * 0.5;
    expect(Math.max(...shifts.map(Math.abs))).toBeLessThanOrEqual(limit + 1e-5);
    expect(Math.max(...shifts)).toBeGreaterThan(0.9 * limit);
    expect(Math.min(...shifts)).toBeLessThan(-0.9 * limit);
    expect(new Set(shifts).size).toBeGreaterThan(0.9 * count);
    expect(Math.abs(shifts.reduce((a, b) => a + b) / count)).toBeLessThan((5 * limit) / Math.sqrt(3 * count));
  });

  it('adds noise of the declared deviation times the strength', async () => {
    const images = pictures(300);
    const result = await augmented(images, { ...STILL, noise: 0.8 }, 0.5);
    const errors = result.map((value, i) => value - images[i]);
    const deviation = Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
    expect(Math.abs(deviation / 0.4 - 1)).toBeLessThan(5 / Math.sqrt(2 * errors.length));
  });

  it('draws anew at every step, and the same at the same step', async () => {
    const images = pictures(3);
    const options: Options = { crop: 0.2, zoom: 0.1, flip: 'both', noise: 0.1 };
    const first = await augmented(images, options, 1, { step: 1 });
    expect(await augmented(images, options, 1, { step: 1 })).toEqual(first);
    expect(await augmented(images, options, 1, { step: 2 })).not.toEqual(first);
  });

  it('is refused where every amount is 0', async () => {
    const { ffi } = await openRuntimes();
    const still = { type: 'image-augmentation', strength: 1, crop: 0, zoom: 0 };
    const given = problem({ inputs: PICTURES, model: SMALL_CNN, regularizers: [still] });
    await expect(trained(ffi, given)).rejects.toMatchObject({ code: 'REGULARIZER_WITHOUT_EFFECT' });
  });

  it('does not touch what the network sees at inference', async () => {
    const { ffi } = await openRuntimes();
    const still = { optimizer: { type: 'sgd', learningRate: 1e-30 } };
    const setting = { inputs: PICTURES, model: SMALL_CNN, training: still };
    const plain = await trained(ffi, problem(setting));
    const given = problem({ ...setting, regularizers: [{ type: 'image-augmentation', strength: 1 }] });
    const with_ = await trained(ffi, given);
    expect(with_.outputs).toEqual(plain.outputs);
  });
});
