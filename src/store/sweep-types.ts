/** A search over specs. Its documents are those of the tuning room: JSON. */
export interface StoredSweep {
  /** 16 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  readonly definition: unknown;
  /** `interrupted`: running by its record, but the process that drove it is gone. */
  readonly state: 'running' | 'interrupted' | 'finished' | 'stopped';
  /** Spent so far. */
  readonly seconds: number;
  readonly result: unknown;
  readonly createdAt: Date;
  readonly endedAt: Date | undefined;
}

export interface StoredTrial {
  readonly number: number;
  readonly point: Readonly<Record<string, number>>;
  readonly tag: string | undefined;
  readonly state: 'queued' | 'running' | 'complete' | 'pruned' | 'failed';
  /** How often a worker has taken it. */
  readonly attempt: number;
  /** How often its worker fell silent since it last got further than ever before. */
  readonly lost: number;
  readonly runId: string | undefined;
  readonly worker: string | undefined;
  readonly progress: unknown;
  readonly outcome: unknown;
  readonly heartbeatAt: Date;
  readonly endedAt: Date | undefined;
}

/** A worker's right to write to a trial: lost once another worker takes it. */
export interface TrialClaim {
  readonly sweepId: string;
  readonly number: number;
  readonly attempt: number;
}

export interface TrialCounts {
  readonly counts: Readonly<Partial<Record<StoredTrial['state'], number>>>;
  readonly runId: string | undefined;
}

export interface SweepStore {
  /** Records a sweep that this process drives; it is heard of every few seconds until it is ended. */
  createSweep(sweep: Pick<StoredSweep, 'id' | 'name' | 'definition'>): Promise<void>;
  /** Lets this process drive a sweep again. @throws BallastError `SWEEP_AT_WORK`, `SWEEP_NOT_FOUND` */
  takeSweep(id: string, definition?: unknown): Promise<StoredSweep>;
  /** Gives a sweep that is driven its time so far, its state, its result. */
  updateSweep(
    id: string,
    change: { readonly seconds?: number; readonly state?: 'finished' | 'stopped'; readonly result?: unknown },
  ): Promise<void>;
  /** By its id, the beginning of it, or `latest`. @throws BallastError `SWEEP_NOT_FOUND`, `SWEEP_AMBIGUOUS` */
  findSweep(reference: string): Promise<StoredSweep>;
  /** Newest first. */
  listSweeps(limit?: number): Promise<StoredSweep[]>;
  /** Records trials that are to be done; those that are there already stay as they are. */
  addTrials(sweepId: string, trials: readonly Pick<StoredTrial, 'number' | 'point' | 'tag'>[]): Promise<void>;
  /**
   * Takes a trial that is queued, or whose worker was not heard of for so long. Of several that try, one gets it.
   *
   * @returns undefined where it is done, or at work elsewhere
   */
  claimTrial(
    sweepId: string,
    number: number,
    options: { readonly worker: string; readonly silentMs: number },
  ): Promise<(StoredTrial & TrialClaim) | undefined>;
  /**
   * Says that the trial is at work, and what it has seen; `further` where that is more than any worker before it saw.
   *
   * @returns whether it is still this worker's
   */
  trialAtWork(
    claim: TrialClaim,
    change?: { readonly runId?: string; readonly progress?: unknown; readonly further?: boolean },
  ): Promise<boolean>;
  /**
   * Ends a trial, or gives it back to be taken again. Said twice, since the answer may be lost with a connection, it is done
   * once.
   *
   * @returns whether it was still this worker's
   */
  endTrial(claim: TrialClaim, state: 'queued' | 'complete' | 'pruned' | 'failed', outcome?: unknown): Promise<boolean>;
  /** How many trials each of these sweeps has of each state, and the run of one, by which its experiment is known. */
  countTrials(sweepIds: readonly string[]): Promise<ReadonlyMap<string, TrialCounts>>;
  /** By number; those of some numbers where they are given, which costs nothing of a long sweep's others. */
  listTrials(sweepId: string, numbers?: readonly number[]): Promise<StoredTrial[]>;
}
