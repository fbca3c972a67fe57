import type { SliState, SliStatus, TestState, Verdict } from '../types.js';
import { Arms, NO_ARMS } from './arms.js';
import { chanceOf, Evidence, NO_EVIDENCE, type Range } from './evidence.js';
import {
  type Answer,
  calibrationOf,
  categoriesOf,
  isOfShares,
  type JudgedSli,
  type Loss,
  lossesOf,
  same,
} from './measures.js';
import type { StepTest } from './step-test.js';

/** How the arms are compared: on the same requests, on a split of the traffic, or against what the baseline was before. */
export type Comparison =
  | { readonly kind: 'paired' }
  | { readonly kind: 'split'; readonly weight: number }
  | { readonly kind: 'alone'; readonly references: Readonly<Record<string, number>> };

export interface SliTestOptions {
  readonly sli: JudgedSli | { readonly type: 'traffic'; readonly allowed: number };
  readonly comparison: Comparison;
  /** The probability of a false rejection that all parts together may spend. */
  readonly alpha: number;
  /** Of the interval, and of showing that the candidate is within what is allowed. */
  readonly promotionError: number;
  readonly medians: Readonly<Record<string, number>>;
}

/** Bins of confidence. */
const BINS = 15;
/** Classes and slices beyond these are not tested on their own. */
const MOST_PARTS = 40;

/**
 * One SLI in one step: the test of the whole, and those of its classes or slices. Of the error probability the whole spends
 * half, the j-th part that was seen a 1/(j (j + 1)) of the other half: it adds up, however many there come.
 */
export class SliTest implements StepTest {
  private readonly whole: OneTest | undefined;
  private readonly parts = new Map<string, OneTest>();
  private readonly bins: number[];
  /** The test whose evidence proved a regression. */
  refuted: { readonly part: string; readonly logEvidence: number } | undefined;

  constructor(
    private readonly options: SliTestOptions,
    state: SliState = { parts: [] },
  ) {
    const { sli } = options;
    this.bins = [...(state.bins ?? new Array<number>(BINS).fill(0))];
    const ofParts = sli.type === 'recall' || isOfShares(sli.type);
    if (!ofParts) this.whole = this.make('', state.whole);
    for (const [part, test] of state.parts) this.parts.set(part, this.make(part, test));
    if (options.comparison.kind === 'alone') {
      for (const part of Object.keys(options.comparison.references)) {
        if (part !== '' && !this.parts.has(part)) this.parts.set(part, this.make(part));
      }
    }
  }

  /** Takes both arms' answers to one request. */
  pair(id: string, baseline: Answer, candidate: Answer): void {
    const { sli } = this.options;
    if (sli.type === 'traffic') return;
    if (sli.type === 'calibration') {
      this.calibrate(id, candidate);
      return;
    }
    if (sli.type === 'disagreement') {
      if (baseline.prediction === undefined || candidate.prediction === undefined) return;
      this.take(this.whole, id, 'candidate', same(baseline.prediction, candidate.prediction) ? 0 : 1);
      return;
    }
    const losses = new Map(this.lossesOf(baseline));
    for (const [part, loss] of this.lossesOf(candidate)) {
      const other = losses.get(part);
      const test = this.testOf(part);
      if (other === undefined || test === undefined) continue;
      test.evidence.add(test.arms.pair(other, loss), chanceOf(`${id} ${part}`));
      this.check(part, test);
    }
    this.discover([baseline, candidate]);
  }

  /** Takes an answer of split traffic, or of a candidate that is alone. */
  single(id: string, arm: 'baseline' | 'candidate', answer: Answer): void {
    const { sli } = this.options;
    if (sli.type === 'disagreement') return;
    if (sli.type === 'calibration') {
      if (arm === 'candidate') this.calibrate(id, answer);
      return;
    }
    for (const [part, loss] of this.lossesOf(answer)) this.take(this.testOf(part), id, arm, loss, part);
    this.discover([answer]);
  }

