import { BAYESIAN_INTERACTIONS } from './interactions-bayesian.js';
import type { Active, Conflict } from './regularizer.js';

/**
 * Which regularizers do not go together, and why: read by the check before a run, by `ballast regularizers` and by the
 * docs. What depends on more than the pair (the network, the optimizer) is judged by a regularizer's own `conflicts`.
 */
export interface Interaction {
  /** The two types. `order`: `first` must act before `second`, which the registry sees to. */
  readonly first: string;
  readonly second: string;
  readonly kind: 'warn' | 'refuse' | 'order';
  readonly code: string;
  readonly reason: string;
  readonly remedy: string;
  /** Who says so: a paper, a reference implementation, or a measurement of ours. */
  readonly source: string;
  /** Applies where both strengths are at least these. */
  readonly from?: { readonly first?: number; readonly second?: number };
}

export const INTERACTIONS: readonly Interaction[] = [
  {
    first: 'label-smoothing',
    second: 'mixup',
    kind: 'warn',
    code: 'LABEL_SMOOTHING_WITH_MIXUP',
    reason: 'label-smoothing and mixup both soften the targets, which tends to underfit and to blur calibration',
    remedy: 'Keep one of them, or lower both',
    source: 'Wen et al., Combining Ensembles and Data Augmentation can Harm your Calibration, ICLR 2021',
  },
  {
    first: 'dropout',
    second: 'mixup',
    kind: 'warn',
    code: 'STRONG_DROPOUT_WITH_MIXUP',
    reason: 'dropout above a half together with mixup tends to underfit',
    remedy: 'Lower one of the two and compare train with validation',
    source: 'Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018, section 3.4',
    from: { first: 0.5 + 1e-9 },
  },
  {
    first: 'distillation',
    second: 'label-smoothing',
    kind: 'warn',
    code: 'DISTILLATION_WITH_LABEL_SMOOTHING',
    reason: 'distillation already softens the targets by what is alike, and label-smoothing softens them by nothing',
    remedy: 'Keep distillation, and train its teacher without label-smoothing',
    source: 'Müller, Kornblith and Hinton, When Does Label Smoothing Help?, NeurIPS 2019, section 4',
  },
  {
    first: 'mixed-precision',
    second: 'quantization-aware',
    kind: 'warn',
    code: 'TWO_ROUNDINGS',
    reason: 'mixed-precision and quantization-aware both round weights and activations, one after the other',
    remedy: 'Keep the one that the model will be served in',
    source: 'by construction',
  },
  {
    first: 'pruning',
    second: 'dropout',
    kind: 'warn',
    code: 'AGGRESSIVE_PRUNING_WITH_DROPOUT',
    reason: 'pruning most weights and dropping much of what is left both remove capacity, and the network underfits',
    remedy:
      'Lower dropout as sparsity grows: Han et al. scale its rate by the square root of the share of weights kept',
    source: 'Han et al., Learning both Weights and Connections, NIPS 2015, section 3.2',
    from: { first: 0.8, second: 0.4 },
  },
  {
    first: 'l1',
    second: 'pruning',
    kind: 'warn',
    code: 'L1_WITH_PRUNING',
    reason: 'l1 and pruning both decide which weights go, and l1 also shrinks those that stay',
    remedy: 'Keep pruning for a set sparsity, l1 for one that follows from the data',
    source: 'Han et al., Learning both Weights and Connections, NIPS 2015, section 3.1',
  },
  {
    first: 'early-stopping',
    second: 'pruning',
    kind: 'warn',
    code: 'EARLY_STOPPING_BEFORE_PRUNED',
    reason: 'early-stopping may return to an epoch before the final sparsity was reached',
    remedy: 'Remove early-stopping, or give it restoreBest: false and a patience beyond the end of pruning',
    source: 'by construction',
  },
  {
    first: 'l2',
    second: 'weight-decay',
    kind: 'warn',
    code: 'L2_WITH_WEIGHT_DECAY',
    reason: 'l2 and weight-decay both shrink the same weights',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source: 'Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019',
  },
  {
    first: 'elastic-net',
    second: 'l1',
    kind: 'warn',
    code: 'ELASTIC_NET_WITH_PARTS',
    reason: 'elastic-net already holds an L1 part, and l1 is declared beside it',
    remedy: 'Fold the other penalty into elastic-net by its strength and l1Ratio',
    source: 'Zou and Hastie, Regularization and Variable Selection via the Elastic Net, JRSS B 2005',
  },
  {
    first: 'elastic-net',
    second: 'l2',
    kind: 'warn',
    code: 'ELASTIC_NET_WITH_PARTS',
    reason: 'elastic-net already holds an L2 part, and l2 is declared beside it',
    remedy: 'Fold the other penalty into elastic-net by its strength and l1Ratio',
    source: 'Zou and Hastie, Regularization and Variable Selection via the Elastic Net, JRSS B 2005',
  },
  {
    first: 'elastic-net',
    second: 'weight-decay',
    kind: 'warn',
    code: 'ELASTIC_NET_WITH_WEIGHT_DECAY',
    reason: 'elastic-net and weight-decay both shrink the same weights',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source: 'Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019',
  },
  {
    first: 'focal',
    second: 'gce',
    kind: 'refuse',
    code: 'TWO_LOSSES',
    reason: 'focal and gce both replace the loss of a row, and pull opposite ways: hard rows first, or last',
    remedy: 'Keep focal for rare classes, gce for wrong labels',
    source: 'Zhang and Sabuncu, Generalized Cross Entropy Loss, NeurIPS 2018, section 3',
  },
  {
    first: 'focal',
    second: 'small-loss',
    kind: 'warn',
    code: 'FOCAL_WITH_SMALL_LOSS',
    reason: 'small-loss drops the rows that focal puts first: those with large losses',
    remedy: 'Keep focal for rare classes, small-loss for wrong labels',
    source: 'Han et al., Co-teaching, NeurIPS 2018, section 2 (large losses taken for wrong labels)',
  },
  {
    first: 'co-teaching',
    second: 'focal',
    kind: 'warn',
    code: 'FOCAL_WITH_SMALL_LOSS',
    reason: 'co-teaching drops the rows that focal puts first: those with large losses',
    remedy: 'Keep focal for rare classes, co-teaching for wrong labels',
    source: 'Han et al., Co-teaching, NeurIPS 2018, section 2 (large losses taken for wrong labels)',
  },
  {
    first: 'co-teaching',
    second: 'small-loss',
    kind: 'refuse',
    code: 'SELECTION_TWICE',
    reason: 'co-teaching and small-loss both drop the rows with the largest losses',
    remedy: 'Keep one of them',
    source: 'Han et al., Co-teaching, NeurIPS 2018 (two networks that choose for each other, in the place of one)',
  },
  {
    first: 'mixup',
    second: 'small-loss',
    kind: 'warn',
    code: 'SELECTION_OF_MIXED_ROWS',
    reason: 'small-loss chooses rows by their loss, and mixup blends wrong labels into all of them',
    remedy: 'Keep one of them',
    source: 'Arazo et al., Unsupervised Label Noise Modeling and Loss Correction, ICML 2019, section 3.3',
  },
  {
    first: 'bootstrapping',
    second: 'confidence-penalty',
    kind: 'warn',
    code: 'BOOTSTRAPPING_WITH_CONFIDENCE_PENALTY',
    reason: 'bootstrapping takes entropy off the predictions, and confidence-penalty adds it',
    remedy: 'Keep bootstrapping for wrong labels, confidence-penalty for calibration',
    source: 'Reed et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, 2015, section 3.2',
  },
  {
    first: 'l2-sp',
    second: 'weight-decay',
    kind: 'warn',
    code: 'L2_SP_WITH_DECAY_TO_ZERO',
    reason: 'weight-decay draws the weights to 0 while l2-sp draws them to where training started',
    remedy: 'Keep l2-sp alone: it has a penalty towards 0 for the new head',
    source: 'Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning, ICML 2018',
  },
  {
    first: 'l2',
    second: 'l2-sp',
    kind: 'warn',
    code: 'L2_SP_WITH_DECAY_TO_ZERO',
    reason: 'l2 draws the weights to 0 while l2-sp draws them to where training started',
    remedy: 'Keep l2-sp alone: it has a penalty towards 0 for the new head',
    source: 'Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning, ICML 2018',
  },
  {
    first: 'freezing',
    second: 'l2-sp',
    kind: 'warn',
    code: 'FREEZING_WITH_L2_SP',
    reason: 'a frozen layer is at its start anyway: l2-sp acts on it only once it thaws',
    remedy: 'Keep one of them while tuning the other',
    source:
      'Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning, ICML 2018, section 5.3 (freezing and L2-SP compared)',
  },
  {
    first: 'ema',
    second: 'swa',
    kind: 'refuse',
    code: 'TWO_AVERAGES',
    reason: 'ema and swa both put an average in the place of the weights, and a model has one',
    remedy: 'Keep one of them',
    source: 'by construction',
  },
  {
    first: 'early-stopping',
    second: 'swa',
    kind: 'warn',
    code: 'EARLY_STOPPING_BEFORE_SWA',
    reason: 'early-stopping may end the run before swa begins to average, or return to an epoch before it',
    remedy: 'Remove early-stopping: the average does its work',
    source: 'Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, UAI 2018',
  },
  {
    first: 'confidence-penalty',
    second: 'label-smoothing',
    kind: 'warn',
    code: 'CONFIDENCE_PENALTY_WITH_LABEL_SMOOTHING',
    reason: 'confidence-penalty and label-smoothing both hold predictions back from certainty',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source:
      'Pereyra et al., Regularizing Neural Networks by Penalizing Confident Output Distributions, 2017 (the KL divergence in one direction and in the other)',
  },
  {
    first: 'nuclear-norm',
    second: 'orthogonality',
    kind: 'warn',
    code: 'NUCLEAR_NORM_WITH_ORTHOGONALITY',
    reason: 'nuclear-norm pulls singular values to 0 and orthogonality pulls them to 1',
    remedy: 'Keep the one whose effect is wanted: low rank, or units that differ',
    source: 'Follows from their definitions',
  },
  {
    first: 'fused-lasso',
    second: 'l1',
    kind: 'order',
    code: 'FUSED_LASSO_BEFORE_L1',
    reason: 'pulling neighbours together and then thresholding is the proximal step of the sum of both penalties',
    remedy: 'Nothing to do: differences come first',
    source: 'Friedman, Hastie, Höfling and Tibshirani, Pathwise Coordinate Optimization, 2007, proposition 1',
  },
  {
    first: 'l1',
    second: 'group-lasso',
    kind: 'order',
    code: 'L1_BEFORE_GROUP_LASSO',
    reason: 'thresholding single weights and then whole units is the proximal step of the sum of both penalties',
    remedy: 'Nothing to do: single weights come first',
    source: 'Friedman, Hastie and Tibshirani, A Note on the Group Lasso and a Sparse Group Lasso, 2010',
  },
  {
    first: 'adversarial-training',
    second: 'trades',
    kind: 'warn',
    code: 'TWO_ATTACKS',
    reason: 'adversarial-training and trades both train against an attack, and trades would start from attacked rows',
    remedy: 'Keep trades to hold on to accuracy, adversarial-training for plain robustness',
    source: 'Zhang et al., Theoretically Principled Trade-off between Robustness and Accuracy, ICML 2019',
  },
  {
    first: 'ensemble',
    second: 'sam',
    kind: 'warn',
    code: 'SAM_RADIUS_OVER_MEMBERS',
    reason: 'the radius of sam is over the weights of all members together, so that each is moved by a part of it',
    remedy: 'Raise the strength of sam by the square root of the number of members',
    source: 'by construction',
  },
  {
    first: 'co-teaching',
    second: 'ensemble',
    kind: 'refuse',
    code: 'MEMBERS_TWICE',
    reason: 'co-teaching and ensemble both make several networks of one',
    remedy: 'Keep one of them; co-teaching predicts by the mean of its two networks as it is',
    source: 'by construction',
  },
  {
    first: 'image-augmentation',
    second: 'rand-augment',
    kind: 'warn',
    code: 'IMAGES_AUGMENTED_TWICE',
    reason: 'image-augmentation and rand-augment both move and recolour the same images',
    remedy: 'Keep one of them, or lower both: amounts add up beyond what production shows',
    source: 'Cubuk et al., RandAugment, NeurIPS 2020, section 4 (flip and crop alone stand beside it)',
  },
  {
    first: 'image-augmentation',
    second: 'augmix',
    kind: 'warn',
    code: 'IMAGES_AUGMENTED_TWICE',
    reason: 'image-augmentation and augmix both move and recolour the same images',
    remedy: 'Keep one of them, or lower both: amounts add up beyond what production shows',
    source: 'Cubuk et al., RandAugment, NeurIPS 2020, section 4 (flip and crop alone stand beside it)',
  },
  {
    first: 'rand-augment',
    second: 'augmix',
    kind: 'warn',
    code: 'IMAGES_AUGMENTED_TWICE',
    reason: 'rand-augment and augmix both move and recolour the same images',
    remedy: 'Keep one of them, or lower both: amounts add up beyond what production shows',
    source: 'Cubuk et al., RandAugment, NeurIPS 2020, section 4 (flip and crop alone stand beside it)',
  },
  {
    first: 'series-augmentation',
    second: 'input-noise',
    kind: 'warn',
    code: 'NOISE_TWICE',
    reason: 'series-augmentation and input-noise both add noise to the same series',
    remedy: 'Keep one of them: input-noise for noise alone, or jitter beside the other changes',
    source: 'by construction',
  },
  {
    first: 'coral',
    second: 'mmd',
    kind: 'warn',
    code: 'TWO_ALIGNMENTS',
    reason: 'coral and mmd both draw the same features of the domains together',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source: 'Gulrajani and Lopez-Paz, In Search of Lost Domain Generalization, ICLR 2021 (each is compared alone)',
  },
  {
    first: 'coral',
    second: 'domain-adversarial',
    kind: 'warn',
    code: 'TWO_ALIGNMENTS',
    reason: 'coral and domain-adversarial both draw the same features of the domains together',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source: 'Gulrajani and Lopez-Paz, In Search of Lost Domain Generalization, ICLR 2021 (each is compared alone)',
  },
  {
    first: 'domain-adversarial',
    second: 'mmd',
    kind: 'warn',
    code: 'TWO_ALIGNMENTS',
    reason: 'domain-adversarial and mmd both draw the same features of the domains together',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source: 'Gulrajani and Lopez-Paz, In Search of Lost Domain Generalization, ICLR 2021 (each is compared alone)',
  },
  {
    first: 'ewc',
    second: 'synaptic-intelligence',
    kind: 'warn',
    code: 'TWO_CONSOLIDATIONS',
    reason: 'ewc and synaptic-intelligence both hold the same weights near where earlier tasks left them',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source:
      'Zenke, Poole and Ganguli, Continual Learning Through Synaptic Intelligence, ICML 2017 (compared, each alone)',
  },
  {
    first: 'cvar',
    second: 'small-loss',
    kind: 'refuse',
    code: 'OPPOSITE_SELECTION',
    reason: 'cvar trains on the rows with the largest losses, and small-loss drops them',
    remedy: 'Keep cvar where everyone is to be served, small-loss where labels are wrong',
    source: 'Zhai et al., DORO: Distributional and Outlier Robust Optimization, ICML 2021 (risk under outliers)',
  },
  {
    first: 'co-teaching',
    second: 'cvar',
    kind: 'refuse',
    code: 'OPPOSITE_SELECTION',
    reason: 'cvar trains on the rows with the largest losses, and co-teaching drops them',
    remedy: 'Keep cvar where everyone is to be served, co-teaching where labels are wrong',
    source: 'Zhai et al., DORO: Distributional and Outlier Robust Optimization, ICML 2021 (risk under outliers)',
  },
  {
    first: 'cvar',
    second: 'group-dro',
    kind: 'warn',
    code: 'WORST_CASE_TWICE',
    reason: 'cvar and group-dro both weigh up what has large losses, rows the one and groups the other',
    remedy: 'Keep group-dro where groups are known, cvar where they are not',
    source: 'Sagawa et al., Distributionally Robust Neural Networks for Group Shifts, ICLR 2020, section 2',
  },
  {
    first: 'group-dro',
    second: 'sample-reweighting',
    kind: 'warn',
    code: 'GROUPS_WEIGHTED_TWICE',
    reason: 'group-dro takes the mean over the rows of a group, and sample-reweighting weighs rows within it once more',
    remedy: 'Keep group-dro where the worst group counts, sample-reweighting where rare ones do',
    source: 'Sagawa et al., Distributionally Robust Neural Networks for Group Shifts, ICLR 2020, section 3.3',
  },
  {
    first: 'demographic-parity',
    second: 'equalized-odds',
    kind: 'warn',
    code: 'TWO_FAIRNESS_CRITERIA',
    reason: 'demographic-parity and equalized-odds cannot both hold where groups differ in their shares of the classes',
    remedy: 'Choose the criterion that the decision is answerable for',
    source:
      'Kleinberg, Mullainathan and Raghavan, Inherent Trade-Offs in the Fair Determination of Risk Scores, ITCS 2017',
  },
  {
    first: 'l1',
    second: 'prior',
    kind: 'warn',
    code: 'PRIOR_WITH_L1',
    reason: 'prior and l1 both shrink the same weights: l1 is a prior under another scale',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source: 'MacKay, A Practical Bayesian Framework for Backpropagation Networks, Neural Computation 1992',
  },
  {
    first: 'l2',
    second: 'prior',
    kind: 'warn',
    code: 'PRIOR_WITH_L2',
    reason: 'prior and l2 both shrink the same weights: l2 is a prior under another scale',
    remedy: 'Keep one of them, so that its strength can be tuned alone',
    source: 'MacKay, A Practical Bayesian Framework for Backpropagation Networks, Neural Computation 1992',
  },
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
  ...BAYESIAN_INTERACTIONS,
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

/** Entries of the table that a regularizer is part of. */
export function interactionsOf(type: string): readonly Interaction[] {
  return INTERACTIONS.filter(({ first, second }) => first === type || second === type);
}

/** Pairs of a run that the table warns of or refuses. */
export function pairConflicts(active: readonly Active[]): Conflict[] {
  const strongest = new Map<string, number>();
  for (const { regularizer, strength } of active) {
    strongest.set(regularizer.type, Math.max(strength, strongest.get(regularizer.type) ?? 0));
  }
  return INTERACTIONS.flatMap(({ first, second, kind, code, reason, remedy, from }) => {
    if (kind === 'order') return [];
    const acts = (type: string, least = 0): boolean => {
      const strength = strongest.get(type) ?? 0;
      return strength > 0 && strength >= least;
    };
    if (!acts(first, from?.first) || !acts(second, from?.second)) return [];
    return [{ code, severity: kind === 'refuse' ? ('error' as const) : ('warning' as const), message: reason, remedy }];
  });
}
