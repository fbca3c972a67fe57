import type { AlertState } from '../../store/index.js';
import { type PostOptions, postJson } from './post-json.js';

/** Where alerts are told. */
export interface AlertTarget {
  /** Its name in the record of deliveries: the URL without credentials and query. */
  readonly name: string;
  /** Tells alerts, all of them or none. `told` is what each is now. */
  tell(alerts: readonly ToldAlert[]): Promise<void>;
  /** How long a firing alert stays untold again, ms. */
  readonly repeatMs: number;
}

export interface ToldAlert {
  readonly alert: AlertState;
  readonly told: 'firing' | 'escalated' | 'resolved';
}

const MINUTE = 60_000;

/** Alertmanager forgets what it is not told again (resolve_timeout, 5 minutes): firing alerts are told every minute. */
export function alertmanager(url: string, options: PostOptions & { readonly page?: string }): AlertTarget {
  return {
    name: nameOf(url),
    repeatMs: MINUTE,
    tell: (alerts) =>
      postJson(
        `${url.replace(/\/+$/, '')}/api/v2/alerts`,
        alerts.flatMap(({ alert, told }) => {
          const of = (labels: AlertState['labels']) => ({
            labels,
            annotations: annotationsOf(alert, options.page),
            startsAt: alert.startedAt.toISOString(),
            // Of a firing alert: until when it is taken to fire where nothing more is heard.
            endsAt: (alert.resolvedAt ?? new Date(alert.seenAt.getTime() + 10 * MINUTE)).toISOString(),
            ...(options.page === undefined
              ? {}
              : { generatorURL: `${options.page}/#/on-call/${encodeURIComponent(alert.model)}` }),
          });
          const escalation = { ...alert.labels, escalated: 'true', on_call: alert.labels.escalation ?? 'unknown' };
          return told === 'firing' ? [of(alert.labels)] : [of(alert.labels), of(escalation)];
        }),
        options,
      ),
  };
}

/** A webhook: Alertmanager's payload (version 4), a group for each model and version. Told of changes, and again after four hours. */
export function webhook(url: string, options: PostOptions & { readonly page?: string }): AlertTarget {
  return {
    name: nameOf(url),
    repeatMs: 4 * 60 * MINUTE,
    async tell(alerts) {
      const groups = new Map<string, ToldAlert[]>();
      for (const each of alerts) {
        const { model, version, ledger_stage: stage } = each.alert.labels;
        const key = JSON.stringify({ model, version, stage });
        groups.set(key, [...(groups.get(key) ?? []), each]);
      }
      for (const [key, of] of groups) await postJson(url, payload(key, of, options.page), options);
    },
  };
}

/** What correlated alerts have in common is told once. */
function payload(groupKey: string, alerts: readonly ToldAlert[], page: string | undefined) {
  const firing = alerts.some(({ told }) => told !== 'resolved');
  const [{ alert: first }] = alerts;
  const common = (of: 'labels' | 'annotations') =>
    Object.fromEntries(
      Object.entries(first[of]).filter(([key, value]) => alerts.every(({ alert }) => alert[of][key] === value)),
    );
  const { model = '', version = '' } = first.labels;
  return {
    version: '4',
    groupKey,
    truncatedAlerts: 0,
    status: firing ? 'firing' : 'resolved',
    receiver: 'ballast',
    groupLabels: { model, version },
    commonLabels: common('labels'),
    commonAnnotations: common('annotations'),
    externalURL: page ?? '',
    alerts: alerts.map(({ alert, told }) => ({
      status: told === 'resolved' ? 'resolved' : 'firing',
      labels: told === 'escalated' ? { ...alert.labels, escalated: 'true' } : alert.labels,
      annotations: annotationsOf(alert, page),
      startsAt: alert.startedAt.toISOString(),
      endsAt: alert.resolvedAt?.toISOString() ?? '0001-01-01T00:00:00Z',
      generatorURL: page === undefined ? '' : `${page}/#/on-call/${encodeURIComponent(alert.model)}`,
      fingerprint: alert.fingerprint,
    })),
  };
}

/** With `runbook_url`, which receivers show as a link: the page of the objective's author, else the dashboard's. */
function annotationsOf({ annotations, rule, model }: AlertState, page: string | undefined): Record<string, string> {
  const { runbook = '' } = annotations;
  if (/^https?:\/\//.test(runbook)) return { ...annotations, runbook_url: runbook };
  if (page === undefined) return annotations;
  return { ...annotations, runbook_url: `${page}/#/runbooks/${rule}/${encodeURIComponent(model)}` };
}

function nameOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
