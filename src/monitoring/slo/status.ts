import { type Interval, wilsonInterval } from '../../numeric/intervals.js';
import { milliseconds } from '../../spec/duration-text.js';
import type { Slo } from '../../spec/slo-options.js';
import { type Budget, burnRate, errorBudget, tooFew } from './budget.js';
import { type BurnRule, rulesOf } from './burn-rules.js';
import { type Reweighted, reweight } from './mix.js';
import { type Measured, measureSli, needsLabels, sliceOf } from './sli.js';
import { type SliWindow, within } from './window.js';

/** What an objective came to: `pending` waits for labels, `no-data` saw no events. */
export type SloState = 'met' | 'breached' | 'pending' | 'no-data';

/** A burn-rate rule at one moment. */
export interface BurnStatus extends BurnRule {
  readonly longBurn: number;
  readonly shortBurn: number;
  readonly fires: boolean;
  /** Why it does not fire although the budget burns fast enough. */
  readonly held?: string;
}

/** An objective over its events, those of one slice or all. */
export interface Attainment {
  readonly state: SloState;
  readonly events: Measured;
  /** Share of good events, with Wilson's interval. Undefined without events. */
  readonly attained: { readonly value: number; readonly interval: Interval } | undefined;
  readonly budget: Budget;
  /** Share of events whose outcome is known. */
  readonly coverage: number;
  readonly burn: readonly BurnStatus[];
}

export interface SloStatus extends Attainment {
  readonly slo: Slo;
  /** Of `per`, by value of the slice. */
  readonly slices?: Readonly<Record<string, Attainment>>;
  /** Of `mix`: the share of the reference mix of which nothing was seen. */
  readonly uncovered?: number;
  /** Versions by bad events, most first: who burns the budget. */
  readonly versions: readonly { readonly version: string; readonly bad: number; readonly total: number }[];
}

const ROLE = { production: 'live', canary: 'candidate', shadow: 'shadow', holdout: 'holdout' } as const;

/**
 * An objective at a moment. One that needs labels looks at answers that had their time to be labelled: its windows end the
 * delay before now, and it is pending, not met, while fewer than its share of them are. What is promised of the holdout is judged by the
 * rows that the version was judged by, however long ago that was.
 *
 * @param windows of the model, not overlapping per version, role and slice
 * @param now ms since 1970
 */
export function sloStatus(slo: Slo, windows: readonly SliWindow[], now: number): SloStatus {
  const end = now - labelDelay(slo);
  const ours = windows.filter(({ role }) => role === ROLE[slo.stage]);
  const whole = ours.filter(({ slice }) => slice === undefined);
  const measure = (of: readonly SliWindow[]): Measured => measureSli(slo.sli, of);
  const lately = (of: readonly SliWindow[], from: number): readonly SliWindow[] =>
    slo.stage === 'holdout' ? of : within(of, from, end);
  const plain = attainmentOf(slo, (from) => measure(lately(whole, from)), end);
  const base = { slo, versions: versionsOf(lately(whole, end - milliseconds(slo.window)), measure) };
  if (slo.mix !== undefined) {
    const { by, shares } = slo.mix;
    const slices = slicesBy(ours, by);
    const mixed = (from: number): Reweighted =>
      reweight(new Map([...slices].map(([value, of]) => [value, measure(lately(of, from))])), shares);
    const { uncovered } = mixed(end - milliseconds(slo.window));
    return { ...base, ...attainmentOf(slo, mixed, end), uncovered };
  }
  if (slo.per === undefined) return { ...base, ...plain };
  const slices = Object.fromEntries(
    [...slicesBy(ours, slo.per)].map(([value, of]) => [
      value,
      attainmentOf(slo, (from) => measure(lately(of, from)), end),
    ]),
  );
  return { ...base, ...plain, state: worst(plain.state, Object.values(slices)), slices };
}

const labelDelay = ({ sli, stage, labels }: Slo): number =>
  needsLabels(sli) && stage !== 'holdout' ? milliseconds(labels.delay) : 0;

function attainmentOf(slo: Slo, eventsFrom: (from: number) => Measured, end: number): Attainment {
  const { objective } = slo;
  const events = eventsFrom(end - milliseconds(slo.window));
  const { good, total, pending } = events;
  const coverage = total + pending === 0 ? 1 : total / (total + pending);
  return {
    state: stateOf(slo, events, coverage),
    events,
    attained: total === 0 ? undefined : { value: good / total, interval: wilsonInterval(good, total) },
    budget: errorBudget(events, objective),
    coverage,
    burn: rulesOf(slo).map((rule) => burnStatus(slo, rule, eventsFrom, end)),
  };
}

function stateOf({ sli, objective, labels }: Slo, { good, total, pending }: Measured, coverage: number): SloState {
  if (total + pending === 0) return 'no-data';
  // Whatever the labels that are missing will say, the objective cannot be kept any more.
  if ((good + pending) / (total + pending) < objective) return 'breached';
  if (total === 0 || (needsLabels(sli) && coverage < labels.coverage)) return 'pending';
  return good / total < objective ? 'breached' : 'met';
}

function burnStatus(slo: Slo, rule: BurnRule, eventsFrom: (from: number) => Measured, end: number): BurnStatus {
  const { objective, lowTraffic, sli } = slo;
  // Slices of time are events themselves: a window shorter than one holds none.
  const least = sliceOf(sli);
  const aligned = (ms: number): number => end - Math.max(ms, least === 0 ? 0 : least + (end % least));
  const long = eventsFrom(aligned(rule.longMs));
  const short = eventsFrom(aligned(rule.shortMs));
  const longBurn = burnRate(long, objective);
  const shortBurn = burnRate(short, objective);
  const fast = longBurn >= rule.factor && shortBurn >= rule.factor;
  const held = fast ? tooFew(long, objective, lowTraffic) : undefined;
  return { ...rule, longBurn, shortBurn, fires: fast && held === undefined, ...(held === undefined ? {} : { held }) };
}

function slicesBy(windows: readonly SliWindow[], by: string): Map<string, SliWindow[]> {
  const slices = new Map<string, SliWindow[]>();
  for (const window of windows) {
    if (window.slice?.by !== by) continue;
    const of = slices.get(window.slice.value) ?? [];
    of.push(window);
    slices.set(window.slice.value, of);
  }
  return slices;
}

function versionsOf(
  windows: readonly SliWindow[],
  measure: (of: readonly SliWindow[]) => Measured,
): SloStatus['versions'] {
  const names = [...new Set(windows.map(({ version }) => version))];
  return names
    .map((version) => {
      const of = windows.filter((window) => window.version === version);
      const { good, total } = measure(of);
      return { version, bad: total - good, total };
    })
    .sort((a, b) => b.bad - a.bad);
}

const ORDER: readonly SloState[] = ['met', 'no-data', 'pending', 'breached'];

/** The worst of the whole and its slices; a slice without events says nothing. */
function worst(whole: SloState, slices: readonly Attainment[]): SloState {
  return slices
    .map(({ state }) => state)
    .filter((state) => state !== 'no-data')
    .reduce((a, b) => (ORDER.indexOf(b) > ORDER.indexOf(a) ? b : a), whole);
}

/** From when on windows are needed for the status of objectives at a moment. */
export function earliest(slos: readonly Slo[], now: number): number {
  return Math.min(
    now,
    ...slos.map((slo) => {
      const longest = Math.max(milliseconds(slo.window), ...rulesOf(slo).map(({ longMs }) => longMs));
      return now - longest - 2 * sliceOf(slo.sli) - labelDelay(slo);
    }),
  );
}
