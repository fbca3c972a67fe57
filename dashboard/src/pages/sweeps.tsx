import type { ReactNode } from 'react';
import { useAnswer } from '../api.js';
import { duration, figure, time } from '../format.js';
import { linkTo } from '../router.js';

/** A sweep as lists and its own page tell it. */
export interface SweepSummary {
  readonly sweepId: string;
  readonly name: string;
  readonly experimentId: number | null;
  readonly state: 'running' | 'interrupted' | 'finished' | 'stopped';
  readonly wanted: number;
  readonly objectives: readonly { readonly name: string; readonly direction: 'higher' | 'lower' }[];
  readonly seconds: number;
  readonly metric: number | null;
  readonly corrected: number | null;
  readonly createdAt: string;
  readonly trials: Readonly<Partial<Record<'queued' | 'running' | 'complete' | 'pruned' | 'failed', number>>>;
}

const LIVE_MS = 5000;

/** How many of a sweep's trials are over. */
export const doneOf = ({ trials }: Pick<SweepSummary, 'trials'>): number =>
  (trials.complete ?? 0) + (trials.pruned ?? 0) + (trials.failed ?? 0);

/** All sweeps, or those of one experiment, newest first. */
export function SweepsPage({ experiment }: { experiment: string | undefined }): ReactNode {
  const of = experiment === undefined ? '' : `?experiment=${encodeURIComponent(experiment)}`;
  const { data, error } = useAnswer<{ sweeps: SweepSummary[] }>(`/sweeps${of}`, LIVE_MS);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  return (
    <>
      {experiment !== undefined && (
        <p>
          <a href={linkTo(['experiments', experiment])}>Runs of this experiment</a>,{' '}
          <a href={linkTo(['sweeps'])}>all sweeps</a>
        </p>
      )}
      <h1>Sweeps</h1>
      {data.sweeps.length === 0 && <p>There was no sweep yet. Next: ballast sweep SPEC --trials 40</p>}
      <ul className="cards">
        {data.sweeps.map((sweep) => (
          <li key={sweep.sweepId}>
            <a href={linkTo(['sweeps', sweep.sweepId])}>
              {sweep.name} {sweep.sweepId.slice(0, 8)}
            </a>
            <p>
              {sweep.state}, {doneOf(sweep)} of {sweep.wanted} trials in {duration(sweep.seconds)}
            </p>
            <p>
              {sweep.objectives.map(({ name }) => name).join(', ')}
              {sweep.metric !== null && `: ${figure(sweep.metric)}`}
              {sweep.corrected !== null && `, corrected ${figure(sweep.corrected)}`}
            </p>
            <p className="quiet">{time(sweep.createdAt)}</p>
          </li>
        ))}
      </ul>
    </>
  );
}
