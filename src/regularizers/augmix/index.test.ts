import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
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
import { augmix, jensenShannon } from './index.js';

type Options = Parameters<NonNullable<typeof augmix.hooks.batch>>[1];
const DEFAULTS: Options = augmix.options.parse({});
const SIZE = 1 * 7 * 7;
const IMAGES: Inputs = [
  { name: 'x', content: 'image', type: 'float32', shape: [1, 7, 7], range: { low: [0], high: [1] } },
];

async function augmented(images: readonly number[], options: Partial<Options>, strength = 3): Promise<number[]> {
  const count = images.length / SIZE;
  const { y } = await computed({ x: float32([count, 1, 7, 7], images), s: float32([], [strength]) }, (computation) => {
    const { b, inputs } = computation;
    const context = stepContext(computation, inputs.s, { inputs: IMAGES, batchSize: count });
    const batch = { inputs: { x: inputs.x }, target: b.scalar(0, 'float32', [count, 1]) };
    return { y: augmix.hooks.batch!(context, { ...DEFAULTS, ...options }, batch).inputs.x };
  });
  return y;
}

describe('augmix', () => {
  it('mixes the image with its chains by an even share: white solarized is black', async () => {
    const count = 2000;
    const white = Array.from({ length: count * SIZE }, () => 1);
    for (const given of [
      { width: 1, depth: 1 },
      { width: 3, depth: 3 },
    ]) {
      const found = await augmented(white, { ...given, choose: ['solarize'] });
      const shares = Array.from({ length: count }, (_, n) => 1 - found[n * SIZE]);
      for (let n = 0; n < count; n++) expect(new Set(found.slice(n * SIZE, (n + 1) * SIZE)).size).toBe(1);
      shares.sort((a, b) => a - b);
      // Kolmogorov's distance to the even one passes 1.95 / sqrt(n) once in a thousand.
      const distance = Math.max(...shares.map((share, i) => Math.abs(share - (i + 0.5) / count)));
      expect(distance * Math.sqrt(count)).toBeLessThan(2);
    }
  });

  it('stays within the range, changes each image on its own, and is the identity at 0', async () => {
    const stream = derive(1, 'images');
    const images = Array.from({ length: 40 * SIZE }, () => Math.fround(stream.integer(256) / 255));
    const found = await augmented(images, {}, 10);
    expect(Math.max(...found)).toBeLessThanOrEqual(1 + 1e-6);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(-1e-6);
    // What a chain makes of an image is at least as near to the image as to any other.
    for (let n = 0; n < 40; n++) {
      const distance = (m: number): number =>
        images.slice(m * SIZE, (m + 1) * SIZE).reduce((sum, value, i) => sum + (value - found[n * SIZE + i]) ** 2, 0);
      const others = Array.from({ length: 40 }, (_, m) => (m === n ? Number.POSITIVE_INFINITY : distance(m)));
      expect(distance(n)).toBeLessThan(Math.min(...others));
    }
    expect(await augmented(images, {}, 0)).toEqual(images);
  });

  it('leaves the batch alone where it asks for consistency', async () => {
    const images = Array.from({ length: 3 * SIZE }, (_, i) => (i % 10) / 10).map(Math.fround);
    expect(await augmented(images, { consistency: 12 })).toEqual(images);
  });

  it('needs classes for consistency', () => {
    const active = { regularizer: augmix, strength: 3, schedule: undefined };
    const codes = (task: string, consistency: number): string[] =>
      augmix.conflicts!({ ...active, options: { ...DEFAULTS, consistency } }, { task } as never).map(
        ({ code }) => code,
      );
    expect(codes('regression', 12)).toEqual(['AUGMIX_CONSISTENCY_NEEDS_CLASSES']);
    expect(codes('regression', 0)).toEqual([]);
    expect(codes('classification', 12)).toEqual([]);
  });

  it('raises the loss by the divergence of its views', async () => {
    const { ffi } = await openRuntimes();
    const still = { optimizer: { type: 'sgd', learningRate: 1e-30 }, epochs: 1 };
    const setting = { inputs: PICTURES, model: SMALL_CNN, training: still };
    const with_ = (consistency: number) =>
      trained(ffi, problem({ ...setting, regularizers: [{ type: 'augmix', strength: 3, consistency }] }));
    const [{ history: plain }, { history: small }] = await Promise.all([trained(ffi, problem(setting)), with_(1)]);
    // The reported loss is that of clean images.
    expect(small[0].trainLoss).toBeCloseTo(plain[0].trainLoss, 6);
  });
});

describe('jensenShannon', () => {
  it('is the entropy of the mean less the mean entropy', async () => {
    const stream = derive(3, 'logits');
    const logits = Array.from({ length: 3 }, () => Array.from({ length: 12 }, () => 2 * stream.normal()));
    const { y } = await computed(
      Object.fromEntries(logits.map((values, i) => [`l${i}`, float32([3, 4], values)])),
      ({ b, inputs }) => ({ y: jensenShannon(b, Object.values(inputs)) }),
    );
    const softmax = (values: readonly number[]): number[] => {
      const exponentials = values.map(Math.exp);
      const sum = exponentials.reduce((a, c) => a + c);
      return exponentials.map((value) => value / sum);
    };
    const entropy = (p: readonly number[]): number => -p.reduce((sum, value) => sum + value * Math.log(value), 0);
    let expected = 0;
    for (let row = 0; row < 3; row++) {
      const all = logits.map((values) => softmax(values.slice(4 * row, 4 * row + 4)));
      const mean = all[0].map((_, c) => all.reduce((sum, p) => sum + p[c], 0) / 3);
      expected += (entropy(mean) - all.reduce((sum, p) => sum + entropy(p), 0) / 3) / 3;
    }
    expect(y[0]).toBeCloseTo(expected, 6);
  });
});
