/** What a regularizer's step should cost: the figures of its `cost.training`, as numbers. */
export interface Theory {
  /** Plain steps' worth of passes through the network, the plain step itself included; a forward pass alone is a third. */
  readonly passes?: number;
  /** Element-wise passes over all weights. */
  readonly weights?: number;
  /** Nanoseconds an element of a batch's inputs, of its hidden activations, of the weights. */
  readonly inputNs?: number;
  readonly activationNs?: number;
  readonly weightNs?: number;
}

/** What is run, and what it should cost. */
export interface CostCase {
  readonly entry: Readonly<Record<string, unknown>>;
  readonly theory: Theory;
  /** Regularizers that it cannot run without; the plain step has them too. */
  readonly beside?: readonly Readonly<Record<string, unknown>>[];
  readonly network?: 'perceptron' | 'deep' | 'residual' | 'table' | 'series';
  readonly tasks?: true;
  readonly unlabelled?: true;
}

const FORWARD = 1 / 3;

/** Multiplications of the perceptron's plain step: 64 rows, once forwards and twice backwards. */
const STEP = 3 * 64 * 512 * (784 + 512 + 10);

/** Why a type has no row. */
export const NOT_IN_THE_STEP: Readonly<Record<string, string>> = {
  smote: 'makes rows before the first step',
  'gaussian-copula': 'makes rows before the first step',
  swa: 'works between epochs',
  swag: 'works between epochs',
  'early-stopping': 'works between epochs',
  laplace: 'works after training',
  'mc-dropout': 'works after training',
  hypergradient: 'works every tenth step, and needs rows held back',
  'nuclear-norm': 'its 54 products of square matrices a layer are for smaller layers than these',
  'spec-augment': 'takes spectrograms, which this network has not',
  'audio-augmentation': 'takes recordings, which this network has not',
  'text-augmentation': 'takes tokens, which this network has not',
  'test-time-augmentation': 'works after training',
};

