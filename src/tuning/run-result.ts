import type { Evaluation } from '../evaluation/evaluate.js';
import type { Figure } from '../evaluation/figure.js';
import type { Finding } from '../regularizers/finding.js';
import type { Manifest } from '../regularizers/manifest.js';
import type { RunRole } from '../store/types.js';
import type { EpochRecord } from '../training/events.js';
import type { TrainingResult } from '../training/loop.js';
import type { TaskRecord } from '../training/tasks.js';

/** The trained values of one parameter, or of all weights together. */
export interface WeightSummary {
  readonly name: string;
  readonly count: number;
  /** Share of values that are exactly zero. */
  readonly sparsity: number;
  /** Euclidean norm. */
  readonly norm: number;
  readonly histogram?: { readonly edges: readonly number[]; readonly counts: readonly number[] };
}

/** What one run of an experiment came to; plain JSON but for the outputs. */
export interface RunResult {
  readonly runId: string;
  readonly role: RunRole;
  readonly seed: number;
  readonly fold: number | undefined;
  /** Of an ablation: the place in the spec's list of the regularizer that was left out. */
  readonly without?: number;
  readonly regularizerId: string;
  readonly manifest: Manifest;
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly outcome: TrainingResult['outcome'];
  readonly history: readonly EpochRecord[];
  readonly findings: readonly Finding[];
  /** How well each task was known after each, in a run through several (training.tasks). */
  readonly tasks?: TaskRecord;
  readonly train: Evaluation;
  readonly validation: Evaluation;
  /** Of several targets, how well each beside the first is predicted. */
  readonly targets?: Readonly<Record<string, { readonly train: Evaluation; readonly validation: Evaluation }>>;
  /** Quality lost from train to validation, in the primary metric. */
  readonly gap: Figure;
  readonly weights: readonly WeightSummary[];
  /** The exported model, raw columns in. */
  readonly modelPath: string;
  readonly modelBytes: number;
  /** SHA-256 of the trained parameters, in graph order: what reproduction compares. */
  readonly parameterHash: string;
  /** Outputs of the network for its rows, row-major: what paired comparisons need. */
  readonly outputs: { readonly train: Float32Array; readonly validation: Float32Array };
}
