import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { derive } from '../../src/numeric/random.js';
import { writeCsv } from './small-data.js';

/**
 * Specs that train in a moment, on made-up data of the kinds that regularizers are for. Every type of the registry is in one
 * of them: the test that reads them fails for a type that is in none.
 */

const ROWS = 64;
const CLASSES = ['a', 'b', 'c'];
const STEPS = 8;

const table = {
  data: {
    source: 'table.csv',
    target: 'label',
    features: { exclude: ['amount', 'site', 'team', 'sex', 'partial'] },
    split: { strategy: 'stratified' },
  },
  task: 'classification',
  model: { type: 'mlp', hidden: [5] },
} as const;
const pictures = {
  data: { source: 'tiny-images-idx3-ubyte', target: 'label' },
  task: 'classification',
  model: { type: 'cnn', layers: [{ conv: 2 }, { pool: 2 }] },
} as const;
const blocks = {
  ...pictures,
  model: { type: 'cnn', layers: [{ residual: 2 }, { globalPool: 'average' }] },
} as const;
const series = {
  data: { source: 'series.csv', target: 'label', features: { series: { curve: { columns: ['t*'] } } } },
  task: 'classification',
  model: { type: 'mlp', hidden: [5] },
} as const;
const texts = {
  data: {
    source: 'texts.csv',
    target: 'label',
    columns: { domain: 'site' },
    features: { tokens: { text: { length: 6 } } },
  },
  task: 'classification',
  model: { type: 'transformer', dimension: 4, heads: 2, layers: 1 },
} as const;
const recordings = {
  data: { source: 'recordings/', target: 'label' },
  task: 'classification',
  model: { type: 'mlp', hidden: [5], frontEnd: { type: 'log-mel', fft: 16, hop: 8, mels: 6 } },
} as const;

/** The table with columns in roles, which then are no features. */
function withRoles(columns: Readonly<Record<string, string>>, changes: object = {}): SpecBody {
  const exclude = table.data.features.exclude.filter((name) => !Object.values(columns).includes(name));
  return { ...table, data: { ...table.data, columns, features: { exclude } }, ...changes };
}

const byDomain = withRoles({ domain: 'site' });
const bySex = withRoles({ sensitive: 'sex' });
const inTasks = withRoles({ group: 'team' }, { training: { tasks: { column: 'group', order: ['x', 'y'] } } });
const partly = {
  ...table,
  data: {
    ...table.data,
    name: 'partly labelled',
    target: 'partial',
    unlabelled: 'keep',
    features: { exclude: ['amount', 'site', 'team', 'sex', 'label'] },
  },
} as const;

interface SpecBody {
  readonly data: object;
  readonly task: string;
  readonly model: object;
  readonly training?: object;
}

export interface RegistrySpec {
  readonly body: SpecBody;
  readonly regularizers: readonly { readonly type: string; readonly [option: string]: unknown }[];
}

const deep = { ...table, model: { type: 'mlp', hidden: [5, 5, 5] } } as const;

