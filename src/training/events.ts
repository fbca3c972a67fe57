import type { Finding } from '../regularizers/finding.js';
import type { Checkpoint } from './checkpoint.js';

/** Metrics by name, values only: what an epoch costs little to compute. */
export type MetricValues = Readonly<Record<string, number>>;

export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** Mean objective loss of the epoch's batches, with augmentation, dropout and softened targets in force. */
  readonly trainLoss: number;
  readonly learningRate: number;
  /** In inference mode, on clean rows. */
  readonly train: MetricValues;
  readonly validation: MetricValues;
  /** Quality lost from train to validation in the primary metric; > 0 is worse on validation. */
  readonly gap: number;
  readonly seconds: number;
  /** Learned strengths at its end, by type. */
  readonly strengths?: Readonly<Record<string, number>>;
}

/** What training tells whoever composes it; training itself stores nothing. */
export type TrainingEvent =
  | {
      readonly type: 'started';
      readonly parameters: number;
      readonly nodes: number;
      readonly stepsPerEpoch: number;
      readonly backend: string;
    }
  | {
      readonly type: 'progress';
      readonly epoch: number;
      readonly step: number;
      readonly stepsPerEpoch: number;
      readonly loss: number;
      readonly stepsPerSecond: number;
      readonly secondsLeft: number;
    }
  | { readonly type: 'epoch'; readonly record: EpochRecord; readonly best: boolean; readonly secondsLeft: number }
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  | { readonly type: 'finding'; readonly finding: Finding };
