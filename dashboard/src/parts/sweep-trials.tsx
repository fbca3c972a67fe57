import { type ReactNode, useCallback, useMemo } from 'react';
import { duration, figure, shortName, specValue } from '../format.js';
import type { Sweep } from '../pages/sweep.js';
import { linkTo, replacePlace } from '../router.js';
import { type Column, VirtualTable } from './virtual-table.js';

export interface Trial {
  readonly number: number;
  readonly state: 'queued' | 'running' | 'complete' | 'pruned' | 'failed';
  readonly run?: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly error?: string;
  /** While it is not over. */
  readonly worker?: string | null;
  readonly step?: number | null;
}

const STATES = ['complete', 'pruned', 'failed', 'running', 'queued'] as const;

/** Every trial, sorted and narrowed as the address says. */
export function SweepTrials({ sweep, query }: { sweep: Sweep; query: URLSearchParams }): ReactNode {
  const { list, objectives, parameters, experimentId, sweepId } = sweep;
  const state = query.get('state') ?? '';
  const order = query.get('order') ?? '';
  const go = (change: Record<string, string>): void =>
    replacePlace(linkTo(['sweeps', sweepId], { state, order, ...change }));
  const key = order.replace(/^-/, '');
  const direction = order.startsWith('-') ? -1 : 1;
  const rows = useMemo(() => {
    const shown = list.filter((trial) => state === '' || trial.state === state);
    return key === '' ? shown : shown.sort((a, b) => compare(a, b, key, direction));
  }, [list, state, key, direction]);
  // Everything is here already.
  const onRange = useCallback(() => undefined, []);
  const numeric = { width: 130, sortable: true, numeric: true };
  const columns: Column<Trial>[] = [
    {
      ...{ key: 'number', label: 'trial', width: 90, sortable: true },
      cell: ({ number, run }) =>
        run === undefined || experimentId === null ? (
          number
        ) : (
          <a href={linkTo(['experiments', experimentId, 'runs', run])}>{number}</a>
        ),
    },
    { key: 'state', label: 'state', width: 210, sortable: true, cell: stateText },
    ...objectives.map(({ name }): Column<Trial> => {
      return { ...numeric, key: `figures.${name}`, label: name, cell: ({ figures }) => figure(figures[name]) };
    }),
    ...parameters.map(({ name }): Column<Trial> => {
      const label = shortName(name);
      return { ...numeric, width: 170, key: `values.${name}`, label, cell: ({ values }) => specValue(values[name]) };
    }),
    { ...numeric, key: 'seconds', label: 'time', cell: ({ seconds }) => (seconds === 0 ? '' : duration(seconds)) },
  ];
  return (
    <>
      <p className="row">
        <label>
          State{' '}
          <select value={state} onChange={(event) => go({ state: event.target.value })}>
            <option value="">all</option>
            {STATES.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <span className="quiet">{rows.length} trials</span>
      </p>
      <VirtualTable
        label="Trials"
        columns={columns}
        total={rows.length}
        rowAt={(index) => rows[index]}
        onRange={onRange}
        order={key === '' ? undefined : { key, ascending: direction === 1 }}
        onOrder={(next) => go({ order: key === next && direction === -1 ? next : `-${next}` })}
      />
    </>
  );
}

function stateText({ state, step, worker, error }: Trial): string {
  if (error !== undefined) return `${state}: ${error}`;
  if (state !== 'running') return state;
  return `${state}${step == null ? '' : `, epoch ${step + 1}`}${worker == null ? '' : `, ${worker}`}`;
}

/** Numbers by size, everything else by its text; what a trial does not have comes last. */
function compare(a: Trial, b: Trial, key: string, direction: 1 | -1): number {
  const [left, right] = [entryOf(a, key), entryOf(b, key)];
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  const ordered =
    typeof left === 'number' && typeof right === 'number'
      ? left - right
      : specValue(left).localeCompare(specValue(right));
  return direction * ordered || a.number - b.number;
}

function entryOf(trial: Trial, key: string): unknown {
  if (key.startsWith('figures.')) return trial.figures[key.slice('figures.'.length)];
  if (key.startsWith('values.')) return trial.values[key.slice('values.'.length)];
  return key === 'state' ? trial.state : key === 'seconds' ? trial.seconds : trial.number;
}
