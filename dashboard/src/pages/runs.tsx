import { type ReactNode, useCallback, useMemo, useRef, useState } from 'react';
import { ask, useAnswer } from '../api.js';
import type { Experiment } from '../app.js';
import { figure, time } from '../format.js';
import { type Column, VirtualTable } from '../parts/virtual-table.js';
import { linkTo, replacePlace } from '../router.js';

interface Row {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly role?: string;
  readonly startedAt: string;
  readonly regularizerId?: string;
  readonly values: Readonly<Record<string, unknown>>;
}

const PAGE = 100;
/** Columns of metrics that are shown unless others are chosen. */
const USUAL = 4;

export function RunsPage({ experiment, query }: { experiment: string | undefined; query: URLSearchParams }): ReactNode {
  const { data, error } = useAnswer<{ experiments: Experiment[] }>('/experiments');
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const id =
    experiment ?? String(data.experiments.find(({ id: each }) => each !== 0)?.id ?? data.experiments[0]?.id ?? '');
  if (id === '') return <p>No experiments yet. Next: ballast train SPEC</p>;
  const name = data.experiments.find((each) => String(each.id) === id)?.name ?? id;
  return (
    <>
      <div className="row">
        <h1>{name}</h1>
        <label>
          Experiment{' '}
          <select value={id} onChange={(event) => location.assign(linkTo(['experiments', event.target.value]))}>
            {data.experiments.map((each) => (
              <option key={each.id} value={each.id}>
                {each.name}
              </option>
            ))}
          </select>
        </label>
        <a href={linkTo(['sweeps'], { experiment: id })}>Sweeps</a>
      </div>
      <Runs key={id} id={id} query={query} />
    </>
  );
}

function Runs({ id, query }: { id: string; query: URLSearchParams }): ReactNode {
  const filter = query.get('filter') ?? '';
  const order = query.get('order') ?? '';
  const chosen = query.get('columns');
  const names = useAnswer<{ metrics: string[]; params: string[] }>(`/experiments/${id}/columns`).data;
  const all = useMemo(
    () => [
      ...(names?.metrics ?? []).map((name) => `metrics.${name}`),
      ...(names?.params ?? []).map((name) => `params.${name}`),
    ],
    [names],
  );
  const columns =
    chosen === null
      ? all.filter((name) => name.startsWith('metrics.')).slice(0, USUAL)
      : chosen.split('\n').filter(Boolean);
  const [text, setText] = useState(filter);
  const [marked, setMarked] = useState<readonly string[]>([]);
  const go = (change: Record<string, string>): void =>
    replacePlace(linkTo(['experiments', id], { filter, order, columns: chosen ?? '', ...change }));
  const asked = new URLSearchParams({
    filter,
    columns: columns.join('\n'),
    ...(order === '' ? {} : { order }),
  }).toString();
  const { total, rowAt, onRange, error } = usePages(`/experiments/${id}/runs?${asked}`);
  const [key = '', direction] = splitOrder(order);

  const mark = (run: string): void =>
    setMarked(marked.includes(run) ? marked.filter((each) => each !== run) : [...marked, run]);
  const table: Column<Row>[] = [
    {
      ...{ key: 'mark', label: '', width: 36, sortable: false },
      cell: (row) => (
        <input
          type="checkbox"
          aria-label={`Compare ${row.name}`}
          checked={marked.includes(row.id)}
          onChange={() => mark(row.id)}
        />
      ),
    },
    {
      ...{ key: 'run_name', label: 'name', width: 170, sortable: true },
      cell: (row) => <a href={linkTo(['experiments', id, 'runs', row.id])}>{row.name}</a>,
    },
    { key: 'status', label: 'status', width: 96, sortable: true, cell: (row) => row.status },
    { key: 'start_time', label: 'started', width: 140, sortable: true, cell: (row) => time(row.startedAt) },
    {
      key: 'regularizer_id',
      label: 'regularizers',
      width: 170,
      sortable: true,
      cell: (row) => row.regularizerId ?? '',
    },
    ...columns.map((name): Column<Row> => {
      return {
        ...{
          key: quoted(name),
          label: name.replace(/^(metrics|params)\./, ''),
          width: 130,
          sortable: true,
          numeric: true,
        },
        cell: (row) => figure(row.values[name]),
      };
    }),
  ];

  return (
    <>
      <search>
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault();
            go({ filter: text });
          }}
        >
          <label className="grow">
            Filter{' '}
            <input
              type="search"
              value={text}
              placeholder="metrics.accuracy > 0.9 and params.optimizer = 'adam'"
              onChange={(event) => setText(event.target.value)}
            />
          </label>
          <button type="submit">Search</button>
          <a
            className={marked.length < 2 ? 'button off' : 'button'}
            aria-disabled={marked.length < 2}
            href={marked.length < 2 ? undefined : linkTo(['compare'], { runs: marked.join(',') })}
          >
            Compare {marked.length > 0 ? marked.length : ''}
          </a>
          <details>
            <summary>
              Columns ({columns.length} of {all.length})
            </summary>
            <Columns all={all} chosen={columns} onChange={(next) => go({ columns: next.join('\n') || '\n' })} />
          </details>
        </form>
      </search>
      <p role={error === '' ? 'status' : 'alert'}>
        {error === '' ? (total === undefined ? '…' : `${total} runs`) : error}
      </p>
      <VirtualTable
        label="Runs"
        columns={table}
        total={total ?? 0}
        rowAt={rowAt}
        onRange={onRange}
        order={key === '' ? undefined : { key, ascending: direction !== 'DESC' }}
        onOrder={(next) => go({ order: `${next} ${key === next && direction === 'DESC' ? 'ASC' : 'DESC'}` })}
      />
    </>
  );
}

