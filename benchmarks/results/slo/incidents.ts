import { burnRate, tooFew } from '../../../src/monitoring/slo/budget.js';
import { type BurnRule, workbookRules } from '../../../src/monitoring/slo/burn-rules.js';
import { derive, type Random } from '../../../src/numeric/index.js';

const MINUTE = 60_000;
const DAY_MINUTES = 24 * 60;
const PERIOD_MS = 30 * DAY_MINUTES * MINUTE;

export interface Service {
  readonly perMinute: number;
  readonly objective: number;
  /** Share of requests that fail while all is well, in parts of the budget. */
  readonly usual: number;
  /** Minute from which the incident lasts, and the share of requests that fail in it. */
  readonly incident?: { readonly from: number; readonly share: number };
  readonly minutes: number;
}

/** How alerts are decided: by the workbook's rules alone, with protection of low traffic, or by the last hour alone. */
export type Policy = 'protected' | 'workbook' | 'hour';

export interface Outcome {
  /** Separate pages and tickets: minutes in which one began. */
  readonly pages: readonly number[];
  readonly tickets: readonly number[];
}

/** Requests that fail in each minute, and all: Poisson arrivals, each failing by itself. */
function traffic(
  { perMinute, objective, usual, incident, minutes }: Service,
  random: Random,
): [Float64Array, Float64Array] {
  const bad = new Float64Array(minutes + 1);
  const all = new Float64Array(minutes + 1);
  for (let minute = 0; minute < minutes; minute++) {
    const share = incident !== undefined && minute >= incident.from ? incident.share : usual * (1 - objective);
    const requests = poisson(perMinute, random);
    all[minute + 1] = all[minute] + requests;
    bad[minute + 1] = bad[minute] + Math.min(requests, poisson(requests * share, random));
  }
  return [bad, all];
}

function poisson(mean: number, random: Random): number {
  if (mean > 50) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
  let [count, product] = [0, random.uniform()];
  const limit = Math.exp(-mean);
  while (product > limit) {
    product *= random.uniform();
    count += 1;
  }
  return count;
}

/** Watches a service minute by minute. */
export function watch(service: Service, policy: Policy, seed: number): Outcome {
  const { objective, minutes } = service;
  const [bad, all] = traffic(service, derive(seed, 'incidents'));
  const rules: BurnRule[] =
    policy === 'hour'
      ? [{ severity: 'page', factor: 14.4, longMs: 60 * MINUTE, shortMs: 60 * MINUTE }]
      : workbookRules(PERIOD_MS);
  const counts = (now: number, ms: number) => {
    const from = Math.max(0, now - ms / MINUTE);
    const total = all[now] - all[from];
    return { good: total - (bad[now] - bad[from]), total };
  };
  const fires = (rule: BurnRule, now: number): boolean => {
    const long = counts(now, rule.longMs);
    if (burnRate(long, objective) < rule.factor) return false;
    if (burnRate(counts(now, rule.shortMs), objective) < rule.factor) return false;
    return policy !== 'protected' || tooFew(long, objective, { events: 2, level: 0.001 }) === undefined;
  };
  const pages: number[] = [];
  const tickets: number[] = [];
  // As long as alerts are held: a page that is gone for less goes on.
  let [paging, ticketing] = [-1e9, -1e9];
  for (let now = 1; now <= minutes; now++) {
    if (rules.some((rule) => rule.severity === 'page' && fires(rule, now))) {
      if (now - paging > 5) pages.push(now);
      paging = now;
    }
    if (rules.some((rule) => rule.severity === 'ticket' && fires(rule, now))) {
      if (now - ticketing > 30) tickets.push(now);
      ticketing = now;
    }
  }
  return { pages, tickets };
}

/** Minutes from an incident to its first page; undefined where none came. */
export function timeToPage(service: Service & Required<Pick<Service, 'incident'>>, policy: Policy, seed: number) {
  const { pages } = watch(service, policy, seed);
  const first = pages.find((minute) => minute > service.incident.from);
  return first === undefined ? undefined : first - service.incident.from;
}
