import type { ReactNode } from 'react';
import { useAnswer } from '../api.js';
import { figure, hourText, percent, time } from '../format.js';
import { Alerts } from '../parts/alerts.js';
import { Chart } from '../parts/chart.js';
import {
  type Canary,
  canaryText,
  lineOf,
  type Moment,
  type Origin,
  OriginLine,
  type Promised,
  STATES,
} from '../parts/promises.js';
import { linkTo } from '../router.js';
import { Table } from './run.js';

interface OnCall extends Origin {
  readonly slos: readonly Promised[];
  readonly recent: readonly Moment[];
  readonly canary: Canary | null;
  readonly failing: readonly {
    readonly kind: string;
    readonly what: string;
    readonly count: number;
    readonly share: number;
  }[];
  readonly runs: readonly {
    readonly id: string;
    readonly name: string;
    readonly status: string;
    readonly startedAt: string;
    readonly commit: string | null;
    readonly regularizerId: string | null;
  }[];
}

const LIVE_MS = 10_000;

/** What fires, and of one model what happens now. */
export function OnCallPage({ model }: { model: string | undefined }): ReactNode {
  const models = useAnswer<{ models: string[] }>('/dashboards/on-call');
  return (
    <>
      <h1>{model === undefined ? 'On call' : `On call: ${model}`}</h1>
      <Alerts model={model} />
      {model !== undefined && <Now model={model} />}
      <h2>Models</h2>
      {models.error !== undefined && <p role="alert">{models.error.message}</p>}
      <ul className="cards">
        {(models.data?.models ?? []).map((name) => (
          <li key={name}>
            <a href={linkTo(['on-call', name])}>{name}</a>
            <p>
              <a href={linkTo(['debug', name])}>debug {name}</a>
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

function Now({ model }: { model: string }): ReactNode {
  const { data, error } = useAnswer<OnCall>(`/dashboards/on-call/${encodeURIComponent(model)}`, LIVE_MS);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  return (
    <>
      <OriginLine {...data} />
      <h2>Error budgets</h2>
      <Table
        head={['promise', 'state', 'budget left', 'burns', 'fires', 'held because']}
        rows={data.slos.map(({ slo, state, budget, burn }) => {
          const worst = burn.find(({ fires }) => fires) ?? burn[0];
          return [
            slo.name,
            STATES[state],
            state === 'no-data' ? '–' : percent(budget.remaining),
            `${figure(worst.longBurn)} times over ${Math.round(worst.longMs / 3_600_000)} h`,
            worst.fires ? worst.severity : 'no',
            burn.find(({ held }) => held !== undefined)?.held ?? '',
          ];
        })}
      />
      <h2>The last six hours</h2>
      {data.recent.length === 0 && <p>No requests were seen.</p>}
      <div className="charts">
        <Chart
          title="Share that failed"
          place={hourText}
          lines={[lineOf(data.recent, 'failed', ({ failedShare }) => failedShare)]}
        />
        <Chart
          title="Share that was wrong"
          place={hourText}
          lines={[lineOf(data.recent, 'wrong', ({ wrongShare }) => wrongShare)]}
        />
        <Chart title="p99, ms" place={hourText} lines={[lineOf(data.recent, 'p99', ({ p99Ms }) => p99Ms)]} />
        <Chart
          title="Requests at a time"
          place={hourText}
          lines={[lineOf(data.recent, 'utilization', ({ utilization }) => utilization)]}
        />
      </div>
      <p>Canary: {canaryText(data.canary)}</p>
      <h2>What fails most</h2>
      {data.failing.length === 0 && <p>Nothing failed among the requests that are kept.</p>}
      {data.failing.length > 0 && (
        <Table
          head={['what', 'kind', 'requests', 'of all']}
          rows={data.failing.map(({ what, kind, count, share }) => [what, kind, String(count), percent(share)])}
        />
      )}
      <h2>Recent training</h2>
      <Table
        head={['run', 'status', 'started', 'commit', 'regularizers']}
        rows={data.runs.map(({ name, status, startedAt, commit, regularizerId }) => [
          name,
          status,
          time(startedAt),
          commit?.slice(0, 10) ?? '',
          regularizerId ?? '',
        ])}
      />
      <p>
        <a href={linkTo(['debug', model])}>Debug this model</a>
      </p>
    </>
  );
}