function Columns({
  all,
  chosen,
  onChange,
}: {
  all: readonly string[];
  chosen: readonly string[];
  onChange: (next: string[]) => void;
}): ReactNode {
  const [find, setFind] = useState('');
  const shown = all.filter((name) => name.toLowerCase().includes(find.toLowerCase())).slice(0, 100);
  return (
    <div className="menu">
      <label>
        Find <input value={find} onChange={(event) => setFind(event.target.value)} />
      </label>
      {shown.map((name) => (
        <label key={name}>
          <input
            type="checkbox"
            checked={chosen.includes(name)}
            onChange={() =>
              onChange(chosen.includes(name) ? chosen.filter((each) => each !== name) : [...chosen, name])
            }
          />{' '}
          {name}
        </label>
      ))}
      {all.length > shown.length && <p className="quiet">{all.length - shown.length} more: narrow the search</p>}
    </div>
  );
}

/** Pages of a list on the server, fetched as they come into sight. */
function usePages(path: string) {
  const [state, setState] = useState<{ path: string; total?: number; rows: ReadonlyMap<number, Row>; error: string }>({
    path,
    rows: new Map(),
    error: '',
  });
  const asked = useRef(new Set<string>());
  const current = state.path === path ? state : { path, rows: new Map<number, Row>(), error: '' };
  const onRange = useCallback(
    (first: number, last: number): void => {
      for (let page = Math.floor(first / PAGE); page <= Math.floor(Math.max(first, last - 1) / PAGE); page++) {
        const url = `${path}&offset=${page * PAGE}&limit=${PAGE}`;
        if (asked.current.has(url)) continue;
        asked.current.add(url);
        ask<{ total: number; runs: Row[] }>(url).then(
          ({ total, runs }) =>
            setState((before) => {
              const rows = new Map(before.path === path ? before.rows : []);
              for (const [i, run] of runs.entries()) rows.set(page * PAGE + i, run);
              return { path, total, rows, error: '' };
            }),
          (failure: Error) => {
            asked.current.delete(url);
            setState({ path, total: 0, rows: new Map(), error: failure.message });
          },
        );
      }
    },
    [path],
  );
  const { rows } = current;
  return {
    total: 'total' in current ? current.total : undefined,
    error: current.error,
    onRange,
    rowAt: (index: number) => rows.get(index),
  };
}

/** ``metrics.`val loss` ``: names as the filter language reads them. */
function quoted(name: string): string {
  const dot = name.indexOf('.');
  return `${name.slice(0, dot)}.\`${name.slice(dot + 1).replaceAll('`', '``')}\``;
}

function splitOrder(order: string): [key: string, direction: string] {
  const at = order.lastIndexOf(' ');
  return at < 0 ? [order, 'ASC'] : [order.slice(0, at), order.slice(at + 1)];
}
