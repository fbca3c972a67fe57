import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import { problem } from '../../../test/support/training-problem.js';
import { float32 } from '../../graph/tensor.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { specAugment } from './index.js';

const [ROWS, FRAMES, BANDS] = [600, 20, 16];
const VALUES = Array.from({ length: ROWS * FRAMES * BANDS }, (_, i) => Math.sin(i) + 3);
const NO_TIME = { timeShare: 0 };
const NO_FREQUENCY = { frequencyShare: 0 };

/** Which values of each row are hidden, [rows][frames][bands]; what is hidden is the mean, what is not stays to the bit. */
async function hidden(options: Record<string, unknown>, strength = 1): Promise<boolean[][][]> {
  const entry = resolveEntry({ type: 'spec-augment', ...options }, 'here');
  const given = entry.options as Parameters<NonNullable<typeof specAugment.hooks.spectrogram>>[1];
  const x = float32([ROWS, FRAMES, BANDS], VALUES);
  const { y } = await computed({ x, s: float32([], [strength]) }, (computation) => {
    const context = stepContext(computation, computation.inputs.s, { inputs: [], batchSize: ROWS });
    return { y: specAugment.hooks.spectrogram!(context, given, computation.inputs.x) };
  });
  const values = x.data as Float32Array;
  return Array.from({ length: ROWS }, (_, row) => {
    const from = row * FRAMES * BANDS;
    const mean = values.slice(from, from + FRAMES * BANDS).reduce((sum, v) => sum + v, 0) / (FRAMES * BANDS);
    return Array.from({ length: FRAMES }, (_f, frame) =>
      Array.from({ length: BANDS }, (_b, band) => {
        const at = from + frame * BANDS + band;
        if (y[at] === values[at]) return false;
        expect(y[at]).toBeCloseTo(mean, 4);
        return true;
      }),
    );
  });
}

/** Probability that a place is hidden by one mask: width even in 0 .. widest, start even where it fits. */
function oneMask(place: number, extent: number, widest: number): number {
  let sum = 0;
  for (let width = 0; width <= widest; width++) {
    const starts = extent - width + 1;
    const covering = Math.min(place, extent - width) - Math.max(0, place - width + 1) + 1;
    sum += Math.max(0, covering) / starts;
  }
  return sum / (widest + 1);
}

describe('spec-augment', () => {
  it.each([1, 2])('hides frames as %i drawn stretches do', async (timeMasks) => {
    const masks = await hidden({ ...NO_FREQUENCY, timeMasks, timeShare: 0.3 });
    for (const row of masks) for (const frame of row) expect(new Set(frame).size).toBe(1);
    for (let frame = 0; frame < FRAMES; frame++) {
      const expected = 1 - (1 - oneMask(frame, FRAMES, 6)) ** timeMasks;
      const found = masks.filter((row) => row[frame][0]).length / ROWS;
      expect(Math.abs(found - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / ROWS));
    }
  });

  it('hides bands in one stretch, of every width up to 27 of 80', async () => {
    const masks = await hidden({ ...NO_TIME, frequencyMasks: 1 });
    const widths = masks.map((row) => {
      for (const frame of row) expect(frame).toEqual(row[0]);
      const [first, last] = [row[0].indexOf(true), row[0].lastIndexOf(true)];
      const width = row[0].filter(Boolean).length;
      expect(width).toBe(first < 0 ? 0 : last - first + 1);
      return width;
    });
    for (let width = 0; width <= 5; width++) {
      const share = widths.filter((found) => found === width).length / ROWS;
      expect(Math.abs(share - 1 / 6)).toBeLessThan(5 * Math.sqrt(5 / 36 / ROWS));
    }
    expect(Math.max(...widths)).toBe(5);
  });

  it('scales widths by the strength, and hides nothing at 0', async () => {
    const halved = await hidden({ ...NO_TIME, frequencyMasks: 1, frequencyShare: 0.5 }, 0.5);
    expect(Math.max(...halved.map((row) => row[0].filter(Boolean).length))).toBe(4);
    expect((await hidden({}, 0)).flat(2)).not.toContain(true);
  });

  it('hides in both directions at once', async () => {
    const masks = await hidden({ timeShare: 0.3 });
    const both = masks.filter(
      (row) => row.some((frame) => frame.every(Boolean)) && row.every((frame) => frame.includes(true)),
    );
    expect(both.length).toBeGreaterThan(ROWS / 4);
  });

  it('is refused where the network makes no spectrogram', () => {
    const { regularizers: active } = problem({ regularizers: [{ type: 'spec-augment' }] });
    const audio = { name: 'audio', content: 'audio', shape: [80] } as const;
    const setting = { active, task: 'classification', inputs: [audio], parameters: [], operators: [], columns: [] };
    const codes = (spectrogram: boolean): string[] =>
      findConflicts({ ...setting, spectrogram, optimizer: 'sgd', rows: 9, epochs: 1, classes: [] } as Parameters<
        typeof findConflicts
      >[0]).map(({ code }) => code);
    expect(codes(false)).toEqual(['SPEC_AUGMENT_NEEDS_SPECTROGRAM']);
    expect(codes(true)).toEqual([]);
  });
});
