import { describe, expect, it } from 'vitest';
import { type ComputedOptions, computed, stepContext } from '../../../test/support/computed.js';
import type { Inputs } from '../../../test/support/training-problem.js';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { autocontrast, brightness, equalize, posterize, sharpness, solarize } from '../image-augmentation/colour.js';
import { randAugment } from './index.js';

type Options = Parameters<NonNullable<typeof randAugment.hooks.batch>>[1];
const DEFAULTS: Options = randAugment.options.parse({});
const [CHANNELS, HEIGHT, WIDTH] = [3, 8, 9];
const SIZE = CHANNELS * HEIGHT * WIDTH;
/** Encoded values from -1 to 1. */
const IMAGES: Inputs = [
  {
    name: 'x',
    content: 'image',
    type: 'float32',
    shape: [CHANNELS, HEIGHT, WIDTH],
    range: { low: [-1, -1, -1], high: [1, 1, 1] },
  },
];

async function augmented(
  images: readonly number[],
  options: Partial<Options>,
  strength = 9,
  more?: ComputedOptions,
): Promise<number[]> {
  const count = images.length / SIZE;
  const { y } = await computed(
    { x: float32([count, CHANNELS, HEIGHT, WIDTH], images), s: float32([], [strength]) },
    (computation) => {
      const { b, inputs } = computation;
      const context = stepContext(computation, inputs.s, { inputs: IMAGES, batchSize: count });
      const batch = { inputs: { x: inputs.x }, target: b.scalar(0, 'float32', [count, 1]) };
      return { y: randAugment.hooks.batch!(context, { ...DEFAULTS, ...options }, batch).inputs.x };
    },
    more,
  );
  return y;
}

/** Images of bytes, as encoded. */
function pictures(count: number): number[] {
  const stream = derive(9, 'pictures', count);
  return Array.from({ length: count * SIZE }, () => Math.fround((2 * stream.integer(256)) / 255 - 1));
}

/** What a function of images from 0 to 1 makes of encoded ones. */
async function directly(images: readonly number[], change: (b: GraphBuilder, x: Value) => Value): Promise<number[]> {
  const count = images.length / SIZE;
  const { y } = await computed(
    {
      x: float32(
        [count, CHANNELS, HEIGHT, WIDTH],
        images.map((v) => (v + 1) / 2),
      ),
    },
    ({ b, inputs }) => ({ y: change(b, inputs.x) }),
  );
  return y.map((value) => 2 * value - 1);
}

const near = (found: readonly number[], expected: readonly number[]): boolean =>
  expected.every((value, i) => Math.abs(found[i] - value) < 1e-5);

describe('rand-augment', () => {
  it.each<[Options['choose'][number], number, (b: GraphBuilder, x: Value, sign: number) => Value]>([
    ['brightness', 15, (b, x, sign) => brightness(b, x, b.scalar(1 + sign * 0.45, 'float32', [x.shape[0], 1, 1, 1]))],
    ['sharpness', 30, (b, x, sign) => sharpness(b, x, b.scalar(1 + sign * 0.9, 'float32', [x.shape[0], 1, 1, 1]))],
    ['posterize', 15, (b, x) => posterize(b, x, b.scalar(6, 'float32', [x.shape[0], 1, 1, 1]))],
    ['solarize', 12, (b, x) => solarize(b, x, b.scalar(0.6, 'float32', [x.shape[0], 1, 1, 1]))],
    ['autocontrast', 9, (b, x) => autocontrast(b, x)],
    ['equalize', 9, (b, x) => equalize(b, x)],
  ])('does %s at magnitude %d, with either sign', async (operation, magnitude, change) => {
    const images = pictures(10);
    const found = await augmented(images, { operations: 1, choose: [operation] }, magnitude);
    const signs = await Promise.all([-1, 1].map((sign) => directly(images, (b, x) => change(b, x, sign))));
    const used = new Set<number>();
    for (let n = 0; n < 10; n++) {
      const part = (values: readonly number[]): number[] => values.slice(n * SIZE, (n + 1) * SIZE);
      const which = signs.findIndex((values) => near(part(found), part(values)));
      expect(which).toBeGreaterThanOrEqual(0);
      used.add(which);
    }
    expect(used.size).toBe(near(signs[0], signs[1]) ? 1 : 2);
  });

  it('translates by up to 150 of 331 of the side', async () => {
    // A ramp along the width tells the shift.
    const count = 6;
    const ramp = Array.from({ length: count * SIZE }, (_, i) => ((i % WIDTH) / (WIDTH - 1)) * 2 - 1);
    const found = await augmented(ramp, { operations: 1, choose: ['translate-x'] }, 6);
    const step = 2 / (WIDTH - 1);
    const shift = (6 / 30) * (150 / 331) * WIDTH * step;
    for (let n = 0; n < count; n++) expect(Math.abs(found[n * SIZE + 4])).toBeCloseTo(shift, 5);
  });

  it('deals operations out evenly, each image its own', async () => {
    // Images of one tone: solarized they are the opposite tone.
    const count = 30;
    const tones = Array.from({ length: count }, (_, n) => (n + 1) / (count + 1));
    const images = tones.flatMap((tone) => Array.from({ length: SIZE }, () => tone));
    const steps = 40;
    const changed = tones.map(() => 0);
    for (let step = 1; step <= steps; step++) {
      const found = await augmented(images, { operations: 1, choose: ['identity', 'solarize'] }, 30, { step });
      let here = 0;
      tones.forEach((tone, n) => {
        const part = found.slice(n * SIZE, (n + 1) * SIZE);
        for (const value of part) expect(Math.abs(Math.abs(value) - tone)).toBeLessThan(1e-6);
        if (part[0] < 0) {
          changed[n]++;
          here++;
        }
      });
      expect(here).toBe(count / 2);
    }
    for (const times of changed) expect(Math.abs(times / steps - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / steps));
  });

  it.each([1, 3, 14, 33])('serves a batch of %d rows', async (count) => {
    const images = pictures(count);
    const found = await augmented(images, {}, 20);
    expect(found.length).toBe(images.length);
    expect(Math.max(...found)).toBeLessThanOrEqual(1 + 1e-6);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(-1 - 1e-6);
    expect(found.every(Number.isFinite)).toBe(true);
    const same = Array.from({ length: count }, (_, n) =>
      near(found.slice(n * SIZE, (n + 1) * SIZE), images.slice(n * SIZE, (n + 1) * SIZE)),
    );
    if (count > 10) expect(same.filter(Boolean).length).toBeLessThan(count / 3);
  });

  it('draws anew at every step, and is the identity at magnitude 0', async () => {
    const images = pictures(20);
    const first = await augmented(images, {}, 9, { step: 1 });
    expect(await augmented(images, {}, 9, { step: 1 })).toEqual(first);
    expect(await augmented(images, {}, 9, { step: 2 })).not.toEqual(first);
    expect(await augmented(images, {}, 0)).toEqual(images);
  });

  it('is refused with nothing to choose from', () => {
    const active = { regularizer: randAugment, strength: 9, schedule: undefined };
    const conflicts = randAugment.conflicts!(
      { ...active, options: { ...DEFAULTS, choose: ['identity'] } },
      {} as never,
    );
    expect(conflicts.map(({ code }) => code)).toEqual(['RAND_AUGMENT_WITHOUT_OPERATIONS']);
  });
});
