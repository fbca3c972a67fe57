/** Losses of an arm that wait for the other arm's, oldest first. */
export interface WaitingLosses {
  readonly baseline: readonly number[];
  readonly candidate: readonly number[];
}

/** What an arm's values came to. */
export interface ArmTotals {
  readonly values: number;
  readonly sum: number;
}

export interface ArmsState {
  readonly waiting: WaitingLosses;
  readonly baseline: ArmTotals;
  readonly candidate: ArmTotals;
}

const NONE: ArmTotals = { values: 0, sum: 0 };
export const NO_ARMS: ArmsState = { waiting: { baseline: [], candidate: [] }, baseline: NONE, candidate: NONE };

/** At most so many wait: older ones are given up, so that what is compared came at about the same time. */
const MOST_WAITING = 512;
/** At most so many of the larger arm are compared with one of the smaller. */
const LARGEST_BLOCK = 32;

/**
 * Two arms of split traffic as one stream of differences: one answer of the smaller arm against the mean of as many of the
 * larger as come in the same time. Each difference has the mean that the arms' difference has then, so what changes for both
 * (the hour, the traffic) is no evidence of either.
 */
export class Arms {
  private readonly waiting: { baseline: number[]; candidate: number[] };
  private readonly totals: { baseline: ArmTotals; candidate: ArmTotals };
  private readonly block: { baseline: number; candidate: number };

  /** @param weight of the candidate, 0 to 1, both exclusive */
  constructor(weight: number, state: ArmsState = NO_ARMS) {
    this.waiting = { baseline: [...state.waiting.baseline], candidate: [...state.waiting.candidate] };
    this.totals = { baseline: state.baseline, candidate: state.candidate };
    const size = (ratio: number): number => Math.max(1, Math.min(LARGEST_BLOCK, Math.round(ratio)));
    this.block = { baseline: size((1 - weight) / weight), candidate: size(weight / (1 - weight)) };
  }

  /** Takes a loss in [0, 1]. @returns a difference, candidate less baseline, where one is complete */
  add(arm: 'baseline' | 'candidate', loss: number): number | undefined {
    this.count(arm, loss);
    const { waiting, block } = this;
    waiting[arm].push(loss);
    if (waiting[arm].length > MOST_WAITING) waiting[arm].shift();
    if (waiting.baseline.length < block.baseline || waiting.candidate.length < block.candidate) return undefined;
    return mean(waiting.candidate.splice(0, block.candidate)) - mean(waiting.baseline.splice(0, block.baseline));
  }

  /** Takes both losses of one request. */
  pair(baseline: number, candidate: number): number {
    this.count('baseline', baseline);
    this.count('candidate', candidate);
    return candidate - baseline;
  }

  /** Counts a loss that is compared with no other. */
  count(arm: 'baseline' | 'candidate', loss: number): void {
    const { values, sum } = this.totals[arm];
    this.totals[arm] = { values: values + 1, sum: sum + loss };
  }

  get state(): ArmsState {
    return { waiting: { ...this.waiting }, ...this.totals };
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
