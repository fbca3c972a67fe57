import type { Interaction } from './interaction.js';

/** Examples blended with each other. */
export const MIXING: readonly Interaction[] = [
  {
    first: 'label-smoothing',
    second: 'mixup',
    kind: 'warn',
    code: 'LABEL_SMOOTHING_WITH_MIXUP',
    reason: 'label-smoothing and mixup both soften the targets, which tends to underfit and to blur calibration',
    remedy: 'Keep one of them, or lower both',
    source: 'Wen et al., Combining Ensembles and Data Augmentation can Harm your Calibration, ICLR 2021',
    measured:
      'on digits accuracy rose by 0.010 with both, by 0.007 and 0.008 alone, and log loss was 0.053 worse, where mixup alone lowered it by 0.048',
  },
  {
    first: 'dropout',
    second: 'mixup',
    kind: 'warn',
    code: 'STRONG_DROPOUT_WITH_MIXUP',
    reason: 'dropout above a half together with mixup tends to underfit',
    remedy: 'Lower one of the two and compare train with validation',
    source: 'Zhang et al., mixup: Beyond Empirical Risk Minimization, ICLR 2018, section 3.4',
    measured:
      'on digits dropout 0.6 undid what mixup gains: log loss 0.000 with both, 0.058 and 0.048 lower alone; dropout 0.3 added to it, 0.080',
    from: { first: 0.5 + 1e-9 },
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
    first: 'cutmix',
    second: 'mixup',
    kind: 'warn',
    code: 'ROWS_MIXED_TWICE',
    reason: 'cutmix and mixup both mix rows and targets, and one after the other leaves little of any row',
    remedy: 'Keep one of them',
    source: 'timm.data.Mixup (switch_prob 0.5: a batch gets the one or the other, never both)',
  },
  {
    first: 'cutmix',
    second: 'label-smoothing',
    kind: 'warn',
    code: 'LABEL_SMOOTHING_WITH_CUTMIX',
    reason: 'label-smoothing and cutmix both soften the targets, which tends to underfit and to blur calibration',
    remedy: 'Keep one of them, or lower both',
    source:
      'Wen et al., Combining Ensembles and Data Augmentation can Harm your Calibration, ICLR 2021 (of mixup, which softens the targets in the same way)',
  },
  {
    first: 'cutmix',
    second: 'small-loss',
    kind: 'warn',
    code: 'SELECTION_OF_MIXED_ROWS',
    reason:
      'small-loss chooses rows by their loss, and cutmix gives every row a part of the label of another, wrong ones too',
    remedy: 'Keep one of them',
    source:
      'Arazo et al., Unsupervised Label Noise Modeling and Loss Correction, ICML 2019, section 3.3 (of mixup, which spreads labels in the same way)',
  },
  {
    first: 'co-teaching',
    second: 'cutmix',
    kind: 'warn',
    code: 'SELECTION_OF_MIXED_ROWS',
    reason:
      'co-teaching chooses rows by their loss, and cutmix gives every row a part of the label of another, wrong ones too',
    remedy: 'Keep one of them',
    source:
      'Arazo et al., Unsupervised Label Noise Modeling and Loss Correction, ICML 2019, section 3.3 (of mixup, which spreads labels in the same way)',
  },
  {
    first: 'manifold-mixup',
    second: 'mixup',
    kind: 'warn',
    code: 'ROWS_MIXED_TWICE',
    reason: 'manifold-mixup and mixup both mix rows and targets, and one after the other leaves little of any row',
    remedy: 'Keep manifold-mixup: its layer 0 is mixup',
    source:
      'Verma et al., Manifold Mixup, ICML 2019, section 2 (mixup of inputs is one of the layers that are drawn, not an addition)',
  },
  {
    first: 'cutmix',
    second: 'manifold-mixup',
    kind: 'warn',
    code: 'ROWS_MIXED_TWICE',
    reason: 'cutmix and manifold-mixup both mix rows and targets, and one after the other leaves little of any row',
    remedy: 'Keep one of them',
    source: 'timm.data.Mixup (switch_prob 0.5: a batch gets the one or the other, never both)',
  },
  {
    first: 'label-smoothing',
    second: 'manifold-mixup',
    kind: 'warn',
    code: 'LABEL_SMOOTHING_WITH_MANIFOLD_MIXUP',
    reason:
      'label-smoothing and manifold-mixup both soften the targets, which tends to underfit and to blur calibration',
    remedy: 'Keep one of them, or lower both',
    source:
      'Wen et al., Combining Ensembles and Data Augmentation can Harm your Calibration, ICLR 2021 (of mixup, which softens the targets in the same way)',
  },
  {
    first: 'manifold-mixup',
    second: 'small-loss',
    kind: 'warn',
    code: 'SELECTION_OF_MIXED_ROWS',
    reason:
      'small-loss chooses rows by their loss, and manifold-mixup gives every row a part of the label of another, wrong ones too',
    remedy: 'Keep one of them',
    source:
      'Arazo et al., Unsupervised Label Noise Modeling and Loss Correction, ICML 2019, section 3.3 (of mixup, which spreads labels in the same way)',
  },
  {
    first: 'co-teaching',
    second: 'manifold-mixup',
    kind: 'warn',
    code: 'SELECTION_OF_MIXED_ROWS',
    reason:
      'co-teaching chooses rows by their loss, and manifold-mixup gives every row a part of the label of another, wrong ones too',
    remedy: 'Keep one of them',
    source:
      'Arazo et al., Unsupervised Label Noise Modeling and Loss Correction, ICML 2019, section 3.3 (of mixup, which spreads labels in the same way)',
  },
  {
    first: 'co-teaching',
    second: 'mixup',
    kind: 'warn',
    code: 'SELECTION_OF_MIXED_ROWS',
    reason: 'co-teaching chooses rows by their loss, and mixup blends wrong labels into all of them',
    remedy: 'Keep one of them',
    source: 'Arazo et al., Unsupervised Label Noise Modeling and Loss Correction, ICML 2019, section 3.3',
  },
  {
    first: 'distillation',
    second: 'manifold-mixup',
    kind: 'warn',
    code: 'TEACHER_OF_UNMIXED_ROWS',
    reason:
      'the teacher of distillation answers on the rows as they came, and manifold-mixup mixes what the network makes of them',
    remedy: 'Use mixup, which a teacher in the step sees too',
    source:
      'Beyer et al., Knowledge Distillation: A Good Teacher is Patient and Consistent, CVPR 2022 (teacher and student must see the same mixed inputs)',
  },
  {
    first: 'adversarial-training',
    second: 'manifold-mixup',
    kind: 'warn',
    code: 'ATTACK_ON_UNMIXED_ROWS',
    reason: 'adversarial-training attacks rows that are not mixed, and manifold-mixup gives them targets that are',
    remedy: 'Use mixup, which comes before the attack',
    source: 'by construction',
  },
  {
    first: 'group-dro',
    second: 'mixup',
    kind: 'warn',
    code: 'GROUPS_OF_MIXED_ROWS',
    reason: 'mixup mixes rows of different groups, and group-dro counts each by the group of the first alone',
    remedy: 'Keep group-dro where the worst group counts',
    source: 'by construction',
  },
  {
    first: 'cutmix',
    second: 'group-dro',
    kind: 'warn',
    code: 'GROUPS_OF_MIXED_ROWS',
    reason: 'cutmix mixes rows of different groups, and group-dro counts each by the group of the first alone',
    remedy: 'Keep group-dro where the worst group counts',
    source: 'by construction',
  },
  {
    first: 'group-dro',
    second: 'manifold-mixup',
    kind: 'warn',
    code: 'GROUPS_OF_MIXED_ROWS',
    reason: 'manifold-mixup mixes rows of different groups, and group-dro counts each by the group of the first alone',
    remedy: 'Keep group-dro where the worst group counts',
    source: 'by construction',
  },
];