/** Regularizers that have nothing against each other share a spec. */
export const REGISTRY_SPECS: readonly RegistrySpec[] = [
  { body: table, regularizers: [{ type: 'l1' }, { type: 'group-lasso' }, { type: 'gradient-noise' }, { type: 'ema' }] },
  {
    body: table,
    regularizers: [{ type: 'l2' }, { type: 'early-stopping' }, { type: 'dropout' }, { type: 'mc-dropout', samples: 2 }],
  },
  {
    body: table,
    regularizers: [
      { type: 'weight-decay' },
      { type: 'label-smoothing' },
      { type: 'input-noise' },
      { type: 'test-time-augmentation', views: 2 },
    ],
  },
  { body: table, regularizers: [{ type: 'elastic-net' }, { type: 'max-norm' }, { type: 'swa', strength: 1 }] },
  { body: table, regularizers: [{ type: 'prior' }, { type: 'activation-noise' }, { type: 'laplace' }] },
  { body: table, regularizers: [{ type: 'spectral-norm' }, { type: 'mixup' }, { type: 'layer-wise-rates' }] },
  { body: deep, regularizers: [{ type: 'orthogonality' }, { type: 'weight-noise' }, { type: 'confidence-penalty' }] },
  { body: table, regularizers: [{ type: 'nuclear-norm' }, { type: 'manifold-mixup' }] },
  { body: table, regularizers: [{ type: 'activation-penalty' }, { type: 'gradient-penalty' }, { type: 'focal' }] },
  { body: table, regularizers: [{ type: 'adversarial-training', steps: 2 }, { type: 'mixed-precision' }] },
  {
    body: table,
    regularizers: [
      { type: 'trades', steps: 2 },
      { type: 'pruning', strength: 0.5 },
    ],
  },
  { body: table, regularizers: [{ type: 'virtual-adversarial' }, { type: 'bootstrapping' }] },
  { body: table, regularizers: [{ type: 'co-teaching' }, { type: 'l2-sp' }] },
  { body: table, regularizers: [{ type: 'small-loss' }, { type: 'gce' }, { type: 'freezing' }] },
  { body: table, regularizers: [{ type: 'ensemble', members: 2 }, { type: 'cvar' }] },
  { body: table, regularizers: [{ type: 'variational', samples: 2 }, { type: 'tabular-augmentation' }] },
  { body: table, regularizers: [{ type: 'swag', share: 1, perEpoch: 2, samples: 2 }, { type: 'smote' }] },
  {
    body: table,
    regularizers: [{ type: 'l2' }, { type: 'hypergradient', warmUp: 0, every: 1 }, { type: 'distillation' }],
  },
  {
    body: table,
    regularizers: [{ type: 'quantization-aware' }, { type: 'sample-reweighting' }, { type: 'gaussian-copula' }],
  },
  { body: deep, regularizers: [{ type: 'sam' }, { type: 'weight-tying', ties: [['dense2.weight', 'dense3.weight']] }] },
  { body: byDomain, regularizers: [{ type: 'coral' }, { type: 'irm' }] },
  { body: byDomain, regularizers: [{ type: 'mmd' }, { type: 'importance-weighting', target: 'far' }] },
  { body: byDomain, regularizers: [{ type: 'domain-adversarial' }] },
  { body: bySex, regularizers: [{ type: 'demographic-parity' }] },
  { body: bySex, regularizers: [{ type: 'equalized-odds' }] },
  { body: withRoles({ group: 'team' }), regularizers: [{ type: 'group-dro', by: 'group' }] },
  { body: inTasks, regularizers: [{ type: 'ewc' }, { type: 'replay' }] },
  { body: inTasks, regularizers: [{ type: 'synaptic-intelligence' }, { type: 'learning-without-forgetting' }] },
  { body: partly, regularizers: [{ type: 'pseudo-labels', confidence: 0.3 }] },
  { body: pictures, regularizers: [{ type: 'image-augmentation' }, { type: 'cutmix' }] },
  { body: pictures, regularizers: [{ type: 'augmix' }] },
  { body: blocks, regularizers: [{ type: 'rand-augment' }, { type: 'stochastic-depth' }] },
  { body: series, regularizers: [{ type: 'series-augmentation' }, { type: 'fused-lasso' }] },
  { body: texts, regularizers: [{ type: 'text-augmentation' }] },
  { body: recordings, regularizers: [{ type: 'audio-augmentation' }, { type: 'spec-augment' }] },
];

/** The first spec that a type is part of, and its place there. */
export function specWith(type: string): RegistrySpec & { readonly index: number } {
  const index = (spec: RegistrySpec): number => spec.regularizers.findIndex((entry) => entry.type === type);
  const found = REGISTRY_SPECS.find((spec) => index(spec) >= 0);
  if (found === undefined) throw new Error(`${type} is in no spec of REGISTRY_SPECS`);
  return { ...found, index: index(found) };
}

