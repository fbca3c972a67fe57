import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Inputs,
  openRuntimes,
  type ProblemOptions,
  problem,
  trained,
} from '../../test/support/training-problem.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32, int64 } from '../graph/tensor.js';
import { derive, type Random } from '../numeric/random.js';

/**
 * Each augmentation does what it is for: trained on a few clean rows, a network meets rows that differ in the very way that
 * the augmentation varies, and its log loss on them is lower, seed by seed. Made-up rows; docs/results/augmentation.md has
 * real ones.
 */

let runtime: Runtime;
beforeAll(async () => {
  ({ ffi: runtime } = await openRuntimes());
});

const [TRAIN, MET, CLASSES] = [24, 150, 3];
const SEEDS = [1, 2, 3];

interface Rows {
  readonly inputs: Inputs;
  readonly model?: ProblemOptions['model'];
  /** One row of a class; `met`: as it is met after training. */
  row(label: number, stream: Random, met: boolean): number[];
}

/** Mean log loss on the rows that are met, of a run from that seed. */
async function lossOf(rows: Rows, regularizers: readonly Record<string, unknown>[], seed: number): Promise<number> {
  const { inputs, model } = rows;
  const training = { epochs: 40, batchSize: 12, optimizer: { type: 'adamw', learningRate: 0.01 } };
  const given = problem({
    inputs,
    ...(model === undefined ? {} : { model }),
    regularizers,
    training,
    rows: TRAIN,
    validation: MET,
    seed,
  });
  const stream = derive(seed, 'rows');
  const labels = Array.from({ length: TRAIN + MET }, (_, i) => i % CLASSES);
  const values = labels.flatMap((label, i) => rows.row(label, stream, i >= TRAIN));
  const [{ name, type, shape }] = inputs;
  const all = [labels.length, ...shape];
  const made = type === 'int64' ? int64(all, values) : float32(all, values);
  const data = { ...given.data, inputs: { [name]: made }, target: int64([labels.length], labels) };
  const { outputs } = await trained(runtime, { ...given, data });
  const logits = outputs.validation;
  const losses = labels.slice(TRAIN).map((label, row) => {
    const scores = Array.from(logits.subarray(row * CLASSES, (row + 1) * CLASSES));
    return Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0)) - scores[label];
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / MET;
}

const LENGTH = 32;
const wave = (label: number, at: number): number => Math.sin((2 * Math.PI * 2 ** label * at) / LENGTH);
const SERIES: Rows = {
  inputs: [{ name: 'series', content: 'series', type: 'float32', shape: [LENGTH, 1] }],
  row(label, stream, met) {
    const [size, from] = met ? [stream.uniform(0.6, 1.4), stream.uniform(0, 4.6)] : [1, 0];
    return Array.from(
      { length: LENGTH },
      (_, i) => size * wave(label, met ? from + 0.85 * i : i) + 0.1 * stream.normal(),
    );
  },
};
const AUDIO: Rows = {
  inputs: [
    {
      name: 'audio',
      content: 'audio',
      type: 'float32',
      shape: [64],
      range: { low: [-4], high: [4] },
      sampleRate: 1000,
    },
  ],
  row: (label, stream, met) =>
    Array.from(
      { length: 64 },
      (_, i) => Math.sin((2 * Math.PI * (3 + label) * i) / 64) + (met ? 1 : 0.01) * stream.normal(),
    ),
};
const TEXT: Rows = {
  inputs: [{ name: 'tokens', content: 'tokens', type: 'int64', shape: [8], vocabulary: 20 }],
  model: { type: 'transformer', dimension: 8, heads: 2, layers: 1 },
  row: (label, stream, met) =>
    Array.from({ length: 8 }, () => {
      if (met && stream.uniform() < 0.6) return 1;
      return stream.uniform() < 0.6 ? 2 + label : 5 + stream.integer(15);
    }),
};

describe('augmentation', () => {
  it.each<[string, Rows, Record<string, unknown>]>([
    ['of series', SERIES, { type: 'series-augmentation', slice: 0.15, scaling: 0.3, timeWarp: 0, odds: 1 }],
    ['of audio', AUDIO, { type: 'audio-augmentation', noise: [-3, 10], pitch: 0, stretch: 0, shift: 0, odds: 1 }],
    ['of texts', TEXT, { type: 'text-augmentation', dropout: 0.5, swap: 0 }],
  ])('%s helps on rows that differ as it varies them', async (_title, rows, entry) => {
    for (const seed of SEEDS) {
      expect(await lossOf(rows, [entry], seed)).toBeLessThan(await lossOf(rows, [], seed));
    }
  });
});
