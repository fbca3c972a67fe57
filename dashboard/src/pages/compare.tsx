import { type ReactNode, useEffect, useState } from 'react';
import { ask } from '../api.js';
import { figure } from '../format.js';
import { Parallel } from '../parts/parallel.js';
import { linkTo } from '../router.js';
import { type RunDocument, Table } from './run.js';

/** Axes of the parallel coordinates. */
const MOST_AXES = 8;

export function ComparePage({ ids }: { ids: readonly string[] }): ReactNode {
  const [runs, setRuns] = useState<readonly RunDocument[]>([]);
  const [error, setError] = useState('');
  const key = ids.join(',');
  useEffect(() => {
    Promise.all(key.split(',').map((id) => ask<RunDocument>(`/runs/${id}`))).then(setRuns, (failure: Error) =>
      setError(failure.message),
    );
  }, [key]);
  if (error !== '') return <p role="alert">{error}</p>;
  if (runs.length === 0) return <p className="quiet">…</p>;
  const lines = runs.map((document) => ({
    name: `${document.run.name} ${document.run.id.slice(0, 8)}`,
    values: Object.fromEntries([
      ...document.params.flatMap(({ key: name, value }) =>
        value !== '' && Number.isFinite(Number(value)) ? [[name, Number(value)] as const] : [],
      ),
      ...document.metrics.flatMap(({ name, value }) => (typeof value === 'number' ? [[name, value] as const] : [])),
    ]),
  }));
  const axes = [...new Set(lines.flatMap(({ values }) => Object.keys(values)))].filter(
    (axis) => new Set(lines.map(({ values }) => values[axis])).size > 1 && lines.every(({ values }) => axis in values),
  );
  return (
    <>
      <h1>{runs.length} runs</h1>
      <ul>
        {runs.map(({ run, experimentId }) => (
          <li key={run.id}>
            <a href={linkTo(['experiments', experimentId, 'runs', run.id])}>
              {run.name} {run.id.slice(0, 8)}
            </a>
          </li>
        ))}
      </ul>
      <Parallel runs={lines} axes={axes.slice(0, MOST_AXES).map((key) => ({ key, label: key }))} />
      <Differences
        title="Parameters that differ"
        runs={runs}
        of={({ params }) => Object.fromEntries(params.map(({ key: name, value }) => [name, value]))}
      />
      <Differences title="Manifests, where they differ" runs={runs} of={({ run }) => flat(byType(run.manifest))} />
      <Differences
        title="Metrics"
        runs={runs}
        of={({ metrics }) => Object.fromEntries(metrics.map(({ name, value }) => [name, figure(value)]))}
      />
    </>
  );
}

function Differences({
  title,
  runs,
  of,
}: {
  title: string;
  runs: readonly RunDocument[];
  of: (run: RunDocument) => Record<string, string>;
}): ReactNode {
  const columns = runs.map(of);
  const names = [...new Set(columns.flatMap((column) => Object.keys(column)))].filter(
    (name) => new Set(columns.map((column) => column[name])).size > 1,
  );
  return (
    <section>
      <h2>{title}</h2>
      <Table
        head={['', ...runs.map(({ run }) => `${run.name} ${run.id.slice(0, 8)}`)]}
        rows={names.map((name) => [name, ...columns.map((column) => column[name] ?? '')])}
      />
    </section>
  );
}

/** A manifest whose regularizers go by their types: one that only one run has would else move all that follow. */
function byType(manifest: unknown): unknown {
  const { regularizers } = (manifest ?? {}) as { regularizers?: readonly { readonly type: string }[] };
  if (!Array.isArray(regularizers)) return manifest;
  const named = regularizers.map(({ type, ...entry }, i) => {
    const place = regularizers.slice(0, i).filter((other) => other.type === type).length;
    return [place === 0 ? type : `${type} ${place + 1}`, entry] as const;
  });
  return { ...(manifest as object), regularizers: Object.fromEntries(named) };
}

/** A document as paths and their values. */
function flat(value: unknown, path = ''): Record<string, string> {
  if (typeof value !== 'object' || value === null) return { [path]: String(value) };
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, inner]) => flat(inner, path === '' ? key : `${path}.${key}`)),
  );
}
