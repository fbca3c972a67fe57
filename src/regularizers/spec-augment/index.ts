import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import type { RandomSite } from '../../graph/random.js';
import { float32 } from '../../graph/tensor.js';
import { defineRegularizer } from '../regularizer.js';

const options = z.strictObject({
  frequencyMasks: z.int().min(0).max(8).default(2).describe('Bands of frequencies that are hidden'),
  frequencyShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.3375)
    .describe('Widest of them, as a share of the mel bands (27 of 80 in the paper); widths are even from 0'),
  timeMasks: z.int().min(0).max(20).default(2).describe('Stretches of time that are hidden'),
  timeShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.08)
    .describe(
      'Longest of them, as a share of the frames (100 of the 1,230 of an average LibriSpeech recording in the paper)',
    ),
});

type Options = z.infer<typeof options>;

/**
 * Where masks lie along an axis of `extent` places: of each row `count` stretches, each of a width drawn evenly from
 * 0 .. floor(extent * share * strength) and a start drawn evenly from where it fits; [rows, extent], true inside.
 */
function stretches(
  b: GraphBuilder,
  site: RandomSite,
  { rows, extent, count, share }: { rows: number; extent: number; count: number; share: number },
  strength: Value,
): Value {
  const places = b.constant(
    float32(
      [1, 1, extent],
      Array.from({ length: extent }, (_, i) => i),
    ),
  );
  const widest = b.op('Floor', [b.add(b.mul(strength, extent * share), 1e-4)]);
  const width = b.op('Floor', [b.mul(site.uniform([rows, count, 1]), b.add(widest, 1))]);
  const start = b.op('Floor', [b.mul(site.uniform([rows, count, 1]), b.add(b.sub(extent, width), 1))]);
  const inside = b.and(b.greaterOrEqual(places, start), b.less(places, b.add(start, width)));
  return b.greater(b.reduceMax(b.cast(inside, 'float32'), [1]), 0);
}

/**
 * Spectrograms [rows, frames, bands] with stretches of time and bands of frequencies set to the mean of their recording,
 * each row by its own.
 */
function maskSpectrogram(
  b: GraphBuilder,
  x: Value,
  { site, strength, given }: { site: RandomSite; strength: Value; given: Options },
): Value {
  const [rows, frames, bands] = x.shape;
  const hidden = b.detached(() => {
    const { frequencyMasks, frequencyShare, timeMasks, timeShare } = given;
    const masks: Value[] = [];
    if (frequencyMasks > 0 && frequencyShare > 0) {
      const at = { rows, extent: bands, count: frequencyMasks, share: frequencyShare };
      masks.push(b.unsqueeze(stretches(b, site, at, strength), [1]));
    }
    if (timeMasks > 0 && timeShare > 0) {
      const at = { rows, extent: frames, count: timeMasks, share: timeShare };
      masks.push(b.unsqueeze(stretches(b, site, at, strength), [2]));
    }
    return masks.length === 0 ? undefined : masks.reduce(b.or);
  });
  return hidden === undefined ? x : b.where(hidden, b.reduceMean(x, [1, 2], true), x);
}

export const specAugment = defineRegularizer<Options>({
  type: 'spec-augment',
  title: 'SpecAugment',
  technique: 'T8',
  summary: 'Hides random bands of frequencies and stretches of time in the spectrogram of each training recording.',
  strength: { unit: 'share of the declared widths', default: 1, range: [0.2, 1], scale: 'linear', limits: [0, 1] },
  options,
  hooks: {
    spectrogram: ({ b, strength, random }, given, spectrogram) =>
      maskSpectrogram(b, spectrogram, { site: random('masks'), strength, given }),
  },
  needs: { content: ['audio'] },
  conflicts: (_self, { spectrogram, inputs }) =>
    spectrogram === true || !inputs.some(({ content }) => content === 'audio')
      ? []
      : [
          {
            code: 'SPEC_AUGMENT_NEEDS_SPECTROGRAM',
            severity: 'error',
            message: 'spec-augment hides parts of a spectrogram, and the network takes waveforms as they are',
            remedy: 'Set model.frontEnd to { type: log-mel }',
          },
        ],
  cost: { training: 'two comparisons and one choice a value of the spectrogram', inference: 'none' },
  fails: [
    'Words told apart by one short sound: a stretch that hides it changes the label (lower timeShare, X8).',
    'A network that underfits: it learns more slowly from masked recordings, and wants more epochs.',
  ],
  dataSize: 'Helps most with little speech for the capacity.',
  references: [
    'Park et al., SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition, Interspeech 2019 (LD policy without time warping: F 27 of 80, T 100, two masks each)',
    'Park et al., SpecAugment on Large Scale Datasets, ICASSP 2020 (widths in time as a share of the length)',
    'torchaudio.transforms.FrequencyMasking and TimeMasking (width and start)',
  ],
});
