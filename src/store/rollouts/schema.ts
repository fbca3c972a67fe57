/** Tables of rollouts. */
export interface RolloutSchema {
  rollout: RolloutTable;
  rollout_decision: RolloutDecisionTable;
  rollout_look: RolloutLookTable;
}

export interface RolloutTable {
  /** `ro-` and 12 hexadecimal digits. */
  id: string;
  model: string;
  baseline: string;
  candidate: string;
  phase: string;
  /** JSON: as it was begun. */
  config: string;
  /** JSON: what the next look needs. */
  state: string;
  /** 1, and one more for each change: who changes an older one is refused. */
  revision: number;
  created_at: number;
  created_by: string;
  /** When nothing is decided about it any more. */
  closed_at: number | null;
}

export interface RolloutDecisionTable {
  rollout_id: string;
  /** From 1. */
  number: number;
  at: number;
  kind: string;
  step: number;
  reason: string;
  decided_by: string;
  /** JSON: what it was taken on. */
  evidence: string;
}

/** The evidence at a look, for its course over time. */
export interface RolloutLookTable {
  rollout_id: string;
  number: number;
  at: number;
  step: number;
  /** JSON. */
  slis: string;
}
