import type { Matcher, Silence } from '../../store/index.js';
import type { RuleName } from './condition.js';

interface Suppressible {
  readonly labels: Readonly<Record<string, string>>;
  readonly rule: string;
  readonly severity: 'page' | 'ticket';
}

/** Pages of these rules are about users who get no answer or a wrong one now: planned work does not excuse them. */
const NEVER_PLANNED: ReadonlySet<string> = new Set<RuleName>(['slo-burn', 'slo-breach']);

/** What keeps an alert quiet at a moment, such as `silence 3`; undefined where nothing does. */
export function suppression(alert: Suppressible, silences: readonly Silence[], now: number): string | undefined {
  const silence = silences.find(
    ({ kind, matchers, startsAt, endsAt }) =>
      startsAt.getTime() <= now &&
      now < endsAt.getTime() &&
      !(kind === 'planned' && alert.severity === 'page' && NEVER_PLANNED.has(alert.rule)) &&
      matchers.every((matcher) => matches(matcher, alert.labels)),
  );
  return silence === undefined ? undefined : `${silence.kind} ${silence.id}`;
}

function matches({ label, value, regex = false }: Matcher, labels: Readonly<Record<string, string>>): boolean {
  const actual = labels[label] ?? '';
  return regex ? new RegExp(`^(?:${value})$`).test(actual) : actual === value;
}
