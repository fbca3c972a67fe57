import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One kind of data, a small spec on it, and the augmentations that are tried. */
export interface AugmentationCase {
  readonly title: string;
  readonly about: string;
  spec(datasets: string, work: string): Record<string, unknown>;
  readonly arms: readonly AugmentationArm[];
}

export interface AugmentationArm {
  readonly name: string;
  /** At a strength that scales all of it. */
  regularizers(strength: number): readonly Readonly<Record<string, unknown>>[];
  /** Its strengths are not chosen: those of this arm are taken, with views beside. */
  readonly viewsOf?: string;
}

export const VIEWS = 16;

const one =
  (type: string, options: Readonly<Record<string, unknown>> = {}) =>
  (strength: number) => [{ type, strength, ...options }];

/** One change alone, applied to every row. */
const series = (name: string, kept: readonly string[]): AugmentationArm => {
  const off = Object.fromEntries(
    ['jitter', 'scaling', 'magnitudeWarp', 'timeWarp', 'slice']
      .filter((key) => !kept.includes(key))
      .map((key) => [key, 0]),
  );
  return { name, regularizers: one('series-augmentation', off) };
};

const AUDIO_OFF = { noise: null, gain: 0, shift: 0, stretch: 0, pitch: 0, speed: 0 };

const views = (of: AugmentationArm): AugmentationArm => ({
  name: `${of.name}, and ${VIEWS} views`,
  viewsOf: of.name,
  regularizers: (strength) => [...of.regularizers(strength), { type: 'test-time-augmentation', views: VIEWS }],
});

const ALL_SERIES: AugmentationArm = { name: 'all of series-augmentation', regularizers: one('series-augmentation') };
const ALL_AUDIO: AugmentationArm = {
  name: 'noise, level, shift and speed',
  regularizers: one('audio-augmentation', { stretch: 0, pitch: 0, speed: 0.1 }),
};
const ALL_TEXT: AugmentationArm = { name: 'dropout and swap', regularizers: one('text-augmentation') };

/** Victoria's demand and temperature of 2014, a row a day of 48 half hours each. */
function days(datasets: string, work: string): string {
  const [, ...lines] = readFileSync(join(datasets, 'electricity-demand', 'elecdemand.csv'), 'utf8')
    .trim()
    .split('\n');
  const rows = lines.map((line) => line.split(',').slice(1));
  const path = join(work, 'days.csv');
  const halves = Array.from({ length: 48 }, (_, i) => i);
  const header = ['workday', ...halves.map((i) => `h${i}`)].join(',');
  const made = Array.from({ length: rows.length / 48 }, (_, day) => {
    const of = rows.slice(48 * day, 48 * day + 48);
    return [of[24][1] === '1' ? 'yes' : 'no', ...of.map(([demand]) => demand)].join(',');
  });
  writeFileSync(path, [header, ...made].join('\n'));
  return path;
}

/** Texts hold quotes and tabs: a row ends its label at the first tab. */
function messages(datasets: string, work: string): string {
  const path = join(work, 'messages.jsonl');
  const lines = readFileSync(join(datasets, 'sms-spam', 'sms.tsv'), 'utf8')
    .trim()
    .split('\n');
  const rows = lines.slice(0, 2700).map((line) => {
    const at = line.indexOf('\t');
    return JSON.stringify({ label: line.slice(0, at), text: line.slice(at + 1) });
  });
  writeFileSync(path, rows.join('\n'));
  return path;
}

const adamw = (learningRate: number) => ({ type: 'adamw', learningRate });

export const AUGMENTATIONS: readonly AugmentationCase[] = [
  {
    title: 'Series: was it a working day?',
    about:
      'Electricity demand of Victoria in 2014 by half hours, a day a row; 60 days to train on, 100 to validate, 205 held out. An mlp of 64 and 32 units, 80 epochs. Series are aligned: each begins at midnight.',
    spec: (datasets, work) => ({
      name: 'days',
      data: {
        source: days(datasets, work),
        target: 'workday',
        features: { series: { load: { columns: ['h*'] } } },
        split: { strategy: 'stratified', validation: 100, holdout: 205, seed: 1 },
      },
      task: 'classification',
      model: { type: 'mlp', hidden: [64, 32] },
      training: { epochs: 80, batchSize: 16, optimizer: adamw(0.003) },
    }),
    arms: [
      series('jitter', ['jitter']),
      series('scaling', ['scaling']),
      series('magnitude warp', ['magnitudeWarp']),
      series('time warp', ['timeWarp']),
      series('window slice', ['slice']),
      ALL_SERIES,
      views(ALL_SERIES),
    ],
  },
  {
    title: 'Audio: which digit is spoken?',
    about:
      'Spoken digits of four speakers at 8 kHz (fsdd), 0.6 s; 160 recordings to train on, 80 to validate, 160 held out. A log-mel front end of 24 bands and a cnn of 8 and 16 channels, 20 epochs.',
    spec: (datasets) => ({
      name: 'spoken-digits',
      data: {
        source: join(datasets, 'fsdd-4speakers', 'recordings'),
        target: 'digit',
        audio: { sampleRate: 8000, seconds: 0.6 },
        files: { pattern: '(?<digit>\\d)_[a-z]+_\\d+' },
        split: { strategy: 'stratified', validation: 80, holdout: 160, seed: 1 },
      },
      task: 'classification',
      model: {
        type: 'cnn',
        frontEnd: { type: 'log-mel', fft: 256, hop: 256, mels: 24 },
        layers: [{ conv: 8 }, { pool: 2 }, { conv: 16 }, { pool: 2 }, { dense: 32 }],
      },
      training: { epochs: 20, batchSize: 16, optimizer: adamw(0.003) },
    }),
    arms: [
      { name: 'spec-augment', regularizers: one('spec-augment') },
      { name: 'noise', regularizers: one('audio-augmentation', { ...AUDIO_OFF, noise: [5, 40] }) },
      { name: 'stretch and pitch', regularizers: one('audio-augmentation', { ...AUDIO_OFF, stretch: 0.2, pitch: 4 }) },
      { name: 'speed', regularizers: one('audio-augmentation', { ...AUDIO_OFF, speed: 0.1 }) },
      ALL_AUDIO,
      views(ALL_AUDIO),
    ],
  },
  {
    title: 'Text: is it spam?',
    about:
      'Messages of the SMS Spam Collection, the first 2,700 of them and 24 words of each; 200 to train on, 500 to validate, 2,000 held out. A transformer of one layer and 16 dimensions, 12 epochs.',
    spec: (datasets, work) => ({
      name: 'messages',
      data: {
        source: messages(datasets, work),
        target: 'label',
        features: { tokens: { text: { length: 24, lowercase: true, vocabulary: 3000 } } },
        split: { strategy: 'stratified', validation: 500, holdout: 2000, seed: 1 },
      },
      task: 'classification',
      model: { type: 'transformer', dimension: 16, heads: 2, layers: 1 },
      training: { epochs: 12, batchSize: 16, optimizer: adamw(0.003) },
    }),
    arms: [
      { name: 'token dropout', regularizers: one('text-augmentation', { swap: 0 }) },
      { name: 'swap', regularizers: one('text-augmentation', { dropout: 0 }) },
      { name: 'span masking', regularizers: one('text-augmentation', { dropout: 0, swap: 0, span: 0.15 }) },
      ALL_TEXT,
      views(ALL_TEXT),
    ],
  },
];
