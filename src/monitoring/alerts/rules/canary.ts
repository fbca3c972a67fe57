import { answersOf, type SliWindow } from '../../slo/window.js';
import { type Condition, criticalDelta, type ModelEvidence, percent } from '../condition.js';

const DAY = 24 * 3_600_000;
/** Chance, over all looks together, that a canary as good as the live version is told to be worse. */
const LEVEL = 0.01;

/** Two shares of bad events, and a lower bound of their difference that holds at all times at once. */
interface Regression {
  readonly delta: number;
  readonly low: number;
}

/**
 * The asymptotic confidence sequence of a difference of shares (Waudby-Smith and others, Time-uniform central limit theory,
 * 2021): as an interval by the normal distribution, and wider, so that it holds however often one looks. Tightest at about ten
 * thousand events.
 */
export function regression(
  canary: { readonly bad: number; readonly total: number },
  live: { readonly bad: number; readonly total: number },
): Regression | undefined {
  const n = Math.min(canary.total, live.total);
  if (n < 30) return undefined;
  const [a, b] = [canary, live].map(({ bad, total }) => (bad + 0.5) / (total + 1));
  const variance = (a * (1 - a)) / canary.total + (b * (1 - b)) / live.total;
  const tuned = n / 1000;
  const radius = Math.sqrt(variance * (1 + 1 / tuned) * (2 * Math.log(1 / LEVEL) + Math.log(1 + tuned)));
  const delta = canary.bad / canary.total - live.bad / live.total;
  return { delta, low: delta - radius };
}

/** A canary that is worse than the live version: beyond the critical delta it pages; slightly, but for certain, it is a ticket. */
export function canaryRules({ model, windows, now }: ModelEvidence): Condition[] {
  const recent = windows.filter(({ from, slice }) => slice === undefined && from >= now - DAY);
  const of = (role: SliWindow['role']): SliWindow[] => recent.filter((window) => window.role === role);
  const [canary, live] = [of('candidate'), of('live')];
  const version = canary.at(-1)?.version;
  if (version === undefined || live.length === 0) return [];
  const critical = criticalDelta(model);
  return MEASURES.flatMap(([what, measure]) => {
    const found = regression(measure(canary), measure(live));
    if (found === undefined || found.low <= 0) return [];
    const beyond = found.delta >= critical;
    return [
      {
        rule: 'canary-regression',
        severity: beyond ? 'page' : 'ticket',
        version,
        stage: 'canary',
        subject: { slo: what },
        summary:
          `the canary's share of ${what} answers is ${percent(found.delta)} above the live version's ` +
          `(at least ${percent(found.low)}; critical from ${percent(critical)})`,
        remedy: beyond ? 'Abort the rollout' : 'Hold the rollout and find out why',
      } as const,
    ];
  });
}

const total = (windows: readonly SliWindow[], of: (window: SliWindow) => number): number =>
  windows.reduce((sum, window) => sum + of(window), 0);

const MEASURES = [
  [
    'failed',
    (windows: readonly SliWindow[]) => ({
      bad: total(windows, ({ failed }) => failed),
      total: total(windows, (each) => answersOf(each) + each.failed),
    }),
  ],
  [
    'wrong',
    (windows: readonly SliWindow[]) => ({
      bad: total(windows, ({ wrong }) => wrong),
      total: total(windows, ({ labelled }) => labelled),
    }),
  ],
] as const;
