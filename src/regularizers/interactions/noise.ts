import type { Interaction } from './interaction.js';

/** Noise on activations, weights and gradients. */
export const NOISE: readonly Interaction[] = [
  {
    first: 'activation-noise',
    second: 'dropout',
    kind: 'warn',
    code: 'ACTIVATION_NOISE_WITH_DROPOUT',
    reason: 'activation-noise and dropout both disturb activations, and their variances add up',
    remedy: 'Keep one of them, or lower both: noise of sqrt(p / (1 - p)) is as strong as dropout of p',
    source: 'Srivastava et al., Dropout, JMLR 2014, section 10 (noise of that variance in the place of dropout)',
  },
  {
    first: 'sam',
    second: 'weight-noise',
    kind: 'warn',
    code: 'SAM_WITH_WEIGHT_NOISE',
    reason:
      'sam and weight-noise both look for weights with a low neighbourhood, sam at its worst point, weight-noise on average',
    remedy: 'Keep one of them, so that its radius can be tuned alone',
    source:
      'Foret et al., Sharpness-Aware Minimization for Efficiently Improving Generalization, ICLR 2021, section 2 (the worst point in the place of the expectation over Gaussian noise, by a PAC-Bayesian bound)',
  },
  {
    first: 'quantization-aware',
    second: 'weight-noise',
    kind: 'warn',
    code: 'WEIGHT_NOISE_BEFORE_ROUNDING',
    reason: 'quantization-aware rounds the noisy weights, and noise smaller than a step of the grid is lost or doubled',
    remedy: 'Keep quantization-aware: its rounding is the noise that the model will meet',
    source:
      'Baskin et al., UNIQ: Uniform Noise Injection for Non-Uniform Quantization of Neural Networks, 2018 (noise in the place of rounding, layer by layer)',
  },
  {
    first: 'gradient-noise',
    second: 'l1',
    kind: 'warn',
    code: 'GRADIENT_NOISE_WITH_ZEROS',
    reason: 'the zeros that l1 makes are left again wherever gradient-noise is larger than the penalty',
    remedy: 'Let the noise end before training does: schedule: { from: 1, to: 0, over: epochs }',
    source:
      'Xiao, Dual Averaging Methods for Regularized Stochastic Learning and Online Optimization, JMLR 2010, section 1.1 (noise in the gradients keeps weights off zero)',
  },
  {
    first: 'elastic-net',
    second: 'gradient-noise',
    kind: 'warn',
    code: 'GRADIENT_NOISE_WITH_ZEROS',
    reason: 'the zeros that elastic-net makes are left again wherever gradient-noise is larger than the penalty',
    remedy: 'Let the noise end before training does: schedule: { from: 1, to: 0, over: epochs }',
    source:
      'Xiao, Dual Averaging Methods for Regularized Stochastic Learning and Online Optimization, JMLR 2010, section 1.1 (noise in the gradients keeps weights off zero)',
  },
  {
    first: 'gradient-noise',
    second: 'pruning',
    kind: 'warn',
    code: 'GRADIENT_NOISE_WITH_PRUNING',
    reason: 'weights that pruning took out get no gradient but noise, and may come back by it alone',
    remedy: 'Let the noise end before pruning begins: schedule: { from: 1, to: 0, over: epochs }',
    source: 'by construction',
  },
];
