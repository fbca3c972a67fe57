import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { RandomSite } from '../../graph/random.js';
import { defineRegularizer } from '../regularizer.js';
import { curvesThrough, readAt, warpedClock } from './curves.js';
import { labelConflicts } from './label-validity.js';

/** Normal numbers are cut here, in standard deviations: what is made of a series stays within stated bounds. */
const LARGEST_DRAW = 3;

/** Of the usual speed: a clock never runs slower. */
const SLOWEST = 0.1;

const options = z.strictObject({
  jitter: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .describe('Standard deviation of noise added to every value, in those of the channel'),
  scaling: z
    .number()
    .min(0)
    .max(0.3)
    .default(0.1)
    .describe('Standard deviation of the factor about 1 that a channel of a row is multiplied by'),
  magnitudeWarp: z
    .number()
    .min(0)
    .max(0.3)
    .default(0.2)
    .describe('The same for a factor that goes smoothly up and down along the series'),
  timeWarp: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.2)
    .describe('Standard deviation of the speed about 1, which goes smoothly up and down along the series'),
  slice: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('Share that is cut off at both ends together; the window that is left is stretched to the whole length'),
  knots: z
    .int()
    .min(2)
    .max(32)
    .default(4)
    .describe('Random points along the series, beside both ends, that the smooth curves of the warps go through'),
  odds: z
    .number()
    .gt(0)
    .max(1)
    .default(0.5)
    .describe('Probability of each of the five for a row; they are drawn independently'),
  labelsSurvive: z
    .array(z.enum(['magnitude', 'time']))
    .default([])
    .describe('States that labels stay right under these, where the task or the names of the classes make it doubtful'),
});

type Options = z.infer<typeof options>;

interface Amounts {
  readonly given: Options;
  readonly strength: Value;
  readonly site: RandomSite;
}

/** Normal numbers of a deviation for rows that are hit, and 0 for others; never beyond three deviations. */
function deviations(
  b: GraphBuilder,
  shape: readonly number[],
  deviation: number,
  { given, strength, site }: Amounts,
): Value {
  const hit = site.bernoulli([shape[0], ...shape.slice(1).map(() => 1)], given.odds);
  const drawn = b.clip(site.normal(shape), -LARGEST_DRAW, LARGEST_DRAW);
  return b.mul(b.mul(drawn, b.mul(strength, deviation)), hit);
}

/** Positions [rows, length] that rows are read at: a window of each, by a clock of uneven speed. */
function positionsOf(b: GraphBuilder, [rows, length]: readonly number[], amounts: Amounts): Value | undefined {
  const { given, strength, site } = amounts;
  if (given.timeWarp === 0 && given.slice === 0) return undefined;
  let positions = b.constant({ type: 'float32', shape: [1, length], data: Float32Array.from({ length }, (_, i) => i) });
  if (given.timeWarp > 0) {
    const knots = deviations(b, [rows, given.knots + 2], given.timeWarp, amounts);
    positions = warpedClock(b, b.add(curvesThrough(b, knots, length), 1), SLOWEST);
  }
  if (given.slice > 0) {
    const cut = b.mul(b.mul(site.bernoulli([rows, 1], given.odds), strength), given.slice);
    const start = b.mul(b.mul(site.uniform([rows, 1]), cut), length - 1);
    positions = b.add(b.mul(positions, b.sub(1, cut)), start);
  }
  return positions;
}

/**
 * Series [rows, length, channels] after their own random changes: read at a window, by a clock of uneven speed; times a
 * factor a channel; times a smooth curve a channel; plus noise. Every value lies within
 *
 *     |y| <= max |x of its row and channel| * (1 + 3 s scaling) * (1 + 3 s magnitudeWarp) + 3 s jitter,   s = strength
 */
function augmentSeries(b: GraphBuilder, series: Value, amounts: Amounts): Value {
  const { given, strength } = amounts;
  const [rows, length, channels] = series.shape;
  const positions = positionsOf(b, series.shape, amounts);
  // Steps last: operators are slow along a short last axis.
  const across = (value: Value, shape: readonly number[]): Value =>
    channels === 1 ? b.reshape(value, shape) : b.transpose(value, [0, 2, 1]);
  let changed = across(series, [rows, 1, length]);
  if (positions !== undefined) changed = readAt(b, changed, positions);
  if (given.scaling > 0) {
    changed = b.mul(changed, b.add(deviations(b, [rows, channels, 1], given.scaling, amounts), 1));
  }
  if (given.magnitudeWarp > 0) {
    const knots = deviations(b, [rows, channels, given.knots + 2], given.magnitudeWarp, amounts);
    // Between its knots a spline swings beyond them.
    const limit = b.mul(strength, LARGEST_DRAW * given.magnitudeWarp);
    const curves = b.maximum(b.minimum(curvesThrough(b, knots, length), limit), b.neg(limit));
    changed = b.mul(changed, b.add(curves, 1));
  }
  if (given.jitter > 0) {
    const noise = deviations(b, [rows, channels * length], given.jitter, amounts);
    changed = b.add(changed, b.reshape(noise, changed.shape));
  }
  return across(changed, series.shape);
}

export const seriesAugmentation = defineRegularizer<Options>({
  type: 'series-augmentation',
  title: 'Series augmentation (jitter, scaling, warps, window slice)',
  technique: 'T8',
  summary:
    'Disturbs, scales, bends, stretches and cuts each training series by its own random amounts; the strength scales them all.',
  strength: { unit: 'share of the declared amounts', default: 1, range: [0.1, 1], scale: 'linear', limits: [0, 1] },
  options,
  augments: true,
  hooks: {
    batch: ({ b, inputs, strength, random }, given, batch) => {
      const augmented: Record<string, Value> = { ...batch.inputs };
      for (const { name } of inputs.filter(({ content, shape }) => content === 'series' && shape.length === 2)) {
        const site = random(name);
        augmented[name] = b.detached(() => augmentSeries(b, batch.inputs[name], { given, strength, site }));
      }
      return { inputs: augmented, target: batch.target };
    },
  },
  needs: { content: ['series'] },
  conflicts: ({ options: given }, setting) => {
    const used = (names: readonly ('scaling' | 'magnitudeWarp' | 'timeWarp' | 'slice')[]) =>
      names.filter((name) => given[name] > 0);
    const changes = { magnitude: used(['scaling', 'magnitudeWarp']), time: used(['timeWarp', 'slice']) };
    return labelConflicts(setting, changes, given.labelsSurvive);
  },
  cost: {
    training:
      'two gathers, two small products and one normal number a value (about 80 ns; more where series are short)',
    inference: 'none',
  },
  fails: [
    'A label that hangs on what is changed: the height of a peak, the pace of a heart, the last value (X8).',
    'A forecast of the series itself: its target does not follow (jitter alone is left, the rest is refused).',
    'Series that are aligned (every one starts at midnight): warps and windows blur what the position says.',
  ],
  dataSize: 'Helps with few series a class; neutral with many.',
  references: [
    'Um et al., Data Augmentation of Wearable Sensor Data for Parkinson’s Disease Monitoring using Convolutional Neural Networks, ICMI 2017 (jitter 0.05, scaling 0.1, warps 0.2 with 4 knots)',
    'Le Guennec, Malinowski and Tavenard, Data Augmentation for Time Series Classification using Convolutional Neural Networks, 2016 (window slicing of 90 %)',
    'Iwana and Uchida, An empirical survey of data augmentation for time series classification with neural networks, PLOS ONE 2021 (the window stretched to the whole length)',
    'tsaug (each at even odds)',
  ],
});
