import { listRegularizers } from '../../src/regularizers/registry.js';
import type { Regularizer } from '../../src/regularizers/regularizer.js';
import {
  FEATURES,
  PICTURES,
  type ProblemOptions,
  problem,
  SMALL_CNN,
  SMOOTH_MLP,
  TOKENS,
  WAVES,
} from './training-problem.js';

/** A regularizer with options, and the problem on which the contract suite runs it. */
export interface RegularizerCase {
  readonly title: string;
  readonly regularizer: Regularizer;
  /** The entry as a spec would hold it, its strength included. */
  readonly entry: Readonly<Record<string, unknown>>;
  /** What differs from the suite's own problem. */
  readonly setting: ProblemOptions;
  readonly excuses: Excuses;
}

interface Variant {
  readonly options: Readonly<Record<string, unknown>>;
  readonly setting?: ProblemOptions;
}

const TRANSFORMER = { type: 'transformer', dimension: 4, heads: 2, layers: 1, activation: 'tanh' };
/** Positions, attention and residual branches; and a table that tokens are looked up in. */
const SERIES: ProblemOptions = {
  inputs: [{ name: 'series', content: 'series', type: 'float32', shape: [5, 2] }],
  model: TRANSFORMER,
};
/** Waveforms behind a front end: 11 frames of 6 bands. */
const SPEECH: ProblemOptions = {
  inputs: WAVES,
  model: { ...SMOOTH_MLP, frontEnd: { type: 'log-mel', fft: 16, hop: 8, mels: 6 } },
};
const SPEECH_CNN: ProblemOptions = {
  inputs: WAVES,
  model: { ...SMALL_CNN, frontEnd: { type: 'log-mel', fft: 16, hop: 8, mels: 6, standardize: false } },
};
const TEXT: ProblemOptions = { inputs: TOKENS, model: TRANSFORMER };

/** Two residual blocks. */
const RESIDUAL_CNN = {
  type: 'cnn',
  layers: [
    { residual: 2, normalization: 'none', activation: 'tanh' },
    { residual: 2, activation: 'tanh' },
    { globalPool: 'average' },
  ],
};

/** What a regularizer is excused from, and why. */
interface Excuses {
  /** Its step is not the gradient of its objective: a second pass, straight-through rounding, a detached attack. */
  readonly gradient?: string;
  /** Fed strength 0 it is still not the plain run: it changes the structure, not an amount. */
  readonly silent?: string;
  /** Its other seed gives the same bytes though it draws numbers, or other bytes though it draws none in the step. */
  readonly seed?: string;
}

/** Two tasks in two epochs: the one is over before the other begins. */
const TASKS: ProblemOptions = { training: { tasks: { column: 'group', order: ['x', 'y'] } } };
const CLASS_TASKS: ProblemOptions = { training: { tasks: { classes: [['a', 'b'], ['c']] } } };

/** Keyed by type. A new entry needs its reason. */
const EXCUSES: Readonly<Record<string, Excuses>> = {
  'mc-dropout': { gradient: 'it runs beside dropout, whose case holds the mask fast' },
  variational: { silent: 'it draws weights from their deviations, whatever the divergence weighs' },
  swag: { seed: 'it draws networks after training, none within the step' },
  laplace: { seed: 'it draws samples after training, none within the step' },
  ensemble: { seed: 'it draws the weights of its copies before the first step, none within it' },
  'gaussian-copula': { seed: 'it draws rows before the first step, none within it' },
  'group-dro': {
    silent: 'it weighs groups alike from the start, where the plain run weighs rows alike',
    gradient: 'the weights of groups follow the losses, and no gradient goes through them',
  },
  'co-teaching': {
    silent: 'it trains two networks in the place of one',
    seed: "the second network's initial weights follow from the seed",
  },
  ewc: { seed: 'rows of the Fisher information are drawn between steps' },
  replay: { seed: 'it draws rows of epochs, not within the step' },
  mmd: {
    gradient: 'the bandwidth follows the batch, and no gradient goes through it, as in the reference implementation',
  },
  'domain-adversarial': {
    gradient: 'the network climbs what the classifier of domains descends',
    seed: 'its classifier of domains starts from weights of the seed',
  },
  hypergradient: { seed: 'it draws the rows that it holds back before the first step, none within it' },
  smote: { seed: 'it draws rows before the first step, none within it' },
  'gradient-noise': { gradient: 'noise is added to the gradient' },
  sam: { gradient: 'the gradient is that of another point' },
  'spectral-norm': {
    gradient: 'the singular vectors are held fast, and are those of the weights only once the iteration has settled',
  },
  'mixed-precision': { gradient: 'rounding is passed straight through' },
  'quantization-aware': { gradient: 'rounding is passed straight through' },
  'adversarial-training': { gradient: 'the attack moves with the weights, and is detached' },
  trades: { gradient: 'the attack moves with the weights, and is detached' },
  'virtual-adversarial': { gradient: 'the perturbation moves with the weights, and is detached' },
};

