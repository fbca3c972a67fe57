import type { ReactNode } from 'react';
import { useAnswer } from '../api.js';
import { bytes, figure, time } from '../format.js';
import { Chart, type Line } from '../parts/chart.js';
import { type Graph, Lineage } from '../parts/lineage.js';
import { Scrolled } from '../parts/scrolled.js';
import { linkTo } from '../router.js';

interface Pair {
  readonly key: string;
  readonly value: string;
}

export interface RunDocument {
  readonly run: {
    readonly id: string;
    readonly name: string;
    readonly experiment: string;
    readonly status: string;
    readonly error?: string;
    readonly seed?: number;
    readonly datasetName?: string;
    readonly dataVersion?: string;
    readonly codeCommit?: string;
    readonly regularizerId?: string;
    readonly startedAt: string;
    readonly endedAt?: string;
    readonly manifest: unknown;
  };
  readonly experimentId: number;
  readonly params: readonly Pair[];
  readonly tags: readonly Pair[];
  readonly metrics: readonly { readonly name: string; readonly value: number | string; readonly step: number }[];
  readonly artifacts: readonly { readonly path: string; readonly size: number }[];
  readonly lineage: Graph;
  readonly ledger: {
    readonly metric: string;
    readonly stages: readonly {
      readonly stage: string;
      readonly value: number;
      readonly delta: number | null;
      readonly deltaInterval: readonly [number, number] | null;
    }[];
  } | null;
  readonly diagnosis: {
    readonly findings: readonly {
      readonly id: string;
      readonly name: string;
      readonly evidence: readonly string[];
      readonly remedy: string;
    }[];
  } | null;
}

/** While a run is at work its page is asked for again every so many ms. */
const LIVE_MS = 5000;

export function RunPage({ id }: { id: string }): ReactNode {
  const first = useAnswer<RunDocument>(`/runs/${id}`);
  const live = first.data?.run.status === 'running' ? LIVE_MS : undefined;
  const document = useAnswer<RunDocument>(`/runs/${id}`, live);
  const history = useAnswer<{ series: Line[] }>(`/runs/${id}/history`, live);
  if (document.error !== undefined) return <p role="alert">{document.error.message}</p>;
  if (document.data === undefined) return <p className="quiet">…</p>;
  const { run, experimentId, params, tags, metrics, artifacts, lineage, ledger, diagnosis } = document.data;
  const facts: [string, string][] = [
    ['id', run.id],
    ['status', `${run.status}${run.error === undefined ? '' : `: ${run.error}`}`],
    ['seed', figure(run.seed)],
    ['data', `${run.datasetName ?? ''} ${run.dataVersion ?? ''}`],
    ['commit', run.codeCommit ?? ''],
    ['regularizers', run.regularizerId ?? ''],
    ['started', time(run.startedAt)],
    ['ended', time(run.endedAt)],
  ];
  return (
    <>
      <p>
        <a href={linkTo(['experiments', experimentId])}>{run.experiment}</a>
      </p>
      <h1>{run.name}</h1>
      <dl>
        {facts
          .filter(([, value]) => value.trim() !== '')
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {ledger !== null && (
        <section>
          <h2>Gap ledger, {ledger.metric}</h2>
          <Table
            head={['stage', 'value', 'lost', '95% interval']}
            rows={ledger.stages.map(({ stage, value, delta, deltaInterval }) => [
              stage,
              figure(value),
              figure(delta),
              deltaInterval === null ? '' : deltaInterval.map(figure).join(' to '),
            ])}
          />
        </section>
      )}
      {diagnosis !== null && (
        <section>
          <h2>Findings</h2>
          {diagnosis.findings.length === 0 && <p>Nothing wrong was found in what was logged.</p>}
          {diagnosis.findings.map(({ id: name, name: title, evidence, remedy }) => (
            <article key={name}>
              <h3>
                {name} {title}
              </h3>
              {evidence.map((line) => (
                <p key={line}>{line}</p>
              ))}
              <p>{remedy}.</p>
            </article>
          ))}
        </section>
      )}
      <section>
        <h2>Curves</h2>
        <div className="charts">
          {grouped(history.data?.series ?? []).map(({ title, lines }) => (
            <Chart key={title} title={title} lines={lines} />
          ))}
        </div>
      </section>
      {run.manifest !== null && (
        <section>
          <h2>Manifest</h2>
          <ul>
            {entriesOf(run.manifest).map(({ type, strength }) => (
              <li key={type}>
                <a href={linkTo(['regularizers', type])}>{type}</a>{' '}
                <span className="quiet">strength {figure(strength)}</span>
              </li>
            ))}
          </ul>
          <Scrolled label="Manifest">
            <pre>{JSON.stringify(run.manifest, null, 2)}</pre>
          </Scrolled>
        </section>
      )}
      <section>
        <h2>Metrics</h2>
        <Table
          head={['metric', 'value', 'step']}
          rows={metrics.map(({ name, value, step }) => [name, figure(value), String(step)])}
        />
      </section>
      <section>
        <h2>Parameters</h2>
        <Table head={['parameter', 'value']} rows={params.map(({ key, value }) => [key, value])} />
      </section>
      <section>
        <h2>Tags</h2>
        <Table head={['tag', 'value']} rows={tags.map(({ key, value }) => [key, value])} />
      </section>
      <section>
        <h2>Files</h2>
        <ul>
          {artifacts.map(({ path, size }) => (
            <li key={path}>
              <a
                href={`/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${run.id}/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`}
                download
              >
                {path}
              </a>{' '}
              <span className="quiet">{bytes(size)}</span>
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h2>Lineage</h2>
        <Lineage graph={lineage} />
      </section>
    </>
  );
}

/** The regularizers of a manifest, each with a method card; one that acts in several modes once. */
function entriesOf(manifest: unknown): { type: string; strength: unknown }[] {
  const { regularizers = [] } = (manifest ?? {}) as { regularizers?: { type: string; strength: unknown }[] };
  if (!Array.isArray(regularizers)) return [];
  return regularizers.filter(({ type }, i) => regularizers.findIndex((other) => other.type === type) === i);
}

export function Table({ head, rows }: { head: readonly string[]; rows: readonly (readonly string[])[] }): ReactNode {
  if (rows.length === 0) return <p className="quiet">none</p>;
  return (
    <Scrolled label={head.join(', ')}>
      <table>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells) => (
            <tr key={cells.join(' ')}>
              {cells.map((cell, i) => (
                <td key={head[i]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrolled>
  );
}

/** Train and validation of one quantity in one picture. */
function grouped(series: readonly Line[]): { title: string; lines: Line[] }[] {
  const groups = new Map<string, Line[]>();
  for (const line of series) {
    const title = line.name
      .replace(/^(train(ing)?|val(idation)?|eval|test)[._/ -]/, '')
      .replace(/^final\..*/, 'final figures');
    if (title === 'final figures') continue;
    groups.set(title, [...(groups.get(title) ?? []), line]);
  }
  return [...groups].map(([title, lines]) => ({ title, lines }));
}
