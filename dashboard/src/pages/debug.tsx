import type { ReactNode } from 'react';
import { useAnswer } from '../api.js';
import { dayText, figure, percent } from '../format.js';
import { Chart, type Line } from '../parts/chart.js';
import { type Origin, OriginLine } from '../parts/promises.js';
import { linkTo } from '../router.js';
import { Table } from './run.js';

interface Debug extends Origin {
  readonly curves: readonly Line[];
  readonly worst: readonly {
    readonly actual: string;
    readonly predicted: string;
    readonly count: number;
    readonly share: number;
  }[];
  readonly drift: readonly {
    readonly name: string;
    readonly test: string;
    readonly effect: number;
    readonly drifted: boolean;
    readonly days: readonly (readonly [at: number, effect: number])[];
  }[];
  readonly stages: readonly {
    readonly stage: string;
    readonly metrics: Readonly<
      Record<string, { readonly value: number; readonly interval: readonly [number, number] }>
    >;
  }[];
}

/** How a model was trained, what it confuses, and what each stage made of it. */
export function DebugPage({ model }: { model: string }): ReactNode {
  const { data, error } = useAnswer<Debug>(`/dashboards/debug/${encodeURIComponent(model)}`);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const metrics = [...new Set(data.stages.flatMap((stage) => Object.keys(stage.metrics)))];
  return (
    <>
      <p>
        <a href={linkTo(['on-call', model])}>On call: {model}</a>
      </p>
      <h1>Debug: {model}</h1>
      <OriginLine {...data} />
      <h2>Loss curves</h2>
      {data.curves.length === 0 && <p>The run of this version logged no losses.</p>}
      <div className="charts">{data.curves.length > 0 && <Chart title="Loss" lines={data.curves} />}</div>
      <h2>What is confused most</h2>
      {data.worst.length === 0 && <p>No confusion is recorded.</p>}
      {data.worst.length > 0 && (
        <Table
          head={['is', 'taken for', 'rows', 'of that class']}
          rows={data.worst.map(({ actual, predicted, count, share }) => [
            actual,
            predicted,
            figure(count),
            percent(share),
          ])}
        />
      )}
      <h2>Drift of each column since training</h2>
      {data.drift.length === 0 && (
        <p>Nothing is compared yet: it takes traffic, and a reference, which ballast drift {model} makes.</p>
      )}
      <div className="charts">
        {data.drift.map(({ name, test, drifted, days }) => (
          <Chart
            key={name}
            title={`${name}, ${test}${drifted ? ': drifted' : ''}`}
            place={dayText}
            lines={[{ name, points: days }]}
          />
        ))}
      </div>
      <h2>Stages side by side</h2>
      {data.stages.length === 0 && <p>No stage was evaluated.</p>}
      {data.stages.length > 0 && (
        <Table
          head={['metric', ...data.stages.map(({ stage }) => stage)]}
          rows={metrics.map((name) => [
            name,
            ...data.stages.map(({ metrics: of }) => (of[name] === undefined ? '' : figure(of[name].value))),
          ])}
        />
      )}
    </>
  );
}