/** What hypergradients learn the strengths of: a penalty, softened targets, decay, a proximal step. */
const LEARNED = [
  { type: 'l2', strength: 0.01 },
  { type: 'label-smoothing', strength: 0.1 },
  { type: 'weight-decay', strength: 0.01 },
  { type: 'l1', strength: 0.001 },
];

/** Options without which a regularizer cannot run on the suite's own problem, and the problem it can run on. */
const NEEDS: Readonly<Record<string, Variant>> = {
  'weight-tying': {
    options: { ties: [['dense2.weight', 'dense3.weight']] },
    setting: { model: { ...SMOOTH_MLP, hidden: [5, 5, 5] } },
  },
  'mc-dropout': {
    options: { samples: 3 },
    setting: {
      regularizers: [
        { type: 'dropout', strength: 0.3 },
        { type: 'mc-dropout', samples: 3 },
      ],
    },
  },
  'stochastic-depth': { options: {}, setting: SERIES },
  'series-augmentation': { options: {}, setting: SERIES },
  'test-time-augmentation': {
    options: { views: 3 },
    setting: {
      regularizers: [
        { type: 'input-noise', strength: 0.3 },
        { type: 'test-time-augmentation', views: 3 },
      ],
    },
  },
  'text-augmentation': { options: {}, setting: TEXT },
  'audio-augmentation': { options: {}, setting: { inputs: WAVES } },
  'spec-augment': { options: {}, setting: SPEECH },
  'gaussian-copula': { options: {}, setting: { inputs: FEATURES } },
  hypergradient: {
    options: {},
    setting: { regularizers: [...LEARNED, { type: 'hypergradient', warmUp: 0, every: 2 }] },
  },
  smote: { options: {}, setting: { inputs: FEATURES } },
  ewc: { options: {}, setting: TASKS },
  'synaptic-intelligence': { options: {}, setting: TASKS },
  replay: { options: {}, setting: TASKS },
  'learning-without-forgetting': { options: {}, setting: TASKS },
  'importance-weighting': { options: { target: 'far' } },
  // Networks that have hardly learnt anything are sure of nothing.
  'pseudo-labels': { options: { confidence: 0.4 }, setting: { unlabelled: 12 } },
  variational: { options: { samples: 3 } },
  // Of two epochs, the default share would collect one network alone.
  swag: { options: { perEpoch: 4, samples: 3 } },
  // Always, so that a step that is looked at mixes.
  cutmix: { options: { probability: 1 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  // Of two epochs, the default share would average the last alone.
  swa: { options: { strength: 1 } },
  // No unit of the suite's small networks reaches the default radius.
  'max-norm': { options: { radius: 0.5 } },
};

/** Options worth running besides the defaults. A new regularizer runs with its defaults whether it is named here or not. */
const VARIANTS: Readonly<Record<string, readonly Variant[]>> = {
  'activation-noise': [
    { options: { kind: 'additive', strength: 0.2, schedule: { type: 'cosine', from: 1, to: 0.2, over: 2 } } },
    { options: { per: 'channel', layers: [1] }, setting: { inputs: PICTURES, model: SMALL_CNN } },
    { options: { where: ['embedding', 'branch'], per: 'channel' }, setting: SERIES },
  ],
  'activation-penalty': [
    { options: { norm: 'l2', strength: 0.1 } },
    { options: { strength: 0.1 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  'confidence-penalty': [{ options: { strength: 1, threshold: 0.9 } }],
  'adversarial-training': [
    { options: { method: 'fgsm', norm: 'l2', randomStart: false, share: 0.5 } },
    { options: { steps: 2, norm: 'l2', range: [-9, 9] }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  trades: [{ options: { steps: 2, norm: 'l2', strength: 1 }, setting: { inputs: PICTURES, model: SMALL_CNN } }],
  'virtual-adversarial': [{ options: { iterations: 2, epsilon: 0.5 } }],
  distillation: [{ options: { temperature: 2, decay: 0.5, classWeighted: true } }],
  'weight-tying': [
    {
      options: { ties: [['dense2.weight', 'dense3.weight']] },
      setting: { model: { ...SMOOTH_MLP, hidden: [5, 4, 5] } },
    },
  ],
  'mixed-precision': [{ options: { format: 'fp16', growthSteps: 3 }, setting: { inputs: PICTURES, model: SMALL_CNN } }],
  'quantization-aware': [
    { options: { bits: 4 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
    { options: { bits: 3, activations: false, perChannel: false } },
  ],
  prior: [{ options: { kind: 'laplace', strength: 10 } }, { options: { kind: 'horseshoe', strength: 3 } }],
  pruning: [
    { options: { criterion: 'movement', scope: 'layer', strength: 0.5, every: 1, start: 0 } },
    { options: { structure: 'channels', strength: 0.5 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  dropout: [
    { options: { mode: 'spatial', strength: 0.5 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
    { options: { mode: 'attention', strength: 0.5 }, setting: SERIES },
    { options: { mode: 'embedding', strength: 0.3 }, setting: TEXT },
    { options: { mode: 'connect', strength: 0.3 } },
  ],
  'elastic-net': [{ options: { l1Ratio: 0 } }, { options: { l1Ratio: 1 } }],
  'fused-lasso': [
    { options: { order: 2, strength: 0.5 } },
    { options: { norm: 'l2', strength: 0.5 } },
    { options: { along: 'positions', strength: 0.5 }, setting: SERIES },
  ],
  'gradient-noise': [
    { options: { gamma: 0, strength: 0.1 }, setting: { training: { gradientClip: 0.5 } } },
    { options: {}, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  'gradient-penalty': [
    { options: { of: 'loss', strength: 0.3 } },
    { options: { strength: 0.3 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  'group-lasso': [
    { options: { groups: 'inputs', strength: 0.02 } },
    { options: { strength: 0.02 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  'image-augmentation': [
    { options: { flip: 'both', noise: 0.3, crop: 0.3, zoom: 0.3, border: 'mean', strength: 0.7 } },
    {
      options: { rotate: 30, shear: 10, brightness: 0.3, contrast: 0.3, erase: 0.3, keep: 0.5, strength: 0.8 },
      setting: { inputs: PICTURES, model: SMALL_CNN },
    },
  ],
  'rand-augment': [
    { options: { operations: 1, choose: ['identity', 'rotate', 'equalize'], border: 'mean', strength: 20 } },
  ],
  augmix: [
    {
      options: { consistency: 3, width: 2, depth: 2, strength: 5 },
      setting: { inputs: PICTURES, model: SMALL_CNN },
    },
  ],
  'spec-augment': [
    { options: { timeShare: 0.4, frequencyShare: 0 }, setting: SPEECH },
    { options: { timeMasks: 1, timeShare: 0.3, strength: 0.6 }, setting: SPEECH_CNN },
  ],
  'audio-augmentation': [
    { options: { pitch: 0, stretch: 0, speed: 0.2, noise: null, odds: 1, strength: 0.5 }, setting: SPEECH },
  ],
  'text-augmentation': [{ options: { dropout: 0, swap: 0, span: 0.4, strength: 0.7 }, setting: TEXT }],
  'series-augmentation': [
    { options: { jitter: 0, slice: 0.5, timeWarp: 0, knots: 2, odds: 1, strength: 0.7 }, setting: SERIES },
  ],
  'tabular-augmentation': [{ options: { swap: 0.5, dropout: 0.5, jitter: 0.5, strength: 0.3 } }],
  l1: [{ options: { include: ['weight', 'bias'], strength: 0.01 } }],
  'importance-weighting': [{ options: { target: 'near', penalty: 30, limit: 2, strength: 0.5 } }],
  'pseudo-labels': [{ options: { confidence: 0, strength: 3 } }],
  ewc: [{ options: { mode: 'offline', labels: 'sampled', rows: 5, strength: 1000 }, setting: CLASS_TASKS }],
  'synaptic-intelligence': [{ options: { damping: 0.1, strength: 10 }, setting: CLASS_TASKS }],
  replay: [{ options: { buffer: 2, strength: 0.3 }, setting: CLASS_TASKS }],
  'learning-without-forgetting': [{ options: { temperature: 1, strength: 3 }, setting: CLASS_TASKS }],
  coral: [{ options: { strength: 3, target: 'far', means: true } }],
  mmd: [{ options: { target: 'near', kernels: 3, factor: 4, bandwidth: 2 } }],
  'domain-adversarial': [{ options: { target: 'far', hidden: 0, ramp: 'none', strength: 0.3 } }],
  freezing: [{ options: { strength: 0.7, head: 1 } }],
  'layer-wise-rates': [
    { options: { strength: 0.5, block: 2 }, setting: { model: { type: 'mlp', hidden: [6, 5], activation: 'tanh' } } },
  ],
  'l2-sp': [{ options: { strength: 0.5, head: 0.3, newHead: false, include: ['weight'] } }],
  l2: [{ options: { include: ['bias'], strength: 0.1 } }],
  'weight-noise': [
    { options: { kind: 'multiplicative', include: ['weight', 'bias'], strength: 0.3 } },
    { options: { strength: 0.1 }, setting: { model: { ...SMOOTH_MLP, normalization: 'batch' } } },
  ],
  'weight-decay': [{ options: { include: ['weight', 'bias'], strength: 0.1 } }],
  'input-noise': [
    { options: { inputs: ['picture'], strength: 0.5 } },
    { options: { kind: 'multiplicative', strength: 0.5, schedule: { from: 1, to: 0, over: 2 } } },
  ],
  'max-norm': [
    { options: { radius: 0.2 } },
    { options: { radius: 0.5 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  cutmix: [{ options: { probability: 0.5, strength: 0.5 } }],
  'manifold-mixup': [
    { options: { layers: [1], strength: 0.5 }, setting: { task: 'regression' } },
    { options: { layers: [0, 2, 3] }, setting: { inputs: PICTURES, model: RESIDUAL_CNN } },
    { options: {}, setting: TEXT },
  ],
  mixup: [{ options: { strength: 2 } }],
  'gaussian-copula': [{ options: { classes: 'balanced', strength: 0.3 } }],
  hypergradient: [
    {
      options: { method: 'implicit', terms: 3, strength: 0.2 },
      setting: {
        regularizers: [
          ...LEARNED,
          { type: 'dropout', strength: 0.2 },
          { type: 'early-stopping', patience: 1 },
          { type: 'hypergradient', method: 'implicit', terms: 3, every: 1, warmUp: 0, strength: 0.2 },
        ],
      },
    },
  ],
  smote: [{ options: { variant: 'borderline-2', strength: 0.9, neighbours: 2 }, setting: { rows: 60 } }],
  'demographic-parity': [
    { options: { mode: 'constraint', strength: 3 } },
    { options: { mode: 'mixture', strength: 3, rounds: 2 } },
  ],
  'equalized-odds': [
    { options: { mode: 'constraint', strength: 3, allow: 0, rate: 50 } },
    { options: { mode: 'mixture', strength: 3, rounds: 2, allow: 0.05, rate: 1 } },
  ],
  cvar: [{ options: { strength: 0.83 } }],
  'group-dro': [
    { options: { by: 'sensitive', classes: true, adjustment: 1, strength: 0.3 } },
    { options: { by: 'class' } },
  ],
  irm: [{ options: { strength: 5 }, setting: { task: 'regression' } }],
  'sample-reweighting': [{ options: { by: 'group', strength: 0.99 } }],
  'small-loss': [{ options: { within: 'class', strength: 0.4, schedule: { from: 0, to: 1, over: 1 } } }],
  bootstrapping: [{ options: { mode: 'hard', strength: 0.3 } }],
  focal: [{ options: { strength: 0.5 } }],
  gce: [{ options: { strength: 1 } }],
  'label-smoothing': [
    { options: { prior: 'classes', strength: 0.2 } },
    { options: { strength: 0.3, schedule: { from: 0.5, to: 1, over: 2, type: 'cosine' } } },
  ],
  sam: [{ options: { adaptive: true, strength: 0.5 } }],
  variational: [
    { options: { estimator: 'weights', priorDeviation: 0.3, samples: 2, strength: 0.5 } },
    { options: { samples: 2, initialDeviation: 0.2 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
    {
      options: { predictive: 'mean', include: ['weight', 'embedding'] },
      setting: TEXT,
    },
    {
      options: { samples: 2 },
      setting: { task: 'regression', model: { ...SMOOTH_MLP, normalization: 'batch' } },
    },
  ],
  swag: [
    {
      options: { share: 1, perEpoch: 2, rank: 3, samples: 2, strength: 0.5 },
      setting: { task: 'regression', model: { ...SMOOTH_MLP, normalization: 'batch' } },
    },
    { options: { share: 1, samples: 2 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  laplace: [
    { options: { layers: 'all' }, setting: { model: { type: 'mlp', hidden: [6, 5], normalization: 'batch' } } },
    { options: { layers: 'all', strength: 2 }, setting: { inputs: PICTURES, model: SMALL_CNN, task: 'regression' } },
    { options: { structure: 'full', precision: 2, strength: 3 }, setting: { task: 'regression' } },
    {
      options: { predictive: 'samples', samples: 4, structure: 'full' },
      setting: { inputs: PICTURES, model: SMALL_CNN },
    },
  ],
  ensemble: [
    { options: { members: 2, bagging: true }, setting: { task: 'regression' } },
    { options: { members: 2 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  ema: [{ options: { warmUp: false, strength: 0.9 }, setting: { model: { ...SMOOTH_MLP, normalization: 'batch' } } }],
  swa: [
    { options: { rateFactor: 0.5, annealEpochs: 1 }, setting: { model: { ...SMOOTH_MLP, normalization: 'batch' } } },
  ],
  'nuclear-norm': [
    { options: { strength: 0.1 } },
    { options: { strength: 0.1 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  orthogonality: [{ options: { strength: 0.1 }, setting: { inputs: PICTURES, model: SMALL_CNN } }],
  'stochastic-depth': [
    { options: { mode: 'batch', decay: 'none', strength: 0.5 } },
    { options: { strength: 0.5 }, setting: { inputs: PICTURES, model: RESIDUAL_CNN } },
  ],
  'spectral-norm': [
    { options: { bound: 0.5 } },
    { options: { bound: 0.5 }, setting: { inputs: PICTURES, model: SMALL_CNN } },
  ],
  'early-stopping': [{ options: { patience: 1, minDelta: 0.001, metric: 'accuracy' } }],
};

/** The entry of a regularizer at its default strength. */
export function defaultEntry({ type, strength }: Regularizer): Record<string, unknown> {
  return strength.inverse === undefined
    ? { type, strength: strength.default }
    : { type, [strength.inverse.option]: strength.inverse.toOption(strength.default) };
}

/** Every regularizer of the registry, with its defaults and in its variants. */
export const REGULARIZER_CASES: readonly RegularizerCase[] = listRegularizers().flatMap((regularizer) =>
  [{ options: {} }, ...(VARIANTS[regularizer.type] ?? [])].map(({ options, setting = {} }: Variant) => ({
    title: `${regularizer.type} ${Object.keys(options).length === 0 ? '' : JSON.stringify(options)}`.trim(),
    regularizer,
    entry: { ...defaultEntry(regularizer), ...NEEDS[regularizer.type]?.options, ...options },
    setting: { ...NEEDS[regularizer.type]?.setting, ...setting },
    excuses: EXCUSES[regularizer.type] ?? {},
  })),
);

/** The problem of a case: 36 rows in batches of 8, so that the last batch of an epoch is smaller; 10 steps. */
export function problemOf({ entry, setting }: RegularizerCase, more: ProblemOptions = {}) {
  const training = { ...setting.training, ...more.training };
  return problem({ rows: 36, regularizers: [entry], ...setting, ...more, training });
}
