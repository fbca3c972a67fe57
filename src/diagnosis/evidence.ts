import type { ClassLoss, FalsePositives } from '../evaluation/class-losses.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import type { Figure } from '../evaluation/figure.js';
import type { ModelComparison } from '../evaluation/verdict.js';
import type { EpochRecord } from '../training/events.js';
import type { SpecPatch } from './patch.js';

/** Everything a diagnosis goes by: measured beforehand, judged without doing anything more. Absent: not known. */
export interface Evidence {
  readonly task: 'classification' | 'regression';
  /** The primary metric. */
  readonly metric: string;
  readonly direction: 'higher' | 'lower';
  /** Confidence level of every interval in it that a rule decides by. */
  readonly level: number;
  readonly validation: Evaluation;
  /** Limits of the spec's objectives. */
  readonly limits: { readonly ece: number; readonly gap: number };
  /** What was trained, where the model is a run's. */
  readonly training?: TrainingEvidence;
  /** The unregularized run beside it, and what the regularizers changed. */
  readonly baseline?: { readonly train: number; readonly comparison: ModelComparison };
  /** Gain of a temperature, cross-fitted: log loss after minus before. */
  readonly temperature?: { readonly value: number; readonly logLoss: Figure };
  /** How well uncertainty tells errors (AUROC). */
  readonly uncertainty?: Figure;
  /** Share of labels that are probably wrong, of rows the model was not trained on; with a lower bound. */
  readonly labelNoise?: { readonly rate: number; readonly low: number; readonly rows: number };
  /** Whether the model says which regularizers it was trained with. */
  readonly manifest: boolean;
  /** What the checks of the data found. */
  readonly data?: readonly { readonly code: string; readonly severity: string; readonly message: string }[];
  /** Other seeds of the same spec on the same rows. */
  readonly seeds?: readonly SeedEvidence[];
  /** Quality that the last compression of the model lost (paired; above 0 is a loss), and its steps. */
  readonly compression?: {
    readonly lost: Figure;
    readonly steps: readonly string[];
    /** What each class lost of its recall. */
    readonly classes?: readonly ClassLoss[];
  };
  readonly probes: readonly Probe[];
  /** What fine-tuning did to the calibration of the model that it began from, on the same rows. */
  readonly transfer?: TransferEvidence;
  /** How sure the model is of rows of another kind than those of training. */
  readonly outside?: OutsideEvidence;
  /** What production says of the model, where it is served. */
  readonly production?: ProductionEvidence;
}

/** Log loss that a temperature takes away, cross-fitted: what miscalibration costs, in nats. */
export interface TransferEvidence {
  readonly before: number;
  readonly after: number;
  /** After minus before, paired row by row. */
  readonly change: Figure;
  /** 1 / temperature that fits each best (below 1 is too sure), and after minus before, paired. */
  readonly inverse: { readonly before: number; readonly after: number; readonly difference: Figure };
}

export interface OutsideEvidence {
  readonly rows: number;
  /** Probability that one of these rows is less certain than a validation row, by the measure that tells them best. */
  readonly auroc: Figure;
  /** Mean of the largest probability: of these rows, and of the validation rows. */
  readonly confidence: number;
  readonly ownConfidence: number;
  readonly classes: number;
}

/** What was observed of a model that is served. */
export interface ProductionEvidence {
  /** `models:/NAME/VERSION` */
  readonly model: string;
  /** Quality lost from the stage before to production, on labelled rows: above 0 is a loss. */
  readonly lost?: { readonly from: string; readonly rows: number; readonly figure: Figure };
  /** Features that drifted and stayed so. */
  readonly drift: {
    readonly windows: number;
    readonly features: readonly {
      readonly name: string;
      /** Share of the rows that would have to be different. */
      readonly effect: number;
      /** What it adds to the mean loss by itself; null where not known. */
      readonly qualityEffect: number | null;
    }[];
  };
  /** Against a version that differs in one regularizer and answered the same requests. */
  readonly mismatched?: {
    readonly regularizer: string;
    readonly other: string;
    /** What the regularizer gained on validation: above 0 is better with it. */
    readonly validation: number;
    /** What it loses in production, paired: above 0 is worse with it. */
    readonly production: Figure;
    readonly pairs: number;
  };
  /** Latency at the 99th percentile against the version before, ms. */
  readonly slower?: {
    readonly before: number;
    readonly now: number;
    /** Of no more than 1 % of answers beyond the earlier one's. */
    readonly pValue: number;
    readonly requests: number;
    readonly than: string;
    readonly compressed: boolean;
  };
}

export interface TrainingEvidence {
  readonly rows: number;
  readonly parameters: number;
  readonly train: Evaluation;
  /** Quality lost from train to validation, at the level of the evidence. */
  readonly gap: Figure;
  /** The metric of the best constant answer on the training rows; undefined where it has none. */
  readonly constant: number | undefined;
  readonly history: readonly EpochRecord[];
  readonly epochs: { readonly allowed: number; readonly run: number; readonly best: number };
  readonly outcome: string;
  readonly findings: readonly { readonly code: string; readonly message: string }[];
  readonly learningRate: number;
  readonly fineTuned: boolean;
  readonly regularizers: readonly DeclaredStrength[];
}

/** A regularizer of the spec. */
export interface DeclaredStrength {
  /** Its place in the spec's list. */
  readonly index: number;
  readonly type: string;
  readonly strength: number;
  /** Whether more of it fits the training rows less, so that it can be turned up and down against overfitting. */
  readonly adjustable: boolean;
  readonly range: readonly [low: number, high: number];
  /** It makes other samples of the training rows. */
  readonly augments?: boolean;
  /** It disturbs values, while training only, that a batch normalization sees after it. */
  readonly beforeBatchNorm?: boolean;
}

export interface SeedEvidence {
  readonly seed: number;
  /** The primary metric on validation. */
  readonly value: number;
  /** Against the judged run, paired row by row: this minus that. */
  readonly difference: Figure;
}

export type ProbeKind =
  | 'weaker'
  | 'stronger'
  | 'without'
  | 'longer'
  | 'faster'
  | 'slower'
  | 'half the data'
  | 'without copies'
  | 'less augmentation'
  | 'other normalization'
  | 'without dropping'
  | 'undisturbed statistics';

/** A controlled experiment: the spec with one thing changed, trained alike and compared on the same validation rows. */
export interface Probe {
  readonly kind: ProbeKind;
  /** What was changed, in words. */
  readonly label: string;
  readonly patch: SpecPatch;
  /** Change in the primary metric, and in the log loss of a classifier: probe minus model, paired. */
  readonly change: Figure;
  readonly logLoss?: Figure;
  /** The judged run's primary metric and log loss on validation, which the changes are counted from. */
  readonly before: { readonly primary: number; readonly logLoss?: number };
  /** By how much the false-positive rates fell, where that was asked. */
  readonly falsePositives?: readonly FalsePositives[];
  /** The primary metric of the probe on its training rows. */
  readonly train: number;
  /** The same change under another seed; absent where the first was not clear enough to ask. */
  readonly again?: Pick<Probe, 'change' | 'logLoss' | 'falsePositives'>;
}
