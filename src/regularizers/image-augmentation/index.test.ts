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
import type { Setting } from '../regularizer.js';
import { imageAugmentation } from './index.js';

type Options = Parameters<NonNullable<typeof imageAugmentation.hooks.batch>>[1];
const STILL: Options = { ...imageAugmentation.options.parse({}), crop: 0, zoom: 0 };
const EVERYTHING: Options = {
  ...STILL,
  crop: 0.2,
  zoom: 0.1,
  flip: 'both',
  rotate: 30,
  shear: 10,
  brightness: 0.3,
  contrast: 0.3,
  noise: 0.1,
  erase: 0.3,
};
const IMAGES: Inputs = [{ name: 'x', content: 'image', type: 'float32', shape: [2, 6, 5] }];

/** Augments a batch of images [count, 2, 6, 5]. */
async function augmented(
  images: readonly number[],
  options: Options,
  strength = 1,
  more?: ComputedOptions & { inputs?: Inputs },
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
      const context = stepContext(computation, inputs.s, { inputs: more?.inputs ?? IMAGES, batchSize: count });
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
  it('is the identity at strength 0: to the bit along the axes, to rounding otherwise', async () => {
    const images = pictures(7);
    expect(await augmented(images, { ...STILL, crop: 0.4, zoom: 0.3, flip: 'both', noise: 1 }, 0)).toEqual(images);
    const result = await augmented(images, EVERYTHING, 0);
    images.forEach((value, i) => {
      expect(Math.abs(result[i] - value)).toBeLessThan(2e-6);
    });
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
    const first = await augmented(images, EVERYTHING, 1, { step: 1 });
    expect(await augmented(images, EVERYTHING, 1, { step: 1 })).toEqual(first);
    expect(await augmented(images, EVERYTHING, 1, { step: 2 })).not.toEqual(first);
  });

  it('turns each image by its own angle within rotate * strength', async () => {
    // The middle of a ramp tilts by the sine of the angle: its slope down the image.
    const count = 300;
    const ramp = Array.from({ length: count * 60 }, (_, i) => i % 5);
    const result = await augmented(ramp, { ...STILL, rotate: 40 }, 0.5);
    const angles = Array.from({ length: count }, (_, n) => {
      const at = (row: number): number => result[60 * n + 5 * row + 2];
      return (Math.asin(at(3) - at(2)) * 180) / Math.PI;
    });
    expect(Math.max(...angles.map(Math.abs))).toBeLessThanOrEqual(20.01);
    expect(Math.max(...angles)).toBeGreaterThan(18);
    expect(Math.min(...angles)).toBeLessThan(-18);
    expect(new Set(angles).size).toBeGreaterThan(0.9 * count);
  });

  it('stays within the range of the data whatever it does', async () => {
    const range = { low: [-0.5, -1], high: [0.7, 2] };
    const images = pictures(200).map((value, i) => {
      const channel = Math.floor(i / 30) % 2;
      return Math.min(range.high[channel], Math.max(range.low[channel], value));
    });
    for (const border of ['edge', 'mirror', 'dark', 'mean'] as const) {
      const options: Options = { ...EVERYTHING, brightness: 1, contrast: 1, noise: 2, border };
      const result = await augmented(images, options, 1, { inputs: [{ ...IMAGES[0], range }] });
      for (const channel of [0, 1]) {
        const values = result.filter((_, i) => Math.floor(i / 30) % 2 === channel);
        expect(Math.min(...values)).toBeGreaterThanOrEqual(Math.fround(range.low[channel]) - 1e-6);
        expect(Math.max(...values)).toBeLessThanOrEqual(Math.fround(range.high[channel]) + 1e-6);
      }
    }
  });

  it('brings in black, the mean tone or the edge from outside', async () => {
    const range = { low: [-1, -3], high: [4, 4] };
    const images = Array.from({ length: 60 * 50 }, () => 3);
    const values = async (border: Options['border']): Promise<Set<number>> =>
      new Set(
        (await augmented(images, { ...STILL, crop: 0.5, border }, 1, { inputs: [{ ...IMAGES[0], range }] })).map(
          (value) => Math.round(value * 1e4) / 1e4,
        ),
      );
    expect(await values('edge')).toEqual(new Set([3]));
    expect(await values('mirror')).toEqual(new Set([3]));
    const mean = await values('mean');
    expect([Math.min(...mean), Math.max(...mean)]).toEqual([0, 3]);
    expect(Math.min(...(await values('dark')))).toBe(-3);
  });

  it('erases one rectangle of half of the images, within the declared area', async () => {
    const count = 1000;
    const images = Array.from({ length: count * 60 }, () => 1);
    const result = await augmented(images, { ...STILL, erase: 0.4 });
    let hit = 0;
    for (let n = 0; n < count; n++) {
      const plane = result.slice(60 * n, 60 * n + 30);
      expect(result.slice(60 * n + 30, 60 * n + 60)).toEqual(plane);
      const gone = plane.flatMap((value, i) => (value === 0 ? [[Math.floor(i / 5), i % 5]] : []));
      if (gone.length === 0) continue;
      hit++;
      const [rows, columns] = [0, 1].map((axis) => new Set(gone.map((at) => at[axis])).size);
      expect(rows * columns).toBe(gone.length);
      // Sides are rounded to whole pixels.
      expect(gone.length).toBeLessThanOrEqual((Math.sqrt(0.4 * 30 * 3.34) + 0.5) * (Math.sqrt(0.4 * 30 * 3.34) + 0.5));
    }
    // The smallest areas may round to nothing.
    expect(hit / count).toBeGreaterThan(0.35);
    expect(hit / count).toBeLessThan(0.55);
  });

  it('cuts out a square of every image, over its border too', async () => {
    const count = 500;
    const result = await augmented(
      Array.from({ length: count * 60 }, () => 1),
      {
        ...STILL,
        erase: 0.3,
        eraseShape: 'square',
      },
    );
    const areas = Array.from(
      { length: count },
      (_, n) => result.slice(60 * n, 60 * n + 30).filter((value) => value === 0).length,
    );
    // 0.3 of 30 pixels is 3 x 3.
    expect(Math.max(...areas)).toBe(9);
    expect(Math.min(...areas)).toBeGreaterThanOrEqual(4);
    expect(new Set(areas).size).toBeGreaterThan(2);
  });

  it('leaves an image alone whose content would go out of view', async () => {
    const count = 300;
    // One bright pixel in a corner region: large shifts lose it.
    const images = Array.from({ length: count * 60 }, (_, i) => (i % 30 === 6 ? 1 : 0));
    const total = (values: readonly number[], n: number): number =>
      values.slice(60 * n, 60 * n + 30).reduce((sum, value) => sum + value, 0);
    const options: Options = { ...STILL, crop: 0.5, border: 'mean' };
    const free = await augmented(images, options);
    const kept = await augmented(images, { ...options, keep: 0.9 });
    const least = (values: readonly number[]): number =>
      Math.min(...Array.from({ length: count }, (_, n) => total(values, n)));
    expect(least(free)).toBe(0);
    expect(least(kept)).toBeGreaterThan(0.89);
    expect(kept).not.toEqual(images);
  });

  it('is refused where it changes what the classes of the run mean', () => {
    const conflicts = (given: Partial<Options>): readonly string[] =>
      imageAugmentation.conflicts!(
        { regularizer: imageAugmentation, strength: 1, schedule: undefined, options: { ...STILL, ...given } },
        { classes: Array.from({ length: 10 }, (_, i) => String(i)) } as unknown as Setting,
      ).map(({ code }) => code);
    expect(conflicts({ flip: 'horizontal' })).toEqual(['AUGMENTATION_CHANGES_LABELS']);
    expect(conflicts({ flip: 'horizontal', labelsSurvive: ['mirror'] })).toEqual([]);
    expect(conflicts({ rotate: 15 })).toEqual([]);
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
