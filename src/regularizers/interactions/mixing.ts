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
];
