import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { RandomSite } from '../../graph/random.js';
import { float32 } from '../../graph/tensor.js';
import { defineRegularizer, type InputDescription } from '../regularizer.js';
import { readAt } from '../series-augmentation/curves.js';
import { labelConflicts } from './label-validity.js';
import { stretchTime } from './vocoder.js';

const options = z.strictObject({
  noise: z
    .tuple([z.number().min(-20).max(100), z.number().min(-20).max(100)])
    .refine(([low, high]) => low <= high, 'from low to high')
    .nullable()
    .default([5, 40])
    .describe('Ratio of signal to white noise in decibels, drawn evenly from this range; null: no noise'),
  gain: z.number().min(0).max(40).default(12).describe('Largest change of level in either direction, in decibels'),
  shift: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('Largest shift in either direction, as a share of the length; silence comes in'),
  stretch: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.2)
    .describe('Largest change of tempo at the same pitch (phase vocoder): 0.2 is 1 / 1.2 to 1.2 times'),
  pitch: z
    .number()
    .min(0)
    .max(12)
    .default(4)
    .describe('Largest change of pitch at the same tempo, in semitones (phase vocoder, then resampling)'),
  speed: z
    .number()
    .min(0)
    .max(0.5)
    .default(0)
    .describe('Largest change of tempo and pitch together, as of a tape (resampling): 0.1 is 1 / 1.1 to 1.1 times'),
  window: z
    .number()
    .min(0.004)
    .max(0.25)
    .default(0.032)
    .describe('Seconds of a frame of the phase vocoder, rounded to a power of two of samples'),
  odds: z
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe('Probability of each change for a recording; they are drawn independently'),
  labelsSurvive: z
    .array(z.enum(['pitch', 'level', 'time']))
    .default([])
    .describe('States that labels stay right under these, where the names of the classes make it doubtful'),
});

type Options = z.infer<typeof options>;

/** The level of a recording, [rows, 1]. */
function levelOf(b: GraphBuilder, waveform: Value): Value {
  return b.sqrt(b.reduceMean(b.mul(waveform, waveform), [1], true));
}

/** Samples of a frame of the vocoder: the power of two next to the window, that the recording holds. */
function frameOf(window: number, sampleRate: number, samples: number): number {
  const nearest = 2 ** Math.round(Math.log2(window * sampleRate));
  return Math.max(4, Math.min(nearest, 2 ** Math.floor(Math.log2(samples))));
}

interface Draw {
  readonly b: GraphBuilder;
  readonly site: RandomSite;
  readonly strength: Value;
  readonly given: Options;
  readonly rows: number;
}

/** Even in -1 .. 1, times the strength, for recordings that are hit; 0 for others: [rows, 1]. */
function drawn({ b, site, strength, given, rows }: Draw): Value {
  const even = b.sub(b.mul(site.uniform([rows, 1]), 2), 1);
  return b.mul(b.mul(even, strength), site.bernoulli([rows, 1], given.odds));
}

/** A factor of 1 / (1 + most) to 1 + most, even on the scale of its logarithm: [rows, 1]. */
const factor = (draw: Draw, most: number): Value => draw.b.exp(draw.b.mul(drawn(draw), Math.log1p(most)));

/** Waveforms read at speed `speeds` from `starts` samples on, [rows, 1] each; silence where there is nothing to read. */
function readWaveform(b: GraphBuilder, waveform: Value, speeds: Value, starts: Value, length: number): Value {
  const [rows, samples] = waveform.shape;
  const counts = float32(
    [1, length],
    Array.from({ length }, (_, i) => i),
  );
  const positions = b.add(b.mul(b.constant(counts), speeds), starts);
  const read = b.reshape(readAt(b, b.reshape(waveform, [rows, 1, samples]), positions), [rows, length]);
  const inside = b.and(b.greaterOrEqual(positions, 0), b.not(b.greater(positions, samples - 1)));
  return b.mul(read, b.cast(inside, 'float32'));
}

