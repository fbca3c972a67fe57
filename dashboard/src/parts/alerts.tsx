import { type ReactNode, useState } from 'react';
import { ask, useAnswer } from '../api.js';
import { time } from '../format.js';
import { linkTo } from '../router.js';
import { Confirm } from './confirm.js';
import { RunbookOf } from './runbook.js';

interface Alert {
  readonly fingerprint: string;
  readonly rule: string;
  readonly severity: 'page' | 'ticket';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startedAt: string;
  readonly suppressedBy?: string;
}

interface Silence {
  readonly id: number;
  readonly kind: string;
  readonly matchers: readonly { readonly label: string; readonly value: string }[];
  readonly endsAt: string;
  readonly reason: string;
  readonly createdBy: string;
}

const LIVE_MS = 10_000;
/** What tells one alert from others: nothing else of its labels changes while it fires. */
const IDENTITY = ['model', 'alertname', 'version', 'slo', 'slice', 'missing'];

/** What fires, and what is silenced; each alert can be silenced after a confirmation. */
export function Alerts({ model }: { model: string | undefined }): ReactNode {
  const [changes, setChanges] = useState(0);
  const [asked, setAsked] = useState<Alert>();
  const of = model === undefined ? '' : `&model=${encodeURIComponent(model)}`;
  const alerts = useAnswer<{ alerts: Alert[] }>(`/alerts?${changes}${of}`, LIVE_MS);
  const silences = useAnswer<{ silences: Silence[] }>(`/silences?${changes}`, LIVE_MS);
  if (alerts.error !== undefined) return <p role="alert">{alerts.error.message}</p>;
  if (alerts.data === undefined) return <p className="quiet">…</p>;
  const done = (): void => {
    setAsked(undefined);
    setChanges(changes + 1);
  };
  return (
    <>
      <h2>{alerts.data.alerts.length === 0 ? 'Nothing fires' : `${alerts.data.alerts.length} alerts`}</h2>
      {alerts.data.alerts.map((alert) => (
        <article key={alert.fingerprint}>
          <h3>
            {alert.severity}: {alert.annotations.summary}
          </h3>
          <p>{alert.annotations.remedy}.</p>
          <p className="quiet">
            since {time(alert.startedAt)}, version {alert.labels.version}, commit {alert.labels.commit.slice(0, 10)},{' '}
            {alert.labels.regularizer_id}, lost at {alert.labels.ledger_stage}, owner {alert.labels.owner}
            {alert.suppressedBy !== undefined && `, quiet: ${alert.suppressedBy}`}
          </p>
          <p>
            <RunbookLink text={alert.annotations.runbook} />{' '}
            <a href={linkTo(['models', alert.labels.model, alert.labels.version])}>lineage</a>
          </p>
          <RunbookOf rule={alert.rule} model={alert.labels.model} version={alert.labels.version} />
          {alert.suppressedBy === undefined && (
            <button type="button" onClick={() => setAsked(alert)}>
              Silence…
            </button>
          )}
        </article>
      ))}
      {asked !== undefined && <Silencing alert={asked} onDone={done} onCancel={() => setAsked(undefined)} />}
      {(silences.data?.silences.length ?? 0) > 0 && (
        <>
          <h2>Quiet</h2>
          <ul>
            {silences.data?.silences.map((silence) => (
              <li key={silence.id}>
                {silence.kind} {silence.id}:{' '}
                {silence.matchers.map(({ label, value }) => `${label}=${value}`).join(', ')} until{' '}
                {time(silence.endsAt)}: {silence.reason} ({silence.createdBy})
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

/** Where the authors of an objective keep theirs, or the command that prints ours. */
function RunbookLink({ text }: { text: string }): ReactNode {
  return /^https?:\/\//.test(text) ? <a href={text}>runbook</a> : <code>{text}</code>;
}

/** For how long, and why. */
function Silencing({ alert, onDone, onCancel }: { alert: Alert; onDone: () => void; onCancel: () => void }): ReactNode {
  const matchers = IDENTITY.flatMap((label) =>
    alert.labels[label] === undefined ? [] : [{ label, value: alert.labels[label] }],
  );
  const send = (form: FormData): Promise<unknown> => {
    const body = { matchers, minutes: Number(form.get('minutes')), reason: String(form.get('reason')) };
    return ask('/silences', { method: 'POST', body: JSON.stringify(body) });
  };
  return (
    <Confirm title="Silence this alert?" button="Silence" send={send} onDone={onDone} onCancel={onCancel}>
      <p>{alert.annotations.summary}</p>
      <p className="quiet">{matchers.map(({ label, value }) => `${label}=${value}`).join(', ')}</p>
      <p>
        <label>
          For{' '}
          <select name="minutes" defaultValue="60">
            <option value="60">an hour</option>
            <option value="240">four hours</option>
            <option value="1440">a day</option>
          </select>
        </label>
      </p>
    </Confirm>
  );
}
