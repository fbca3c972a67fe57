import type { Figure } from '../evaluation/figure.js';
import type { Evidence } from './evidence.js';
import type { SpecPatch } from './patch.js';

/** What is wrong, why it is thought so, and what to do. */
export interface Finding {
  /** `F1` ... `F9`, `X1` ... `X24`, or a name where the catalogue has none: `leak`. */
  readonly id: string;
  readonly name: string;
  /** A `note` is worth knowing of a model with which nothing is wrong. */
  readonly severity: 'problem' | 'note';
  /** 0 .. 1: how sure the tests behind it are. */
  readonly confidence: number;
  /** What was measured, a sentence each. */
  readonly evidence: readonly string[];
  readonly explanation: string;
  /** The change of the spec that mends it; null where no change of a spec does. */
  readonly patch: SpecPatch | null;
  /** What to do where no patch does, or beside it. */
  readonly remedy: string;
  /** What the patch was measured to change, where it was tried: of the metric, in its unit. */
  readonly expected: { readonly metric: string; readonly delta: number; readonly interval: Figure['interval'] } | null;
  /** What would show that the finding is wrong. */
  readonly refutedBy: string;
}

/** What a finding says whatever the evidence. */
type Told = Pick<Finding, 'id' | 'name' | 'explanation' | 'remedy' | 'refutedBy'>;

/** One thing that can be wrong, judged from evidence alone. */
export interface Rule extends Told {
  /** A problem unless told. */
  readonly severity?: Finding['severity'];
  /** What has to be mended before others mean anything, the lowest first; those without come last. */
  readonly before?: number;
  /** Nothing where it is not wrong, or where the evidence for it is not there. */
  judge(evidence: Evidence): Omit<Finding, keyof Told | 'severity'> | undefined;
}
