import type { SliState, SliStatus } from '../types.js';
import type { Answer } from './measures.js';

/** The test of one SLI in one step. */
export interface StepTest {
  /** The part whose evidence proved a regression; `''` of the whole. */
  readonly refuted: { readonly part: string; readonly logEvidence: number } | undefined;
  /** Takes both arms' answers to one request. */
  pair(id: string, baseline: Answer, candidate: Answer): void;
  /** Takes an answer of split traffic, or of a candidate that is alone. */
  single(id: string, arm: 'baseline' | 'candidate', answer: Answer): void;
  /** What is known of the whole, and of each part unless told otherwise. */
  statuses(options: { readonly samples: number; readonly parts?: boolean }): SliStatus[];
  /** The whole as it stands; of an SLI of parts only, the part with the most evidence against it. */
  foremost(samples: number): SliStatus | undefined;
  /** Answers of the candidate that were weighed, in the whole or in all parts. */
  readonly samples: number;
  /** Whether the whole is shown to be within what is allowed. */
  readonly shownWithin: boolean;
  /** What tests that have any evidence may spend of the error probability. */
  readonly alphaSpent: number;
  readonly state: SliState;
}
