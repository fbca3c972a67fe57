import { z } from 'zod';
import { BallastError } from '../errors.js';
import type { Value } from '../graph/builder.js';
import { float32, type Tensor } from '../graph/tensor.js';
import { frameIndex, windowedFourier } from './fourier.js';
import type { ModelInput } from './inputs.js';
import type { LayerBuilder } from './layers.js';

/** The spec's `model.frontEnd`: a fixed transform of waveforms inside of the network, so that the model takes waveforms. */
export const frontEndOptions = z.strictObject({
  type: z.literal('log-mel').describe('Power spectrogram, summed into mel bands, in decibels'),
  fft: z
    .int()
    .min(16)
    .max(8192)
    .refine((size) => size % 2 === 0, 'an even number')
    .default(256)
    .describe('Samples of a frame, under a Hann window'),
  hop: z.int().min(1).max(8192).default(128).describe('Samples between the starts of frames'),
  mels: z.int().min(2).max(512).default(40).describe('Mel bands'),
  low: z.number().min(0).default(0).describe('Hertz where the lowest band begins'),
  high: z
    .number()
    .positive()
    .optional()
    .describe('Hertz where the highest band ends; half the sample rate unless given'),
  scale: z
    .enum(['slaney', 'htk'])
    .default('slaney')
    .describe("slaney: linear below 1 kHz, logarithmic above (librosa's default); htk: 2595 log10(1 + f / 700)"),
  area: z
    .enum(['one', 'none'])
    .default('one')
    .describe("one: bands of equal area (Slaney's, librosa's default); none: bands of equal height (torchaudio's)"),
  center: z
    .boolean()
    .default(true)
    .describe('Frames are centred on their time, with silence before and after; false: only frames that fit'),
  range: z
    .number()
    .min(1)
    .max(200)
    .default(80)
    .describe('Decibels: what lies further below the loudest of a recording is raised to that'),
  standardize: z
    .boolean()
    .default(true)
    .describe('Scales the spectrogram of each recording to mean 0 and deviation 1: it no longer depends on the level'),
});

export type FrontEndOptions = z.infer<typeof frontEndOptions>;

/** Powers below are silence, as in librosa's power_to_db. */
const LEAST_POWER = 1e-10;

/**
 * Waveforms [batch, samples] -> log-mel spectrograms [batch, frames, mels]:
 *
 *     10 log10 max(1e-10, M |F (w x_t)|^2),  not below the loudest of the recording less `range`
 *
 * for frames x_t of `fft` samples, every `hop`; w is the periodic Hann window, F the discrete Fourier transform, M the
 * triangular mel bands. As librosa's feature.melspectrogram (zeros beside the recording where centred) and power_to_db.
 *
 * @throws BallastError MODEL_FRONT_END where the input is no waveform, or bands or frames do not fit it
 */
export function logMel(layers: LayerBuilder, options: FrontEndOptions, waveform: Value, input: ModelInput): Value {
  const { b } = layers;
  const { fft, hop, center, range, standardize } = options;
  const [samples] = input.shape;
  if (input.sampleRate === undefined || input.shape.length !== 1) {
    throw wrong(
      'front end',
      `a log-mel front end takes waveforms, and "${input.name}" is none`,
      'Remove model.frontEnd',
    );
  }
  const padded = samples + (center ? fft : 0);
  if (padded < fft) {
    throw wrong(
      'fft',
      `a recording of ${samples} samples has no frame of ${fft}`,
      'Use a smaller fft, or center: true',
    );
  }
  const frames = 1 + Math.floor((padded - fft) / hop);
  const bins = fft / 2 + 1;
  const around = center ? b.pad(waveform, [0, fft / 2, 0, fft / 2]) : waveform;
  const cut = b.gather(around, layers.fixed('frames', frameIndex(frames, fft, hop)), 1);
  const parts = b.matMul(cut, layers.fixed('fourier', windowedFourier(fft)));
  const [real, imaginary] = b.split(parts, [bins, bins], 2);
  const power = b.add(b.mul(real, real), b.mul(imaginary, imaginary));
  const bands = b.matMul(power, layers.fixed('bands', melBands(options, input.sampleRate)));
  const decibels = b.mul(b.log(b.maximum(bands, LEAST_POWER)), 10 / Math.LN10);
  const floor = b.sub(b.reduceMax(decibels, [1, 2], true), range);
  const kept = b.maximum(decibels, floor);
  const spectrogram = standardize ? standardized(layers, kept) : kept;
  return layers.site(spectrogram, 'spectrogram');
}

