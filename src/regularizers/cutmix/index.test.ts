import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import {
  FEATURES,
  MIXED,
  openRuntimes,
  PICTURES,
  problem,
  SMALL_CNN,
  trained,
} from '../../../test/support/training-problem.js';
import { float32, sizeOf } from '../../graph/tensor.js';
import { derive, type Random } from '../../numeric/random.js';
import { mixWithNeighbour } from '../neighbour.js';
import type { InputDescription, Setting } from '../regularizer.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { cutBox, cutmix, pasteBox } from './index.js';

interface Golden {
  readonly share: number;
  readonly row: number;
  readonly column: number;
  readonly shape: readonly [number, number, number, number];
  readonly images: readonly number[];
  readonly labels: readonly number[];
  readonly mixed: readonly number[];
  readonly targets: readonly (readonly number[])[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/cutmix.json', import.meta.url), 'utf8')) as {
  cases: Golden[];
};

describe("cutBox and pasteBox against torchvision's CutMix", () => {
  it.each(cases)('share $share about pixel $row, $column', async ({ shape, ...golden }) => {
    const [batch, , height, width] = shape;
    const oneHot = golden.labels.flatMap((label) => [0, 1, 2].map((c) => (c === label ? 1 : 0)));
    const { mixed, targets, kept } = await computed(
      {
        images: float32(shape, golden.images),
        targets: float32([batch, 3], oneHot),
        share: float32([], [golden.share]),
        row: float32([], [(golden.row + 0.5) / height]),
        column: float32([], [(golden.column + 0.5) / width]),
      },
      ({ b, inputs }) => {
        const { share, row, column } = inputs;
        const box = cutBox(b, { share, row, column }, height, width);
        return {
          mixed: pasteBox(b, inputs.images, box),
          targets: mixWithNeighbour(b, inputs.targets, box.kept),
          kept: box.kept,
        };
      },
    );
    expect(mixed).toEqual(golden.mixed.map(Math.fround));
    golden.targets.flat().forEach((value, i) => {
      expect(targets[i]).toBeCloseTo(value, 6);
    });
    expect(kept[0]).toBeGreaterThanOrEqual(golden.share - 1e-6);
  });
});

const IMAGES: readonly InputDescription[] = [{ name: 'x', content: 'image', shape: [1, 12, 10] }];

/** A batch of the hook: the n-th image holds n everywhere, and its target is n. */
async function batchOf(seed: number, probability: number, batchSize = 6): Promise<{ x: number[]; target: number[] }> {
  const shape = [batchSize, 1, 12, 10];
  const { x, target } = await computed(
    {
      x: float32(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.floor(i / 120)),
      ),
      t: float32(
        [batchSize, 1],
        Float32Array.from({ length: batchSize }, (_, i) => i),
      ),
    },
    (computation) => {
      const { b, inputs } = computation;
      const context = stepContext(computation, b.scalar(1), {
        inputs: IMAGES,
        batchSize,
        drawn: (label, draw) => b.scalar(draw(derive(seed, label), 1, 1)),
      });
      const made = cutmix.hooks.batch!(context, { probability }, { inputs: { x: inputs.x }, target: inputs.t });
      return { x: made.inputs.x, target: made.target };
    },
  );
  return { x, target };
}

describe('cutmix', () => {
  it('mixes each target by the share of its own pixels that are left, one box a batch', async () => {
    let mixed = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const { x, target } = await batchOf(seed, 1);
      const own = x.slice(0, 120).filter((value) => value === 0).length / 120;
      if (own < 1) mixed++;
      for (let row = 0; row < 6; row++) {
        const pixels = x.slice(120 * row, 120 * row + 120);
        const partner = (row + 1) % 6;
        expect(pixels.every((value) => value === row || value === partner)).toBe(true);
        expect(pixels.filter((value) => value === row).length / 120).toBe(own);
        // A target's average is what the image's pixels average to.
        expect(target[row]).toBeCloseTo(pixels.reduce((a, b) => a + b) / 120, 5);
      }
    }
    expect(mixed).toBeGreaterThan(8);
  });

  it('leaves the share of batches alone that it should', async () => {
    const shares = await draws('share', 0.3);
    const drawn = Array.from({ length: 20_000 }, (_, step) => shares(derive(1, 'share', step), 1));
    const untouched = drawn.filter((share) => share === 1).length / drawn.length;
    expect(Math.abs(untouched - 0.7)).toBeLessThan(5 * Math.sqrt(0.21 / drawn.length));
    // Beta(1, 1): all shares alike.
    const others = drawn.filter((share) => share < 1);
    const mean = others.reduce((a, b) => a + b) / others.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / others.length));
    expect(shares(derive(1, 'any'), 0)).toBe(1);
  });

  it('leaves a batch of one row alone', async () => {
    expect(new Set((await batchOf(1, 1, 1)).x)).toEqual(new Set([0]));
  });

  it('trains on images', async () => {
    const { ffi } = await openRuntimes();
    const given = problem({ inputs: PICTURES, model: SMALL_CNN, regularizers: [{ type: 'cutmix', probability: 1 }] });
    expect((await trained(ffi, given)).outcome).toBe('completed');
  });

  it('is refused without images, or with something beside them', () => {
    const codes = (inputs: readonly InputDescription[]): string[] =>
      findConflicts({
        active: [resolveEntry({ type: 'cutmix' }, 'here')],
        task: 'classification',
        inputs,
        columns: [],
      } as unknown as Setting).map(({ code, severity }) => `${severity} ${code}`);
    expect(codes(PICTURES)).toEqual([]);
    expect(codes(FEATURES)).toEqual(['error CUTMIX_NEEDS_INPUT']);
    expect(codes(MIXED)).toEqual(['error CUTMIX_NEEDS_IMAGES_ALONE']);
    expect(codes([...PICTURES, { ...PICTURES[0], name: 'other', shape: [2, 5, 5] }])).toEqual([
      'error CUTMIX_NEEDS_IMAGES_ALONE',
    ]);
  });
});

/** The function by which cutmix draws a scalar. */
async function draws(wanted: string, probability: number): Promise<(stream: Random, strength: number) => number> {
  let found: ((stream: Random, strength: number) => number) | undefined;
  await computed({ x: float32([2, 1, 12, 10], new Float32Array(240)), t: float32([2, 1], [0, 1]) }, (computation) => {
    const { b, inputs } = computation;
    const context = stepContext(computation, b.scalar(1), {
      inputs: IMAGES,
      batchSize: 2,
      drawn: (label, draw) => {
        if (label === wanted) found = (stream, strength) => draw(stream, strength, 1);
        return b.scalar(0.5);
      },
    });
    return { t: cutmix.hooks.batch!(context, { probability }, { inputs: { x: inputs.x }, target: inputs.t }).target };
  });
  return found!;
}
