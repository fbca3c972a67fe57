/** Two regularizers that do not go together, or only in one order; or one and a part of the network. */
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
  /** What docs/results/interactions.md found of the pair, where it was measured, in words. */
  readonly measured?: string;
  /** Applies where both strengths are at least these. */
  readonly from?: { readonly first?: number; readonly second?: number };
}
