import { logEvidenceBelow, logGains, meanSequence, mixed, STAKES } from '../../numeric/betting.js';

/**
 * Values on a grid over their range: how often each came. A value between two levels goes to one of them by a chance
 * that keeps its mean, decided by what names the value, so that the same values give the same counts in another process.
 */
export type LevelCounts = Readonly<Record<string, number>>;

/** Levels above the least; both ends and the middle are among them. */
const LEVELS = 64;

/** A test of one mean as it is kept: JSON. */
export interface EvidenceState {
  /** Level, 0 to 64, to count. */
  readonly counts: LevelCounts;
  /** Values so far. */
  readonly total: number;
}

export const NO_EVIDENCE: EvidenceState = { counts: {}, total: 0 };

/** Where values lie: differences in [-1, 1], shares in [0, 1]. */
export type Range = 'difference' | 'share';

/** The gains of every level, computed once per hypothesis. */
const gainsByMean = new Map<number, readonly Float64Array[]>();

/**
 * Evidence that the mean of differences is above what is allowed, as they come in. Its whole state is counts: a test that is
 * restored from them goes on like one that was never stopped.
 */
export class Evidence {
  private readonly counts: number[];
  private readonly logs = new Float64Array(STAKES.length);
  private readonly opposite = new Float64Array(STAKES.length);
  private readonly gains: readonly Float64Array[];
  private values: number;

  /** @param limit the hypothesis is "the mean is at most this", within the range */
  constructor(
    readonly range: Range,
    readonly limit: number,
    state: EvidenceState = NO_EVIDENCE,
  ) {
    this.gains = gainsOf(this.scaled(limit));
    this.counts = Array.from({ length: LEVELS + 1 }, (_, level) => state.counts[level] ?? 0);
    this.values = state.total;
    for (const [level, count] of this.counts.entries()) this.bet(level, count);
  }

  /** @param chance uniform in [0, 1), of its own for every value */
  add(value: number, chance: number): void {
    const exact = Math.max(0, Math.min(1, this.scaled(value))) * LEVELS;
    const level = Math.min(LEVELS, Math.floor(exact) + (chance < exact - Math.floor(exact) ? 1 : 0));
    this.counts[level]++;
    this.values++;
    this.bet(level, 1);
  }

  private scaled(value: number): number {
    return this.range === 'share' ? value : (1 + value) / 2;
  }

  private unscaled(value: number): number {
    return this.range === 'share' ? value : 2 * value - 1;
  }

  private bet(level: number, count: number): void {
    if (count === 0) return;
    const gains = this.gains[level];
    const mirrored = this.gains[LEVELS - level];
    for (let i = 0; i < gains.length; i++) {
      this.logs[i] += count * gains[i];
      this.opposite[i] += count * mirrored[i];
    }
  }

  get total(): number {
    return this.values;
  }

  get mean(): number {
    const sum = this.counts.reduce((all, count, level) => all + (count * level) / LEVELS, 0);
    return this.unscaled(sum / this.values);
  }

  /** log of the evidence that the mean is above the limit: proven at level alpha from log(1 / alpha) on. */
  get logAbove(): number {
    return mixed(this.logs);
  }

  /** log of the evidence that the mean is below a bound. */
  logBelow(bound: number): number {
    return logEvidenceBelow(this.shares(), this.scaled(bound));
  }

  /** Of differences: log of the evidence that the mean is further from 0 than the limit, on either side. */
  get logBeyond(): number {
    return mixed([mixed(this.logs), mixed(this.opposite)]);
  }

  /** Covers the mean after every number of values, all at once, with probability 1 - alpha. */
  interval(alpha: number): [number, number] {
    const [low, high] = this.values === 0 ? [0, 1] : meanSequence(this.shares(), alpha);
    return [this.unscaled(low), this.unscaled(high)];
  }

  get state(): EvidenceState {
    const counts = Object.fromEntries(this.counts.flatMap((count, level) => (count === 0 ? [] : [[level, count]])));
    return { counts, total: this.values };
  }

  private shares(): Map<number, number> {
    return new Map(this.counts.flatMap((count, level) => (count === 0 ? [] : [[level / LEVELS, count] as const])));
  }
}

function gainsOf(mean: number): readonly Float64Array[] {
  let gains = gainsByMean.get(mean);
  if (gains === undefined) {
    gains = Array.from({ length: LEVELS + 1 }, (_, level) => logGains(level / LEVELS, mean));
    gainsByMean.set(mean, gains);
  }
  return gains;
}

/** A number in [0, 1) that follows from a text: FNV-1a, mixed. */
export function chanceOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