/** Tempo, pitch, speed and shift of each recording. */
function retimed(draw: Draw, waveform: Value, sampleRate: number): Value {
  const { b, given, rows } = draw;
  const [, samples] = waveform.shape;
  const one = b.scalar(1, 'float32', [rows, 1]);
  const semitones = given.pitch === 0 ? one : b.exp(b.mul(drawn(draw), (given.pitch * Math.LN2) / 12));
  const tempo = given.stretch === 0 ? one : factor(draw, given.stretch);
  const speed = given.speed === 0 ? one : factor(draw, given.speed);
  const shift = given.shift === 0 ? b.mul(one, 0) : b.mul(drawn(draw), given.shift * samples);
  const vocoder = given.pitch > 0 || given.stretch > 0;
  if (!vocoder && given.speed === 0 && given.shift === 0) return waveform;
  let source = waveform;
  if (vocoder) {
    // Made longer by what reading faster then shortens it.
    const rates = b.div(tempo, semitones);
    const length = Math.ceil(samples * 2 ** (given.pitch / 12));
    const fft = frameOf(given.window, sampleRate, samples);
    const stretched = stretchTime(b, waveform, rates, { fft, length });
    const whole = b.pad(waveform, [0, 0, 0, length - samples]);
    // Recordings that keep their pace keep every bit.
    source = b.where(b.equal(rates, 1), whole, stretched);
  }
  return readWaveform(b, source, b.mul(semitones, speed), shift, samples);
}

/**
 * Waveforms [rows, samples] after their own random changes: tempo and pitch, speed and shift, noise at a ratio to the
 * level of the recording, level; never beyond what a recording can hold.
 */
function augmentAudio(draw: Draw, waveform: Value, input: InputDescription): Value {
  const { b, site, strength, given, rows } = draw;
  let changed = retimed(draw, waveform, input.sampleRate ?? waveform.shape[1]);
  if (given.noise !== null) {
    const [low, high] = given.noise;
    const ratio = b.add(b.mul(site.uniform([rows, 1]), high - low), low);
    const size = b.mul(levelOf(b, changed), b.exp(b.mul(ratio, -Math.LN10 / 20)));
    const hit = b.mul(site.bernoulli([rows, 1], given.odds), strength);
    changed = b.add(changed, b.mul(site.normal(changed.shape), b.mul(size, hit)));
  }
  if (given.gain > 0) changed = b.mul(changed, b.exp(b.mul(drawn(draw), (given.gain * Math.LN10) / 20)));
  const { range } = input;
  return range === undefined ? changed : b.clip(changed, range.low[0], range.high[0]);
}

export const audioAugmentation = defineRegularizer<Options>({
  type: 'audio-augmentation',
  title: 'Audio augmentation (noise, level, shift, tempo, pitch, speed)',
  technique: 'T8',
  summary:
    'Changes tempo, pitch, place, level and noise of each training recording by its own random amounts; the strength scales them all.',
  strength: { unit: 'share of the declared amounts', default: 1, range: [0.1, 1], scale: 'linear', limits: [0, 1] },
  options,
  augments: true,
  hooks: {
    batch: ({ b, batchSize, inputs, strength, random }, given, batch) => {
      const augmented: Record<string, Value> = { ...batch.inputs };
      for (const input of inputs.filter(({ content, shape }) => content === 'audio' && shape.length === 1)) {
        const draw = { b, site: random(input.name), strength, given, rows: batchSize };
        augmented[input.name] = b.detached(() => augmentAudio(draw, batch.inputs[input.name], input));
      }
      return { inputs: augmented, target: batch.target };
    },
  },
  needs: { content: ['audio'] },
  conflicts: ({ options: given }, { classes }) => labelConflicts(classes, given, given.labelsSurvive),
  cost: {
    training:
      'one normal number and two gathers a sample (about 50 ns); with stretch or pitch a Fourier transform of four overlapping frames there and back, as matrix products (about 280 ns a sample at 8 kHz)',
    inference: 'none',
  },
  fails: [
    'Who speaks: pitch tells speakers apart (set pitch and speed to 0, X8).',
    'A label that hangs on pitch, level or pace: music, loudness, machines.',
    'Changes of level where the front end standardises each recording: they do nothing but clip.',
    'Noise unlike that of production: record some, and add it to the data instead.',
  ],
  dataSize: 'Largest gain with few recordings or few speakers.',
  references: [
    'Ko et al., Audio Augmentation for Speech Recognition, Interspeech 2015 (speed by resampling, 0.9 to 1.1)',
    'Salamon and Bello, Deep Convolutional Neural Networks and Data Augmentation for Environmental Sound Classification, IEEE SPL 2017 (time stretch, pitch shift)',
    'Flanagan and Golden, Phase Vocoder, Bell System Technical Journal 1966; librosa.phase_vocoder (as checked against)',
    'audiomentations (AddGaussianSNR 5 to 40 dB, Gain 12 dB, TimeStretch 0.8 to 1.25, PitchShift 4 semitones; each at even odds)',
  ],
});
