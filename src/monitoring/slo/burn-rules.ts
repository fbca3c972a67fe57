import { milliseconds } from '../../spec/duration-text.js';
import type { Slo } from '../../spec/slo-options.js';

/** Fires while the error budget burns at least so many times too fast over both windows. */
export interface BurnRule {
  readonly severity: 'page' | 'ticket';
  readonly factor: number;
  /** Over which it matters, ms. */
  readonly longMs: number;
  /** Which tells whether it still goes on, ms. */
  readonly shortMs: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * The rules that the SRE workbook recommends (Alerting on SLOs, table 5-8; Sloth's windows of 30 days are the same): a share
 * of the period's budget that is gone within the long window. Over 30 days these are burn rates of 14.4, 6, 3 and 1.
 */
const WORKBOOK: readonly (readonly [BurnRule['severity'], share: number, longMs: number, shortMs: number])[] = [
  ['page', 0.02, HOUR, 5 * MINUTE],
  ['page', 0.05, 6 * HOUR, 30 * MINUTE],
  ['ticket', 0.1, DAY, 2 * HOUR],
  ['ticket', 0.1, 3 * DAY, 6 * HOUR],
];

/** @param periodMs of the objective, at least some days */
export function workbookRules(periodMs: number): BurnRule[] {
  return WORKBOOK.map(([severity, share, longMs, shortMs]) => ({
    severity,
    factor: (share * periodMs) / longMs,
    longMs,
    shortMs,
  }));
}

/**
 * Pyrra's rules: the factors stay 14, 7, 2 and 1, the windows are those of 28 days in proportion to the period, rounded to
 * minutes. Fit for periods of any length.
 */
export function pyrraRules(periodMs: number): BurnRule[] {
  const scaled = (ms: number): number => Math.max(MINUTE, Math.round((ms * periodMs) / (28 * DAY) / MINUTE) * MINUTE);
  const rule = (severity: BurnRule['severity'], factor: number, long: number, short: number): BurnRule => ({
    severity,
    factor,
    longMs: scaled(long),
    shortMs: scaled(short),
  });
  return [
    rule('page', 14, HOUR, 5 * MINUTE),
    rule('page', 7, 6 * HOUR, 30 * MINUTE),
    rule('ticket', 2, DAY, 2 * HOUR),
    rule('ticket', 1, 4 * DAY, 6 * HOUR),
  ];
}

/** The shortest period for which the workbook's windows make sense: its longest rule looks back over three days. */
const SHORTEST_WORKBOOK = 7 * DAY;

/**
 * The rules of an objective: its own; the workbook's, where its period is long enough for them; else Pyrra's. One of the holdout has none:
 * its rows came all at once. Nobody is woken for trainings.
 */
export function rulesOf(slo: Pick<Slo, 'burn' | 'window' | 'stage' | 'sli'>): BurnRule[] {
  if (slo.stage === 'holdout') return [];
  const rules = declaredRules(slo);
  return slo.sli.type === 'training' ? rules.map((rule) => ({ ...rule, severity: 'ticket' })) : rules;
}

function declaredRules({ burn, window }: Pick<Slo, 'burn' | 'window'>): BurnRule[] {
  const periodMs = milliseconds(window);
  if (typeof burn !== 'string') {
    return burn.map(({ severity, factor, long, short }) => ({
      severity,
      factor,
      longMs: milliseconds(long),
      shortMs: milliseconds(short),
    }));
  }
  return burn === 'pyrra' || periodMs < SHORTEST_WORKBOOK ? pyrraRules(periodMs) : workbookRules(periodMs);
}