/** Mean 0 and deviation 1 over frames and bands of each recording. */
function standardized({ b }: LayerBuilder, x: Value): Value {
  const centred = b.sub(x, b.reduceMean(x, [1, 2], true));
  const variance = b.reduceMean(b.mul(centred, centred), [1, 2], true);
  return b.div(centred, b.sqrt(b.add(variance, 1e-5)));
}

/** Hertz of `count` points evenly spaced in mels from `low` to `high`. */
function melPoints(scale: FrontEndOptions['scale'], low: number, high: number, count: number): number[] {
  const toMel = scale === 'htk' ? (f: number) => 2595 * Math.log10(1 + f / 700) : slaneyMel;
  const toHertz = scale === 'htk' ? (m: number) => 700 * (10 ** (m / 2595) - 1) : slaneyHertz;
  const [from, to] = [toMel(low), toMel(high)];
  return Array.from({ length: count }, (_, i) => toHertz(from + ((to - from) * i) / (count - 1)));
}

/** Slaney's Auditory Toolbox: 200/3 Hz a mel below 1 kHz, 27 mels a factor of 6.4 above. */
const [LINEAR, CORNER, STEP] = [200 / 3, 1000, Math.log(6.4) / 27];

const slaneyMel = (f: number): number => (f < CORNER ? f / LINEAR : CORNER / LINEAR + Math.log(f / CORNER) / STEP);
const slaneyHertz = (m: number): number =>
  m < CORNER / LINEAR ? m * LINEAR : CORNER * Math.exp(STEP * (m - CORNER / LINEAR));

/** Triangular bands over bins, [bins, mels]. */
function melBands({ fft, mels, low, high: given, scale, area }: FrontEndOptions, sampleRate: number): Tensor {
  const high = given ?? sampleRate / 2;
  if (high > sampleRate / 2 || low >= high) {
    throw wrong(
      'high',
      `bands from ${low} to ${high} Hz do not fit recordings of ${sampleRate} samples a second`,
      `Keep low below high, and high at most ${sampleRate / 2}`,
    );
  }
  const points = melPoints(scale, low, high, mels + 2);
  const bins = fft / 2 + 1;
  const data = new Float32Array(bins * mels);
  for (let band = 0; band < mels; band++) {
    const [left, centre, right] = points.slice(band, band + 3);
    const height = area === 'one' ? 2 / (right - left) : 1;
    for (let bin = 0; bin < bins; bin++) {
      const f = (bin * sampleRate) / fft;
      const triangle = Math.min((f - left) / (centre - left), (right - f) / (right - centre));
      data[bin * mels + band] = height * Math.max(0, triangle);
    }
  }
  const empty = Array.from({ length: mels }, (_, band) => band).find((band) =>
    Array.from({ length: bins }, (_, bin) => data[bin * mels + band]).every((weight) => weight === 0),
  );
  if (empty !== undefined) {
    throw wrong(
      'mels',
      `mel band ${empty + 1} of ${mels} lies between two bins of a transform of ${fft} samples`,
      'Use fewer mels, a larger fft, or a higher low',
    );
  }
  return float32([bins, mels], data);
}

function wrong(key: string, message: string, remedy: string): BallastError {
  return new BallastError(message, {
    code: 'MODEL_FRONT_END',
    place: key === 'front end' ? 'model.frontEnd' : `model.frontEnd.${key}`,
    remedy,
  });
}
