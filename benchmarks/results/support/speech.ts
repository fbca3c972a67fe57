/** Spoken digits as a table: log energies of bands over time, by speaker. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWav } from '../../../src/data/read/wav.js';

const FRAME = 256;
const BANDS = 12;
const TIMES = 8;

export interface Spoken {
  readonly speaker: string;
  readonly label: string;
  /** [TIMES * BANDS], log energies. */
  readonly features: Float64Array;
}

/** All recordings of the Free Spoken Digit Dataset's four speakers, named `digit_speaker_take.wav`. */
export function readSpoken(datasets: string): Spoken[] {
  const folder = join(datasets, 'fsdd-4speakers/recordings');
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const [label, speaker] = file.split('_');
      const { samples } = parseWav(readFileSync(join(folder, file)), file);
      return { label, speaker, features: bandEnergies(samples) };
    });
}

/** Mean log energy of 12 bands, evenly spaced on the mel scale up to 4 kHz, in each eighth of a recording at 8 kHz. */
function bandEnergies(samples: Float32Array): Float64Array {
  const frames = Math.max(TIMES, Math.floor((2 * (samples.length - FRAME)) / FRAME) + 1);
  const sums = new Float64Array(TIMES * BANDS);
  const counts = new Float64Array(TIMES);
  for (let frame = 0; frame < frames; frame++) {
    const from = Math.round((frame * Math.max(0, samples.length - FRAME)) / Math.max(1, frames - 1));
    const time = Math.min(TIMES - 1, Math.floor((frame * TIMES) / frames));
    const power = spectrum(samples.subarray(from, from + FRAME));
    const bands = new Float64Array(BANDS);
    for (let bin = 1; bin < power.length; bin++) bands[bandOf(bin)] += power[bin];
    counts[time]++;
    bands.forEach((energy, band) => {
      sums[time * BANDS + band] += Math.log(energy + 1e-6);
    });
  }
  return sums.map((sum, i) => sum / counts[Math.floor(i / BANDS)]);
}

const mel = (hertz: number): number => Math.log1p(hertz / 700);

function bandOf(bin: number): number {
  return Math.min(BANDS - 1, Math.floor((BANDS * mel((bin * 4000) / (FRAME / 2))) / mel(4000)));
}

/** Power of a Hann window's frequencies, [FRAME / 2 + 1]. */
function spectrum(window: Float32Array): Float64Array {
  const shaped = Float64Array.from(window, (value, i) => value * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FRAME)));
  return Float64Array.from({ length: FRAME / 2 + 1 }, (_, bin) => {
    let [real, imaginary] = [0, 0];
    shaped.forEach((value, i) => {
      const place = (bin * i) % FRAME;
      real += value * COSINES[place];
      imaginary += value * SINES[place];
    });
    return real ** 2 + imaginary ** 2;
  });
}

const COSINES = Float64Array.from({ length: FRAME }, (_, i) => Math.cos((2 * Math.PI * i) / FRAME));
const SINES = Float64Array.from({ length: FRAME }, (_, i) => Math.sin((2 * Math.PI * i) / FRAME));

/** A table of them: columns f0 ..., speaker, label (empty where it is hidden). */
export function writeSpoken(
  file: string,
  rows: readonly (Omit<Spoken, 'label'> & { readonly label?: string })[],
): void {
  const header = [...Array.from({ length: TIMES * BANDS }, (_, i) => `f${i}`), 'speaker', 'label'].join(',');
  const lines = rows.map(({ features, speaker, label }) =>
    [...Array.from(features, (value) => value.toFixed(4)), speaker, label ?? ''].join(','),
  );
  writeFileSync(file, `${header}\n${lines.join('\n')}\n`);
}
