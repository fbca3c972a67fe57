/** A figure with its 95 % interval. */
export interface Figure {
  readonly value: number;
  readonly interval: [number, number];
}

export interface TrainedRun {
  readonly role: 'baseline' | 'model';
  readonly runId: string;
  readonly regularizerId: string;
  readonly seed: number;
  readonly fold?: number;
  readonly epochs: number;
  readonly outcome: string;
  readonly metrics: { readonly train: Record<string, Figure>; readonly validation: Record<string, Figure> };
  readonly gap: Figure & { readonly metric: string };
  readonly model: string;
}

/** What `ballast train --json` answers. */
export interface TrainDocument {
  readonly experiment: string;
  readonly dataset: {
    readonly version: string;
    readonly rows: { readonly train: number; readonly validation: number; readonly holdout: number };
  };
  readonly runs: readonly TrainedRun[];
  readonly seeds?: unknown;
  readonly report: string;
}
