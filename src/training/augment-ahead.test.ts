import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Inputs, problem, SMALL_CNN, trained, weightBytes } from '../../test/support/training-problem.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { AugmentAhead } from './augment-ahead.js';

const cores = vi.hoisted(() => ({ count: 2 }));
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => cores.count,
}));

const PICTURES: Inputs = [{ name: 'picture', content: 'image', type: 'float32', shape: [2, 36, 36] }];
const AUGMENTED = [
  { type: 'image-augmentation', flip: 'horizontal', erase: 0.3, rotate: 10, noise: 0.05 },
  { type: 'input-noise', strength: 0.1, schedule: { type: 'linear', from: 1, to: 0, over: 2 } },
  { type: 'mixup', strength: 0.2 },
  { type: 'dropout', strength: 0.2 },
];

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});
afterEach(() => vi.restoreAllMocks());

/** Five full batches and a smaller one an epoch. */
const pictures = (regularizers: readonly Record<string, unknown>[]) =>
  problem({
    inputs: PICTURES,
    model: SMALL_CNN,
    rows: 47,
    validation: 8,
    regularizers,
    training: { epochs: 2, batchSize: 8 },
  });

describe('augmentation ahead of the step', () => {
  it.each([
    ['flips, turns, boxes and noise before mixup', AUGMENTED],
    ['augmix', [{ type: 'augmix', strength: 3 }]],
    ['rand-augment', [{ type: 'rand-augment', strength: 9 }]],
  ])('gives the bytes that the step would give itself: %s', async (_what, regularizers) => {
    if (runtime.name !== 'ffi') return;
    const given = pictures(regularizers);
    const begun = vi.spyOn(AugmentAhead.prototype, 'begin');
    cores.count = 1;
    const within = await trained(runtime, given);
    expect(begun).not.toHaveBeenCalled();
    cores.count = 2;
    const ahead = await trained(runtime, given);
    expect(begun).toHaveBeenCalledTimes(12);
    expect(weightBytes(ahead)).toEqual(weightBytes(within));
    expect(ahead.history.map(({ trainLoss }) => trainLoss)).toEqual(within.history.map(({ trainLoss }) => trainLoss));
  });

  it('is for what changes inputs alone, large ones, under strengths that are not learned', async () => {
    const begun = vi.spyOn(AugmentAhead.prototype, 'begin');
    await trained(runtime, pictures([{ type: 'mixup', strength: 0.2 }]));
    await trained(runtime, problem({ regularizers: [{ type: 'image-augmentation' }] }));
    await trained(
      runtime,
      pictures([
        { type: 'image-augmentation' },
        { type: 'l2', strength: 0.01 },
        { type: 'hypergradient', strength: 0.05, learn: ['l2'] },
      ]),
    );
    expect(begun).not.toHaveBeenCalled();
  });
});
