/** What was counted of one version's answers in a stretch of time; of one slice of them, or of all. */
export interface SliWindow {
  /** ms since 1970, inclusive. */
  readonly from: number;
  /** ms since 1970, exclusive. */
  readonly to: number;
  readonly version: string;
  readonly role: 'live' | 'candidate' | 'shadow' | 'holdout';
  /** Column or metadata key and value; all rows without. */
  readonly slice?: { readonly by: string; readonly value: string };
  readonly requests: number;
  /** Refused because of what was sent: not the service's fault. */
  readonly rejected: number;
  readonly failed: number;
  /** Answers whose label is known. */
  readonly labelled: number;
  readonly wrong: number;
  /** Labelled answers by confidence: how many, the sum of their confidence, how many were right. */
  readonly bins?: readonly ConfidenceBin[];
  /** Answers within so many ms. */
  readonly within: (ms: number) => number;
  /** Whether something drifted; undefined where it was not tested. */
  readonly drifted?: boolean;
  /** Counts that an application reports, by name. */
  readonly custom?: Readonly<Record<string, Counts>>;
  /** Trainings that ended, by experiment. */
  readonly trainings?: Readonly<Record<string, Counts>>;
}

export interface ConfidenceBin {
  readonly count: number;
  readonly confidence: number;
  readonly right: number;
}

/** Events of an SLI. */
export interface Counts {
  readonly good: number;
  readonly total: number;
}

/** Of a window in which nothing was asked. */
export const NOTHING_ASKED = {
  ...{ requests: 0, rejected: 0, failed: 0, labelled: 0, wrong: 0 },
  within: () => 0,
} as const;

export const answersOf = ({
  requests,
  rejected,
  failed,
}: Pick<SliWindow, 'requests' | 'rejected' | 'failed'>): number => requests - rejected - failed;

/** The windows that lie within [from, to). */
export function within(windows: readonly SliWindow[], from: number, to: number): SliWindow[] {
  return windows.filter((window) => window.from >= from && window.to <= to);
}
