/** What `ballast sweep --json` answers. */
export interface SweepDocument {
  readonly sweepId: string;
  readonly end: string;
  readonly trials: { readonly complete: number; readonly pruned: number; readonly failed: number };
  readonly best: {
    readonly trial: number;
    readonly run: string;
    readonly values: Readonly<Record<string, unknown>>;
    readonly metric: number;
    readonly interval: readonly [number, number];
    readonly correctedMetric: { readonly value: number; readonly interval: readonly [number, number] };
    readonly spec: { readonly regularizers: readonly { readonly type: string; readonly strength?: number }[] };
    readonly insteadOf?: { readonly trial: number; readonly because: string };
  };
  readonly front?: readonly { readonly trial: number; readonly objectives: Readonly<Record<string, number>> }[];
  readonly importance: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly specFile: string;
  readonly report: string;
}
