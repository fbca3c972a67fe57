/** A rollout as it is kept; what config and state hold is the rollout room's. */
export interface StoredRollout {
  /** `ro-` and 12 hexadecimal digits. */
  readonly id: string;
  readonly model: string;
  readonly baseline: string;
  readonly candidate: string;
  readonly phase: string;
  readonly config: unknown;
  readonly state: unknown;
  readonly revision: number;
  readonly createdAt: Date;
  readonly createdBy: string;
  /** When it was over for good. */
  readonly closedAt: Date | undefined;
}

export interface NewRolloutDecision {
  /** ms since the epoch. */
  readonly at: number;
  readonly kind: string;
  readonly step: number;
  readonly reason: string;
  readonly by: string;
  readonly evidence: unknown;
}

export interface StoredRolloutDecision extends NewRolloutDecision {
  /** From 1. */
  readonly number: number;
}

/** The evidence at a look. */
export interface RolloutLook {
  readonly number: number;
  readonly at: number;
  readonly step: number;
  readonly slis: unknown;
}

export interface RolloutChange {
  readonly phase: string;
  readonly state: unknown;
  readonly decisions: readonly NewRolloutDecision[];
  readonly look?: RolloutLook;
  /** Nothing will be decided about it any more. */
  readonly close: boolean;
}

export interface RolloutStore {
  /**
   * Begins a rollout. One of the same model that is complete and only watched is closed; one that is under way is an error.
   * Audited.
   *
   * @throws BallastError `ROLLOUT_UNDER_WAY`
   */
  createRollout(
    rollout: Pick<StoredRollout, 'model' | 'baseline' | 'candidate' | 'phase' | 'config' | 'state'>,
    decisions: readonly NewRolloutDecision[],
  ): Promise<StoredRollout>;
  /**
   * Keeps a new state with its decisions, all or nothing; decisions are audited.
   *
   * @returns the new revision, or undefined where another process changed the rollout since `revision`
   */
  changeRollout(id: string, revision: number, change: RolloutChange): Promise<number | undefined>;
  /** @throws BallastError `ROLLOUT_NOT_FOUND` */
  getRollout(id: string): Promise<StoredRollout>;
  /** Newest first. */
  listRollouts(filter?: {
    readonly model?: string;
    /** Only those that are not closed. */
    readonly open?: boolean;
    readonly limit?: number;
  }): Promise<StoredRollout[]>;
  /** Oldest first. */
  rolloutDecisions(id: string): Promise<StoredRolloutDecision[]>;
  /** Oldest first; of many, every so-manieth. */
  rolloutLooks(id: string, most?: number): Promise<RolloutLook[]>;
}
