/** Alerts on error budgets in simulated incidents: how soon a page comes, and how often one comes for nothing. */
import { median } from '../../src/numeric/index.js';
import type { Results } from './page.js';
import { type Policy, timeToPage, watch } from './slo/incidents.js';

const OBJECTIVE = 0.999;
const DAYS = 30;
const POLICIES: readonly (readonly [Policy, string])[] = [
  ['protected', 'Ballast'],
  ['workbook', "the workbook's rules alone"],
  ['hour', '14.4 times over one hour'],
];
const TRAFFIC: readonly (readonly [string, number])[] = [
  ['1,000 a minute', 1000],
  ['10 a minute', 10],
  ['1 a minute', 1],
  ['10 an hour', 10 / 60],
];
const INCIDENTS: readonly (readonly [string, number])[] = [
  ['all fail', 1],
  ['10 % fail', 0.1],
  ['2 % fail', 0.02],
  ['0.8 % fail', 0.008],
];

function falsePages(seeds: number, tell: (line: string) => void): string[] {
  return TRAFFIC.map(([name, perMinute]) => {
    const cells = POLICIES.map(([policy]) => {
      let pages = 0;
      for (let seed = 0; seed < seeds; seed++) {
        const service = { perMinute, objective: OBJECTIVE, usual: 0.5, minutes: DAYS * 24 * 60 };
        pages += watch(service, policy, seed).pages.length;
      }
      return (pages / seeds).toFixed(2);
    });
    tell(`false pages, ${name}: ${cells.join(', ')}`);
    return `| ${name} | ${cells.join(' | ')} |`;
  });
}

/** When the first rule can see it: the longest of what its two windows take, of the soonest rule. Failures before are none. */
function closedForm(share: number): string {
  const rules = [
    [14.4, 60, 5],
    [6, 360, 30],
  ] as const;
  const soonest = Math.min(
    ...rules.map(([factor, long, short]) => {
      const needed = (factor * (1 - OBJECTIVE)) / share;
      return needed > 1 ? Number.POSITIVE_INFINITY : needed * Math.max(long, short);
    }),
  );
  return Number.isFinite(soonest) ? `${Math.max(1, soonest).toFixed(0)} min` : 'never';
}

function times(seeds: number, tell: (line: string) => void): string[] {
  return INCIDENTS.flatMap(([incident, share]) =>
    TRAFFIC.map(([name, perMinute]) => {
      const cells = POLICIES.map(([policy]) => {
        const from = 24 * 60;
        const service = {
          perMinute,
          objective: OBJECTIVE,
          usual: 0.2,
          incident: { from, share },
          minutes: from + 1440,
        };
        const found = Array.from({ length: seeds }, (_, seed) => timeToPage(service, policy, seed));
        const known = found.filter((time) => time !== undefined);
        if (known.length < found.length / 2) return `${known.length} of ${found.length}`;
        const missed = found.length - known.length;
        return `${median(known).toFixed(0)} min${missed > 0 ? ` (${missed} of ${found.length} none)` : ''}`;
      });
      tell(`${incident}, ${name}: ${cells.join(', ')}`);
      return `| ${incident} | ${name} | ${cells.join(' | ')} | ${closedForm(share)} |`;
    }),
  );
}

export const results: Results = {
  async page({ quick, tell }) {
    const seeds = quick ? 3 : 40;
    const head = POLICIES.map(([, name]) => name).join(' | ');
    return `# Alerts on error budgets

A service promises that ${100 * OBJECTIVE} % of its requests are answered, over ${DAYS} days. Requests come at random (Poisson), each fails by
itself; alerts are judged every minute. *Ballast* is the four rules of the SRE workbook, held to be no evidence where fewer than two
requests failed or a service that just keeps its promise would be as bad by chance in more than one of a thousand windows.

## Pages for nothing

Half of the budget is spent evenly: nothing is wrong. Pages in ${DAYS} days, mean of ${seeds} simulations.

| requests | ${head} |
| --- | ---: | ---: | ---: |
${falsePages(seeds, tell).join('\n')}

## Time to a page

A day without incident (a fifth of the budget spent), then one that lasts a day. Median of ${seeds} simulations; the last column is
the least time that the workbook's arithmetic allows, factor x budget x window / share that fails, of the soonest rule.

| incident | requests | ${head} | arithmetic |
| --- | --- | ---: | ---: | ---: | ---: |
${times(seeds, tell).join('\n')}

With ten requests an hour a single failure is a burn rate of 100: rules without protection page for it. What protection costs is
the wait for a second failure. "None" are simulations without a new page: none came, or one for nothing was open already.
`;
  },
};
