import type { Evaluation, Figure, Ledger, ModelComparison } from '../evaluation/index.js';
import type { Manifest } from '../regularizers/manifest.js';
import type { RunRole } from '../store/index.js';
import type { EpochRecord } from '../training/events.js';
import type { Worth } from '../tuning/worth.js';

export type { EpochRecord, Evaluation, Figure, Ledger, ModelComparison, RunRole };

/** The trained values of one parameter, or of all together. */
export interface WeightSummary {
  readonly name: string;
  readonly count: number;
  /** Share of values that are exactly zero. */
  readonly sparsity: number;
  /** Euclidean norm. */
  readonly norm: number;
  readonly histogram?: { readonly edges: readonly number[]; readonly counts: readonly number[] };
}

export interface ReportRun {
  readonly role: RunRole;
  readonly runId: string;
  readonly regularizerId: string;
  readonly seed: number;
  /** Epochs trained. */
  readonly epochs: number;
  readonly bestEpoch?: number;
  readonly stoppedEarly?: boolean;
  readonly history: readonly EpochRecord[];
  readonly train: Evaluation;
  readonly validation: Evaluation;
  /** Quality lost from train to validation in the primary metric; above zero is a loss. */
  readonly gap: Figure;
  /** All parameters together first, then each, as far as wanted. */
  readonly weights: readonly WeightSummary[];
  readonly manifest: Manifest;
  readonly modelPath: string;
  readonly modelBytes: number;
}

export interface ReportSeeds {
  readonly metric: string;
  readonly rows: readonly { readonly seed: number; readonly baseline: number; readonly model: number }[];
  /** Means over seeds. */
  readonly baseline: Figure;
  readonly model: Figure;
  /** Mean of the paired differences, model minus baseline. */
  readonly difference: Figure;
}

export interface ReportFinding {
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly remedy?: string;
}

/** Everything the page of one `train` command shows. */
export interface TrainReportInput {
  readonly title: string;
  readonly createdAt: Date;
  /** The command as typed. */
  readonly command?: string;
  readonly dataset: {
    readonly name: string;
    readonly version: string;
    readonly rows: { readonly train: number; readonly validation: number; readonly holdout: number };
    readonly columns: readonly {
      readonly name: string;
      readonly role: string;
      readonly type: string;
      /** Share of values that are missing. */
      readonly missing?: number;
    }[];
    readonly findings: readonly ReportFinding[];
    readonly holdoutReads?: number;
  };
  readonly task: string;
  readonly primaryMetric: string;
  readonly runs: readonly ReportRun[];
  /** Baseline and model on the same rows. */
  readonly comparison?: ModelComparison;
  readonly seeds?: ReportSeeds;
  readonly worth?: readonly Worth[];
  readonly ledgers?: readonly { readonly role: RunRole; readonly ledger: Ledger }[];
  readonly environment: {
    readonly hardware: string;
    readonly runtime: string;
    readonly threads: number;
    readonly versions: Readonly<Record<string, string>>;
  };
  /** The spec with every default written in, as YAML. */
  readonly spec: string;
}
