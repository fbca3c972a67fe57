import type { WatchedModel } from '../slo/model-slos.js';
import type { SloStatus } from '../slo/status.js';
import type { SliWindow } from '../slo/window.js';

/** What a rule found wrong at a moment. Two with the same identity are one alert, however often they are found. */
export interface Condition {
  /** Stable name of what is wrong, such as `slo-burn`. */
  readonly rule: RuleName;
  readonly severity: 'page' | 'ticket';
  /** The version that it is about; empty where it is none in particular. */
  readonly version: string;
  /** Stage of the gap ledger at which quality is lost. */
  readonly stage: 'train' | 'holdout' | 'compressed' | 'shadow' | 'canary' | 'production';
  /** What else tells it from others of the rule: an objective, a slice. */
  readonly subject: Readonly<Record<string, string>>;
  /** One sentence. */
  readonly summary: string;
  /** What to do. */
  readonly remedy: string;
  readonly runbook?: string;
}

export const RULE_NAMES = [
  'slo-burn',
  'slo-breach',
  'canary-regression',
  'calibration-drift',
  'drift',
  'compression-loss',
  'blind-spot',
] as const;
export type RuleName = (typeof RULE_NAMES)[number];

/** Everything that the rules are judged on, of one model at one moment. */
export interface ModelEvidence {
  readonly model: WatchedModel;
  readonly statuses: readonly SloStatus[];
  readonly windows: readonly SliWindow[];
  /** Quality lost by the compression of the model that traffic follows, in points of its primary metric; with its interval. */
  readonly compression?: {
    readonly metric: string;
    readonly value: number;
    readonly interval: readonly [number, number];
  };
  /** Columns that drifted in the last finished window, worst first. */
  readonly drift?: readonly { readonly column: string; readonly effect: number }[];
  /** Whether its objectives were written by someone, rather than being defaults. */
  readonly promised: boolean;
  readonly now: number;
}

/** How many points of quality may be lost before it is critical, by what is at stake. */
export function criticalDelta({ registered }: WatchedModel): number {
  return { low: 0.05, medium: 0.03, high: 0.02, safety: 0.01 }[registered?.criticality ?? 'medium'];
}

export const percent = (value: number): string => `${Number((100 * value).toPrecision(3))} %`;
