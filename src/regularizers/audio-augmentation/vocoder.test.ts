import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { computed } from '../../../test/support/computed.js';
import { float32 } from '../../graph/tensor.js';
import { stretchTime } from './vocoder.js';

const { fft, cases } = JSON.parse(readFileSync(new URL('./goldens/vocoder.json', import.meta.url), 'utf8')) as {
  fft: number;
  cases: readonly { readonly rate: number; readonly x: readonly number[]; readonly y: readonly number[] }[];
};
const SAMPLES = cases[0].x.length;

async function stretched(rates: readonly number[], length: number): Promise<number[][]> {
  const waves = cases.flatMap(({ x }) => x);
  const { y } = await computed(
    { x: float32([cases.length, SAMPLES], waves), r: float32([cases.length, 1], rates) },
    ({ b, inputs }) => ({ y: stretchTime(b, inputs.x, inputs.r, { fft, length }) }),
  );
  return cases.map((_, i) => y.slice(i * length, (i + 1) * length));
}

const worst = (found: readonly number[], expected: readonly number[]): number =>
  found.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);

describe('stretchTime', () => {
  it('is the phase vocoder of librosa, each row by its own rate', async () => {
    const found = await stretched(
      cases.map(({ rate }) => rate),
      2 * SAMPLES,
    );
    cases.forEach(({ rate, y }, i) => {
      // What the last frame fades into: librosa turns the phase of silence, where there is none to turn.
      const compared = Math.floor(SAMPLES / rate) - fft;
      const loudest = Math.max(...y.map(Math.abs));
      expect(worst(found[i].slice(0, compared), y)).toBeLessThan(1e-3 * loudest);
      expect(Math.max(...found[i].slice(Math.ceil(SAMPLES / rate) + fft).map(Math.abs))).toBeLessThan(1e-6);
    });
  });

  it('gives a waveform back at rate 1', async () => {
    const found = await stretched([1, 1, 1], SAMPLES);
    cases.forEach(({ x }, i) => {
      expect(worst(found[i].slice(0, SAMPLES - fft), x)).toBeLessThan(1e-4);
    });
  });

  it('keeps the pitch: a sine crosses zero as often a second', async () => {
    const found = await stretched([0.8, 0.8, 0.8], SAMPLES);
    const crossings = (wave: readonly number[]): number =>
      wave.slice(200, 1200).filter((value, i, all) => i > 0 && value >= 0 !== all[i - 1] >= 0).length;
    expect(Math.abs(crossings(found[0]) - crossings(cases[0].x))).toBeLessThanOrEqual(3);
  });
});
