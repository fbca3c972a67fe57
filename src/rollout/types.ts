import type { RolloutOptions, RolloutSli } from '../spec/rollout-options.js';
import type { StoredObservation } from '../store/index.js';
import type { ArmsState } from './evidence/arms.js';
import type { EvidenceState } from './evidence/evidence.js';
import type { MemoryState } from './evidence/memory-test.js';

/** A rollout as it was begun: every default filled in, never changed. */
export interface RolloutConfig extends Omit<RolloutOptions, 'slis'> {
  readonly model: string;
  readonly baseline: string;
  readonly candidate: string;
  readonly slis: readonly RolloutSli[];
  /** Of numeric columns, their median before the rollout: what the traffic of both arms is told apart by. */
  readonly medians: Readonly<Record<string, number>>;
  readonly startedAt: number;
}

/** `inconclusive` waits for someone; `complete` is watched for the guard time. The last three are ends. */
export type RolloutPhase = 'running' | 'paused' | 'inconclusive' | 'complete' | 'rolled-back' | 'aborted';

/** A test of one mean: its evidence, and what both arms' values came to. */
export interface TestState extends EvidenceState {
  readonly arms: ArmsState;
}

export interface SliState {
  /** Of everything; absent where an SLI is of parts only. */
  readonly whole?: TestState;
  /** Of classes or slices, in the order in which they were seen: its share of the error probability follows from it. */
  readonly parts: readonly (readonly [name: string, test: TestState])[];
  /** Of calibration: per bin of confidence the sum of confidence less correctness. */
  readonly bins?: readonly number[];
  /** Of memory, in place of a test of a mean. */
  readonly memory?: MemoryState;
}

export interface StepState {
  readonly startedAt: number;
  /** Time that counts as watched: none while paused, slower while the error budget burns. */
  readonly watchedMs: number;
  /** Time since it began, pauses left out. */
  readonly elapsedMs: number;
  /** By SLI; `traffic` is whether both arms see the same. */
  readonly tests: Readonly<Record<string, SliState>>;
}

/** An answer of one arm that waits for the other arm's to the same request. */
export interface PendingAnswer
  extends Pick<StoredObservation, 'at' | 'status' | 'latencyMs' | 'runMs' | 'prediction' | 'slices' | 'label'> {
  readonly arm: 'baseline' | 'candidate';
}

/** Everything that the next look needs: JSON. */
export interface RolloutState {
  readonly phase: RolloutPhase;
  readonly pausedBy?: 'operator' | 'budget';
  readonly step: number;
  readonly steps: readonly StepState[];
  /** Up to when traffic was looked at, ms since the epoch. */
  readonly at: number;
  readonly looks: number;
  /** What of the observations was read. */
  readonly cursor: { readonly observations: number; readonly labels: number };
  /** Observations whose label was weighed, as [first, last] of sequences: a label that is corrected is not weighed twice. */
  readonly labelled: readonly (readonly [number, number])[];
  readonly pending: Readonly<Record<string, PendingAnswer>>;
  readonly completedAt?: number;
  /** How many times its rate the error budget burnt at the last look. */
  readonly burn?: number;
  /** Of an A/B test that has its result: the candidate was taken, and gets all traffic. */
  readonly taken?: true;
  /** The last so many decisions are not told yet to those who have to know. */
  readonly untold?: number;
}

/** What is known outside of the observations, when a look is taken. */
export interface Signals {
  /** The fastest burn of the model's error budgets: 1 spends them in their window. */
  readonly burn: number;
  /** The least share of an error budget that is left. */
  readonly remaining: number;
  /** Bad events that the error budgets allow, by the SLI they are of. */
  readonly allowed: Readonly<Record<string, number>>;
  /** Objectives that are broken by the version that most traffic goes to. */
  readonly breached: readonly string[];
  /** What drifted severely. */
  readonly drifted: readonly string[];
}

/** Nothing to speak of. */
export const CALM: Signals = { burn: 0, remaining: 1, allowed: {}, breached: [], drifted: [] };

/** Inputs of a look. */
export interface LookInputs {
  readonly at: number;
  readonly observations: readonly StoredObservation[];
  readonly labelled: readonly StoredObservation[];
  readonly signals: Signals;
  /** When what is decided is carried out, where that is long after the time of the look. */
  readonly actsAt?: number;
}

export type Verdict = 'regressed' | 'within' | 'undecided' | 'no-data';

/** An SLI, or one class or slice of it, as it stands. */
export interface SliStatus {
  readonly name: string;
  readonly type: string;
  readonly part?: string;
  /** Mean of the baseline's values; null where there are none, or where it is a limit that the candidate is held to. */
  readonly baseline: number | null;
  readonly candidate: number | null;
  readonly delta: number | null;
  readonly interval: readonly [number, number];
  readonly allowed: number;
  readonly samples: { readonly baseline: number; readonly candidate: number };
  /** Times that the evidence was looked at: after every value. */
  readonly looks: number;
  /** Evidence against "within what is allowed", log; and the level at which it rolls back. */
  readonly logEvidence: number;
  readonly logThreshold: number;
  /** Share of the probability of a false roll-back that this test may spend. */
  readonly alpha: number;
  readonly verdict: Verdict;
}

export type DecisionKind =
  | 'start'
  | 'promote'
  | 'complete'
  | 'result'
  | 'roll-back'
  | 'inconclusive'
  | 'pause'
  | 'resume'
  | 'abort';

/** A decision with what it was taken on. */
export interface Decision {
  readonly at: number;
  readonly kind: DecisionKind;
  /** The step it was taken in. */
  readonly step: number;
  readonly reason: string;
  /** `controller`, or who. */
  readonly by: string;
  readonly slis: readonly SliStatus[];
  readonly signals: Signals;
  readonly cursor: RolloutState['cursor'];
}