  private lossesOf(answer: Answer): readonly (readonly [string, number])[] {
    const { sli, medians } = this.options;
    if (!isOfShares(sli.type)) return this.ownLosses(answer);
    const categories = new Set(categoriesOf(sli.type, answer, medians));
    return categories.size === 0 ? [] : [...this.parts.keys()].map((part) => [part, categories.has(part) ? 1 : 0]);
  }

  private ownLosses(answer: Answer): readonly Loss[] {
    const { sli, comparison } = this.options;
    return lossesOf(sli as JudgedSli, answer, comparison.kind === 'paired');
  }

  /** Parts are tested from the answer after the one that made them known. */
  private discover(answers: readonly Answer[]): void {
    const { sli, medians } = this.options;
    if (this.options.comparison.kind === 'alone') return;
    for (const answer of answers) {
      const names = isOfShares(sli.type)
        ? categoriesOf(sli.type, answer, medians)
        : this.ownLosses(answer).map(([part]) => part);
      for (const name of names) {
        if (name === '' || this.parts.has(name) || this.parts.size >= MOST_PARTS) continue;
        this.parts.set(name, this.make(name));
      }
    }
  }

  private take(test: OneTest | undefined, id: string, arm: 'baseline' | 'candidate', loss: number, part = ''): void {
    if (test === undefined) return;
    if (test.evidence.range === 'share') {
      test.arms.count(arm, loss);
      if (arm === 'baseline') return;
      test.evidence.add(loss, chanceOf(`${id} ${part}`));
    } else {
      const difference = test.arms.add(arm, loss);
      if (difference === undefined) return;
      test.evidence.add(difference, chanceOf(`${id} ${part}`));
    }
    this.check(part, test);
  }

  /**
   * The expected calibration error is the largest mean of sign(bin) (confidence - correctness) over signs of the bins; with signs
   * that follow from what came before, each term's mean is at most that.
   */
  private calibrate(id: string, answer: Answer): void {
    const found = calibrationOf(answer, BINS);
    if (found === undefined || this.whole === undefined) return;
    const { bin, gap } = found;
    const sign = this.bins[bin] >= 0 ? 1 : -1;
    this.bins[bin] += gap;
    this.whole.arms.count('candidate', sign * gap);
    this.whole.evidence.add(sign * gap, chanceOf(id));
    this.check('', this.whole);
  }

  private check(part: string, test: OneTest): void {
    if (this.refuted !== undefined) return;
    const logEvidence = this.logAgainst(test);
    if (logEvidence >= test.logThreshold) this.refuted = { part, logEvidence };
  }

  private testOf(part: string): OneTest | undefined {
    return part === '' ? this.whole : this.parts.get(part);
  }

  private make(part: string, state?: TestState): OneTest {
    const { sli, comparison, alpha } = this.options;
    const rank = this.parts.size + 1;
    const spends = this.whole === undefined ? 1 : 0.5;
    const hasParts = sli.type === 'error' || sli.type === 'failures' ? sli.slices : isOfShares(sli.type);
    const share = part === '' ? (hasParts ? 0.5 : 1) : spends / (rank * (rank + 1));
    const { range, limit } = hypothesis(sli, comparison, part);
    return {
      limit,
      alpha: alpha * share,
      logThreshold: Math.log(1 / (alpha * share)),
      evidence: new Evidence(range, limit, state ?? NO_EVIDENCE),
      arms: new Arms(comparison.kind === 'split' ? comparison.weight : 0.5, state?.arms ?? NO_ARMS),
    };
  }

  /** What is known of the whole, and of each part unless told otherwise. */
  statuses({ samples, parts = true }: { readonly samples: number; readonly parts?: boolean }): SliStatus[] {
    const all = [...(this.whole === undefined ? [] : [['', this.whole] as const]), ...(parts ? this.parts : [])];
    return all.map(([part, test]) => this.status(part, test, samples));
  }

  /** The whole as it stands; of an SLI of parts only, the part with the most evidence against it. */
  foremost(samples: number): SliStatus | undefined {
    if (this.whole !== undefined) return this.status('', this.whole, samples);
    let found: { part: string; test: OneTest; share: number } | undefined;
    for (const [part, test] of this.parts) {
      const share = this.logAgainst(test) / test.logThreshold;
      if (found === undefined || share > found.share) found = { part, test, share };
    }
    return found === undefined ? undefined : this.status(found.part, found.test, samples);
  }

