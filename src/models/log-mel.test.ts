import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32 } from '../graph/tensor.js';
import { readArchitecture } from '../training/architecture.js';
import { buildModel } from './build.js';
import { LayerBuilder } from './layers.js';
import { frontEndOptions, logMel } from './log-mel.js';
import { modelOptions, type NativeModelOptions } from './options.js';

interface Golden {
  readonly rate: number;
  readonly options: Readonly<Record<string, unknown>>;
  readonly frames: number;
  readonly x: readonly number[];
  /** [frames, mels], decibels. */
  readonly y: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL('./goldens/log-mel.json', import.meta.url), 'utf8')) as {
  cases: readonly Golden[];
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

async function spectrogram(
  options: Readonly<Record<string, unknown>>,
  rate: number,
  x: readonly number[],
): Promise<{ shape: readonly number[]; values: number[] }> {
  const b = new GraphBuilder('front-end');
  const input = { name: 'audio', type: 'float32', shape: [x.length], sampleRate: rate } as const;
  const waveform = b.input('audio', 'float32', [1, x.length]);
  const made = logMel(new LayerBuilder(b, 1), frontEndOptions.parse({ type: 'log-mel', ...options }), waveform, input);
  b.output('spectrogram', made);
  const session = await runtime.load(writeModel(b.model()));
  const { spectrogram: found } = await session.run({ audio: float32([1, x.length], x) });
  session.release();
  return { shape: found.shape, values: Array.from(found.data as Float32Array) };
}

describe.each(cases.map((golden) => ({ title: JSON.stringify(golden.options), golden })))('$title', ({ golden }) => {
  const { rate, options, frames, x, y } = golden;

  it('is the spectrogram of librosa, in decibels', async () => {
    const { shape, values } = await spectrogram({ ...options, standardize: false }, rate, x);
    expect(shape).toEqual([1, frames, options.mels]);
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i])), 0);
    expect(worst).toBeLessThan(0.02);
  });

  it('has mean 0 and deviation 1 where it is standardised, whatever the level', async () => {
    const { values } = await spectrogram(options, rate, x);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(1e-4);
    expect(Math.abs(variance - 1)).toBeLessThan(1e-3);
  });
});

const AUDIO = { name: 'audio', type: 'float32', shape: [1000], sampleRate: 8000 } as const;
const FRONT_END = { type: 'log-mel', mels: 16 };

function built(options: Readonly<Record<string, unknown>>, input: Readonly<Record<string, unknown>> = {}) {
  const inputs = [{ ...AUDIO, ...input }];
  return buildModel(modelOptions.parse(options) as NativeModelOptions, { inputs, outputs: 3, seed: 1 });
}

describe('a network with a front end', () => {
  it.each([
    ['logistic', {}],
    ['mlp', { hidden: [8] }],
    ['cnn', { layers: [{ conv: 4 }, { pool: 2 }, { dense: 8 }] }],
    ['transformer', { dimension: 8, heads: 2, layers: 1 }],
  ])('%s takes waveforms, any number of them, and trains its weights alone', async (type, options) => {
    const graph = built({ type, frontEnd: FRONT_END, ...options });
    const { parameters, spectrograms, sites } = readArchitecture(graph);
    expect(spectrograms.size).toBe(1);
    expect(parameters.length).toBeGreaterThan(0);
    expect(parameters.filter(({ name }) => name.startsWith('fixed.'))).toEqual([]);
    expect([...sites.keys()].filter((name) => spectrograms.has(name))).toEqual([]);
    const session = await runtime.load(writeModel({ ...new GraphBuilder().model(), graph }));
    const x = Array.from({ length: 3000 }, (_, i) => Math.sin(i * (1 + Math.floor(i / 1000))));
    const { output } = await session.run({ audio: float32([3, 1000], x) });
    const { output: alone } = await session.run({ audio: float32([1, 1000], x.slice(1000, 2000)) });
    session.release();
    expect(output.shape).toEqual([3, 3]);
    const values = Array.from(output.data as Float32Array);
    const lone = Array.from(alone.data as Float32Array);
    expect(Math.max(...lone.map((value, i) => Math.abs(value - values[3 + i])))).toBeLessThan(1e-4);
  });

  it('answers the same to a recording at another level', async () => {
    const graph = built({ type: 'logistic', frontEnd: FRONT_END });
    const session = await runtime.load(writeModel({ ...new GraphBuilder().model(), graph }));
    const answer = async (gain: number): Promise<number[]> => {
      const x = Array.from({ length: 1000 }, (_, i) => gain * Math.sin(i ** 1.3));
      return Array.from((await session.run({ audio: float32([1, 1000], x) })).output.data as Float32Array);
    };
    const [loud, quiet] = [await answer(1), await answer(0.1)];
    session.release();
    expect(Math.max(...loud.map((value, i) => Math.abs(value - quiet[i])))).toBeLessThan(0.01);
  });

  it.each([
    ['what is no waveform', { sampleRate: undefined }, {}, 'model.frontEnd'],
    ['bands above half the rate', {}, { high: 5000 }, 'model.frontEnd.high'],
    ['bands that hold no bin', {}, { mels: 300 }, 'model.frontEnd.mels'],
    ['recordings without a frame', { shape: [100] }, { center: false }, 'model.frontEnd.fft'],
  ])('refuses %s', (_title, input, options, place) => {
    expect(() => built({ type: 'mlp', frontEnd: { ...FRONT_END, ...options } }, input)).toThrow(
      expect.objectContaining({ code: 'MODEL_FRONT_END', place }),
    );
  });
});