/** By type, one or several. */
export const COSTS: Readonly<Record<string, readonly CostCase[]>> = {
  'weight-tying': [{ entry: { ties: [['dense2.weight', 'dense3.weight']] }, theory: {}, network: 'deep' }],
  ensemble: [{ entry: { members: 3 }, theory: { passes: 3 } }],
  'co-teaching': [{ entry: {}, theory: { passes: 2 } }],
  'image-augmentation': [{ entry: {}, theory: { inputNs: 10 } }],
  'rand-augment': [{ entry: {}, theory: { inputNs: 40 } }],
  augmix: [{ entry: {}, theory: { inputNs: 120 } }],
  'tabular-augmentation': [{ entry: {}, theory: { inputNs: 8 }, network: 'table' }],
  'series-augmentation': [{ entry: {}, theory: { inputNs: 70 }, network: 'series' }],
  'input-noise': [{ entry: {}, theory: { inputNs: 20 } }],
  mixup: [{ entry: {}, theory: { inputNs: 2 } }],
  cutmix: [{ entry: {}, theory: { inputNs: 2 } }],
  'manifold-mixup': [{ entry: {}, theory: { inputNs: 2, activationNs: 2 } }],
  'spectral-norm': [{ entry: { bound: 1 }, theory: { weights: 3 } }],
  'weight-noise': [{ entry: {}, theory: { weights: 2, weightNs: 20 } }],
  'adversarial-training': [
    { entry: {}, theory: { passes: 8 } },
    { entry: { method: 'fgsm' }, theory: { passes: 2 } },
  ],
  pruning: [{ entry: { strength: 0.5 }, theory: { weights: 1 } }],
  'quantization-aware': [{ entry: {}, theory: { weights: 6, activationNs: 7 } }],
  'mixed-precision': [{ entry: {}, theory: { passes: 1 + FORWARD, weights: 4 } }],
  dropout: [
    { entry: { strength: 0.5 }, theory: { activationNs: 5 } },
    { entry: { mode: 'connect', strength: 0.5 }, theory: { weightNs: 5 } },
  ],
  'stochastic-depth': [{ entry: {}, theory: {}, network: 'residual' }],
  'activation-noise': [{ entry: {}, theory: { activationNs: 20 } }],
  'label-smoothing': [{ entry: {}, theory: {} }],
  focal: [{ entry: {}, theory: {} }],
  gce: [{ entry: {}, theory: {} }],
  bootstrapping: [{ entry: {}, theory: {} }],
  distillation: [{ entry: {}, theory: { passes: 1 + FORWARD, weights: 2 } }],
  'confidence-penalty': [{ entry: {}, theory: {} }],
  'gradient-penalty': [{ entry: {}, theory: { passes: 3 } }],
  'activation-penalty': [{ entry: {}, theory: { activationNs: 1 } }],
  trades: [{ entry: {}, theory: { passes: 12 } }],
  'virtual-adversarial': [{ entry: {}, theory: { passes: 3 } }],
  'sample-reweighting': [{ entry: {}, theory: {} }],
  'small-loss': [{ entry: {}, theory: {} }],
  cvar: [{ entry: {}, theory: {} }],
  'group-dro': [{ entry: { by: 'group' }, theory: {} }],
  l2: [{ entry: {}, theory: { weights: 2 } }],
  prior: [
    { entry: {}, theory: { weights: 2 } },
    { entry: { kind: 'horseshoe' }, theory: { weights: 9 } },
  ],
  'l2-sp': [{ entry: {}, theory: { weights: 3 } }],
  'weight-decay': [{ entry: {}, theory: { weights: 1 } }],
  'elastic-net': [{ entry: {}, theory: { weights: 6 } }],
  l1: [{ entry: {}, theory: { weights: 4 } }],
  'group-lasso': [{ entry: {}, theory: { weights: 3 } }],
  'max-norm': [{ entry: {}, theory: { weights: 3 } }],
  'pseudo-labels': [{ entry: {}, theory: { passes: 1 + FORWARD }, unlabelled: true }],
  irm: [{ entry: {}, theory: {} }],
  'demographic-parity': [{ entry: {}, theory: {} }],
  'equalized-odds': [{ entry: {}, theory: {} }],
  'importance-weighting': [{ entry: { target: 'far' }, theory: {} }],
  replay: [{ entry: {}, theory: {}, tasks: true }],
  'learning-without-forgetting': [{ entry: {}, theory: { passes: 1 + FORWARD }, tasks: true }],
  ewc: [{ entry: {}, theory: { weights: 2 }, tasks: true }],
  'synaptic-intelligence': [{ entry: {}, theory: { weights: 10 }, tasks: true }],
  freezing: [{ entry: {}, theory: {} }],
  'layer-wise-rates': [{ entry: {}, theory: {} }],
  sam: [
    { entry: {}, theory: { passes: 2 } },
    { entry: { adaptive: true, strength: 0.5 }, theory: { passes: 2 } },
  ],
  'gradient-noise': [{ entry: {}, theory: { weights: 1, weightNs: 20 } }],
  ema: [{ entry: {}, theory: { weights: 1 } }],
  // Of the update of Adam some ten passes, over as many weights again.
  variational: [{ entry: {}, theory: { passes: 2, weights: 10 } }],
  orthogonality: [{ entry: {}, theory: { passes: 1 + (2 * 512 ** 2 * (784 + 512)) / STEP } }],
  // Covariances of 512 features over 64 rows for two domains, once forwards and twice backwards.
  coral: [{ entry: {}, theory: { passes: 1 + (6 * 64 * 512 ** 2) / STEP } }],
  mmd: [{ entry: {}, theory: {} }],
  'domain-adversarial': [{ entry: {}, theory: { passes: 1 + (3 * 64 * 512 * 100) / STEP } }],
  'fused-lasso': [{ entry: {}, theory: { weights: 12 }, network: 'table' }],
};