  private logAgainst({ evidence }: OneTest): number {
    return isOfShares(this.options.sli.type) ? evidence.logBeyond : evidence.logAbove;
  }

  /** Answers of the candidate that were weighed, in the whole or in all parts. */
  get samples(): number {
    if (this.whole !== undefined) return this.whole.arms.state.candidate.values;
    const values = [...this.parts.values()].map(({ arms }) => arms.state.candidate.values);
    return isOfShares(this.options.sli.type) ? Math.max(0, ...values) : values.reduce((sum, each) => sum + each, 0);
  }

  /** Whether the whole is shown to be within what is allowed. */
  get shownWithin(): boolean {
    if (this.whole === undefined || this.whole.evidence.total === 0) return false;
    return this.whole.evidence.logBelow(this.whole.limit) >= Math.log(1 / this.options.promotionError);
  }

  private status(part: string, test: OneTest, leastSamples: number): SliStatus {
    const { sli, promotionError } = this.options;
    const { evidence, arms, limit, logThreshold, alpha } = test;
    const { baseline, candidate } = arms.state;
    const shares = isOfShares(sli.type);
    const logEvidence = this.logAgainst(test);
    const interval = evidence.interval(2 * promotionError);
    const meanOf = ({ values, sum }: { values: number; sum: number }) => (values === 0 ? null : sum / values);
    const alone = evidence.range === 'share' || sli.type === 'calibration';
    const verdict = (): Verdict => {
      if (this.refuted?.part === part || logEvidence >= logThreshold) return 'regressed';
      if (evidence.total === 0) return 'no-data';
      if (candidate.values < leastSamples) return 'undecided';
      return interval[1] <= limit && (!shares || interval[0] >= -limit) ? 'within' : 'undecided';
    };
    return {
      name: part === '' ? sli.type : `${sli.type} ${part}`,
      type: sli.type,
      ...(part === '' ? {} : { part }),
      baseline: alone ? null : meanOf(baseline),
      candidate: meanOf(candidate),
      delta: evidence.total === 0 ? null : evidence.mean,
      interval,
      allowed: limit,
      samples: { baseline: baseline.values, candidate: candidate.values },
      looks: evidence.total,
      logEvidence,
      logThreshold,
      alpha,
      verdict: verdict(),
    };
  }

  /** Of the tests that have any evidence: what they may spend of the error probability. */
  get alphaSpent(): number {
    const all = [...(this.whole === undefined ? [] : [this.whole]), ...this.parts.values()];
    return all.reduce((sum, { evidence, alpha }) => (evidence.total > 0 ? sum + alpha : sum), 0);
  }

  get state(): SliState {
    const stateOf = ({ evidence, arms }: OneTest): TestState => ({ ...evidence.state, arms: arms.state });
    return {
      ...(this.whole === undefined ? {} : { whole: stateOf(this.whole) }),
      parts: [...this.parts].map(([part, test]) => [part, stateOf(test)] as const),
      ...(this.options.sli.type === 'calibration' ? { bins: this.bins } : {}),
    };
  }
}

interface OneTest {
  readonly limit: number;
  readonly alpha: number;
  readonly logThreshold: number;
  readonly evidence: Evidence;
  readonly arms: Arms;
}

function hypothesis(sli: SliTestOptions['sli'], comparison: Comparison, part: string): { range: Range; limit: number } {
  if (sli.type === 'calibration') return { range: 'difference', limit: sli.allowed };
  if (sli.type === 'disagreement') return { range: 'share', limit: sli.allowed };
  const allowed = sli.type === 'latency' ? 1 - sli.quantile : sli.allowed;
  if (comparison.kind !== 'alone') return { range: 'difference', limit: allowed };
  return { range: 'share', limit: Math.min(0.999, (comparison.references[part] ?? 1) + allowed) };
}
