import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import type { Inputs } from '../../../test/support/training-problem.js';
import { float32 } from '../../graph/tensor.js';
import { resolveEntry } from '../resolve.js';
import { audioAugmentation } from './index.js';
import { labelConflicts } from './label-validity.js';

const [ROWS, SAMPLES, RATE] = [200, 1600, 8000];
const INPUTS: Inputs = [
  { name: 'x', content: 'audio', type: 'float32', shape: [SAMPLES], sampleRate: RATE, range: { low: [-2], high: [2] } },
];
const NONE = { noise: null, gain: 0, shift: 0, stretch: 0, pitch: 0, speed: 0, odds: 1 };
const HERTZ = 500;
const SINES = Array.from({ length: ROWS * SAMPLES }, (_, i) => Math.sin((2 * Math.PI * HERTZ * (i % SAMPLES)) / RATE));

/** Recordings after augmentation with these options, one array a row. */
async function augmented(
  options: Record<string, unknown>,
  { strength = 1, waves = SINES }: { strength?: number; waves?: readonly number[] } = {},
): Promise<number[][]> {
  const entry = resolveEntry({ type: 'audio-augmentation', ...options }, 'here');
  const given = entry.options as Parameters<NonNullable<typeof audioAugmentation.hooks.batch>>[1];
  const t = float32([ROWS, 1], new Float32Array(ROWS));
  const { y } = await computed({ x: float32([ROWS, SAMPLES], waves), s: float32([], [strength]), t }, (computation) => {
    const { inputs } = computation;
    const context = stepContext(computation, inputs.s, { inputs: INPUTS, batchSize: ROWS });
    const result = audioAugmentation.hooks.batch!(context, given, { inputs: { x: inputs.x }, target: inputs.t });
    expect(result.target).toBe(inputs.t);
    return { y: result.inputs.x };
  });
  return Array.from({ length: ROWS }, (_, row) => y.slice(row * SAMPLES, (row + 1) * SAMPLES));
}

const level = (wave: readonly number[]): number => Math.sqrt(wave.reduce((sum, v) => sum + v * v, 0) / wave.length);

/** Hertz of a wave between two samples: half the zero crossings over the time from the first to the last. */
function hertzOf(wave: readonly number[], from: number, to: number): number {
  const at = wave.slice(from, to).flatMap((value, i, part) => {
    const before = part[i - 1];
    return i > 0 && value >= 0 !== before >= 0 ? [i - value / (value - before)] : [];
  });
  return ((at.length - 1) / 2 / (at[at.length - 1] - at[0])) * RATE;
}

/** Whether values lie within bounds, as exactly as they were measured, and reach near both: even draws between them. */
function expectEven(values: readonly number[], low: number, high: number, error = 0.02 * (high - low)): void {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const near = 0.08 * (high - low);
  expect(least).toBeGreaterThan(low - error);
  expect(most).toBeLessThan(high + error);
  expect(least).toBeLessThan(low + near);
  expect(most).toBeGreaterThan(high - near);
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  expect(Math.abs(mean - (low + high) / 2)).toBeLessThan((5 * (high - low)) / Math.sqrt(12 * values.length));
}