/** What a spec lacks or has, by what a regularizer may need of it: each makes one that does not fit. */
export const UNFIT = {
  /** No classes. */
  regression: ({ data, ...rest }: SpecBody): SpecBody => ({
    ...rest,
    data: {
      ...data,
      name: 'amounts',
      target: 'amount',
      features: { exclude: ['label', 'site', 'team', 'sex', 'partial'] },
    },
    task: 'regression',
  }),
  /** Rows without a label. */
  unlabelled: partly as SpecBody,
  /** No column with a role, no tasks, no input but numbers. */
  plain: table as SpecBody,
  /** No input of numbers. */
  words: texts as SpecBody,
} as const;

/** A spec of a body and regularizers, two epochs long. */
export function specOf(body: SpecBody, regularizers: readonly object[]): Record<string, unknown> {
  return { name: 'registry', ...body, training: { epochs: 2, batchSize: 16, ...body.training }, regularizers };
}

/** Writes the data of all specs into a folder. */
export function writeRegistryData(folder: string): void {
  const random = derive(1, 'registry data');
  const labels = Array.from({ length: ROWS }, (_, i) => i % CLASSES.length);
  /** Numbers about a level of the class. */
  const near = (label: number, count: number): number[] =>
    Array.from({ length: count }, () => random.normal(label - 1, 0.5));
  const text = (values: readonly number[]): string[] => values.map((value) => value.toFixed(3));
  writeCsv(
    join(folder, 'table.csv'),
    labels.map((label, i) => {
      const class_ = CLASSES[label];
      const numbers = text([...near(label, 4), random.normal(label, 0.2)]);
      const place = [i % 2 ? 'near' : 'far', (i >> 1) % 2 ? 'x' : 'y', (i >> 2) % 2 ? 'f' : 'm'];
      return [...numbers, ...place, class_, i % 4 === 0 ? '' : class_];
    }),
    ['first', 'second', 'third', 'fourth', 'amount', 'site', 'team', 'sex', 'label', 'partial'],
  );
  writeCsv(
    join(folder, 'series.csv'),
    labels.map((label) => [...text(near(label, STEPS)), CLASSES[label]]),
    [...Array.from({ length: STEPS }, (_, t) => `t${t}`), 'label'],
  );
  writeCsv(
    join(folder, 'texts.csv'),
    labels.map((label, i) => {
      const words = near(label, 5).map((value) => `w${Math.round(value)}`);
      return [words.join(' '), i % 2 ? 'near' : 'far', CLASSES[label]];
    }),
    ['text', 'site', 'label'],
  );
  const pixels = labels.flatMap((label) =>
    near(label, 64).map((value) => Math.min(255, Math.max(0, 128 + 60 * value))),
  );
  writeFileSync(join(folder, 'tiny-images-idx3-ubyte'), idx([ROWS, 8, 8], pixels));
  writeFileSync(join(folder, 'tiny-labels-idx1-ubyte'), idx([ROWS], labels));
  for (const name of CLASSES) mkdirSync(join(folder, 'recordings', name), { recursive: true });
  for (const [i, label] of labels.entries()) {
    const samples = Array.from(
      { length: 64 },
      (_, t) => 0.5 * Math.sin((label + 1) * 0.3 * t) + random.normal(0, 0.05),
    );
    writeFileSync(join(folder, 'recordings', CLASSES[label], `${i}.wav`), wav(samples));
  }
}

/** An idx file of bytes. */
function idx(shape: readonly number[], values: readonly number[]): Buffer {
  const header = Buffer.from([0, 0, 8, shape.length, ...shape.flatMap((length) => [0, 0, length >> 8, length & 255])]);
  return Buffer.concat([header, Buffer.from(values.map(Math.round))]);
}

/** A mono recording of 16-bit samples, 8,000 a second. */
function wav(samples: readonly number[]): Buffer {
  const rate = 8000;
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((value, i) => {
    bytes.writeInt16LE(Math.round(32_767 * Math.max(-1, Math.min(1, value))), 44 + 2 * i);
  });
  return bytes;
}