describe('audio-augmentation', () => {
  it('adds noise at ratios to the level of the recording, even over the range in decibels', async () => {
    const waves = SINES.map((v, i) => v * (0.1 + Math.floor(i / SAMPLES) / ROWS / 2));
    const found = await augmented({ ...NONE, noise: [10, 30] }, { waves });
    const ratios = found.map((wave, row) => {
      const before = waves.slice(row * SAMPLES, (row + 1) * SAMPLES);
      const noise = wave.map((v, i) => v - before[i]);
      return 20 * Math.log10(level(before) / level(noise));
    });
    expectEven(ratios, 10, 30);
  });

  it('changes the level by up to the declared decibels', async () => {
    const quiet = SINES.map((v) => 0.2 * v);
    const found = await augmented({ ...NONE, gain: 6 }, { waves: quiet });
    expectEven(
      found.map((wave) => 20 * Math.log10(level(wave) / level(quiet.slice(0, SAMPLES)))),
      -6,
      6,
    );
  });

  it('shifts in both directions, and silence comes in', async () => {
    const ramp = SINES.map((_, i) => 0.5 + (i % SAMPLES) / SAMPLES);
    const found = await augmented({ ...NONE, shift: 0.2 }, { waves: ramp });
    const shifts = found.map((wave) => {
      const [first, last] = [wave.findIndex((v) => v > 0), wave.findLastIndex((v) => v > 0)];
      // Samples that were cut off at the start, or that silence stands for.
      return first > 0 ? -first : SAMPLES - 1 - last;
    });
    expectEven(shifts, -0.2 * SAMPLES, 0.2 * SAMPLES);
    const [wave] = found;
    const inner = wave.slice(600, 1000).map((v, i) => v - wave[600] - i / SAMPLES);
    expect(Math.max(...inner.map(Math.abs))).toBeLessThan(1e-4);
  });

  it('shifts the pitch by semitones and keeps the tempo', async () => {
    // The tone ends after half of the recording.
    const half = SINES.map((v, i) => (i % SAMPLES < SAMPLES / 2 ? v : 0));
    const found = await augmented({ ...NONE, pitch: 4 }, { waves: half });
    expectEven(
      found.map((wave) => 12 * Math.log2(hertzOf(wave, 200, 600) / HERTZ)),
      -4,
      4,
    );
    for (const wave of found) expect(level(wave.slice(SAMPLES / 2 + 400))).toBeLessThan(0.02);
  });

  it('keeps the pitch where it changes the tempo', async () => {
    const found = await augmented({ ...NONE, stretch: 0.2 });
    for (const wave of found) expect(Math.abs(hertzOf(wave, 200, 1000) / HERTZ - 1)).toBeLessThan(0.02);
  });

  it('changes the tempo by up to the declared factor', async () => {
    // One swell in the middle: when it comes tells the tempo.
    const swell = SINES.map((v, i) => v * Math.exp(-((((i % SAMPLES) - SAMPLES / 2) / 120) ** 2)));
    const middle = (wave: readonly number[]): number =>
      wave.reduce((sum, v, i) => sum + i * v * v, 0) / wave.reduce((sum, v) => sum + v * v, 0);
    const found = await augmented({ ...NONE, stretch: 0.2 }, { waves: swell });
    const tempos = found.map((wave) => Math.log(middle(wave) / (SAMPLES / 2)));
    // The vocoder blurs the swell towards where it was: 1.2 times is measured as 1.15.
    expectEven(tempos, -Math.log(1.15), Math.log(1.15), 0.04);
  });

  it('changes both with the speed', async () => {
    const half = SINES.map((v, i) => (i % SAMPLES < SAMPLES / 2 ? v : 0));
    const found = await augmented({ ...NONE, speed: 0.1 }, { waves: half });
    for (const wave of found) {
      const faster = hertzOf(wave, 0, 640) / HERTZ;
      const end = wave.findLastIndex((v) => v !== 0);
      expect(Math.abs((end * faster) / (SAMPLES / 2) - 1)).toBeLessThan(0.02);
    }
    expectEven(
      found.map((wave) => Math.log(hertzOf(wave, 0, 640) / HERTZ)),
      -Math.log(1.1),
      Math.log(1.1),
    );
  });

  it('stays within what a recording can hold', async () => {
    const loud = SINES.map((v) => 2 * v);
    const found = await augmented({ odds: 1, gain: 20, noise: [0, 5] }, { waves: loud });
    const all = found.flat();
    expect(all.every((v) => v >= -2 && v <= 2)).toBe(true);
    expect(all.some((v) => v === 2)).toBe(true);
  });

  it('leaves recordings that are not hit alone to the bit', async () => {
    const found = await augmented({ ...NONE, pitch: 4, odds: 0.5 });
    const sine = Array.from(Float32Array.from(SINES.slice(0, SAMPLES)));
    const same = found.filter((wave) => wave.every((v, i) => v === sine[i])).length;
    expect(Math.abs(same / ROWS - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / ROWS));
  });

  it('is the identity where it is fed 0', async () => {
    const found = await augmented({ odds: 1 }, { strength: 0 });
    expect(found.flat()).toEqual(Array.from(Float32Array.from(SINES)));
  });
});

describe('labels', () => {
  const amounts = { pitch: 4, speed: 0, gain: 12, stretch: 0.2, shift: 0.1 };
  const found = (classes: readonly string[], more: object = {}): string[] =>
    labelConflicts(classes, { ...amounts, ...more }, []).map(({ remedy }) => remedy.split(':')[0]);

  it('are doubted where the names of classes say so', () => {
    expect(found(['male', 'female'])).toEqual(['Set pitch to 0; or, where labels do stay right, state it']);
    expect(found(['loud engine', 'quiet engine'])).toEqual(['Set gain to 0; or, where labels do stay right, state it']);
    expect(found(['fast', 'slow'])).toEqual(['Set stretch and shift to 0; or, where labels do stay right, state it']);
    expect(found(['yes', 'no'])).toEqual([]);
    expect(found(['male', 'female'], { pitch: 0 })).toEqual([]);
    expect(labelConflicts(['male', 'female'], amounts, ['pitch'])).toEqual([]);
  });
});
