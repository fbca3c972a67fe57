import { type ReactNode, useState } from 'react';
import { ask, useAnswer } from '../api.js';
import { duration, figure, rangeText, shortName, specValue } from '../format.js';
import { Confirm } from '../parts/confirm.js';
import { Drawn } from '../parts/drawn.js';
import { SweepTrials, type Trial } from '../parts/sweep-trials.js';
import { TrialParallel } from '../parts/trial-parallel.js';
import { linkTo } from '../router.js';
import { Table } from './run.js';
import { doneOf, type SweepSummary } from './sweeps.js';

export interface Sweep extends SweepSummary {
  readonly parameters: readonly { readonly name: string; readonly log: boolean }[];
  readonly constraints: readonly { readonly name: string; readonly limit: number }[];
  /** As it was last worked out, which takes the rows: by whoever drives the sweep. */
  readonly best: {
    readonly trial: number;
    readonly run?: string;
    readonly values: Readonly<Record<string, unknown>>;
    readonly objective: string;
    readonly metric: number;
    readonly interval?: readonly [number, number];
    readonly correctedMetric?: { readonly value: number; readonly interval: readonly [number, number] };
    readonly uncorrected?: string;
    readonly insteadOf?: { readonly trial: number; readonly metric: number; readonly because: string };
    readonly tied: number;
  } | null;
  /** With `search.stop: noise`: the last look at whether to go on. */
  readonly stop:
    | { readonly complete: number; readonly left: number; readonly noise: number; readonly enough: boolean }
    | { readonly reason: string }
    | null;
  readonly judged: number;
  readonly front: readonly number[];
  readonly importance: Readonly<Record<string, number>>;
  readonly list: readonly Trial[];
}

interface Plots {
  readonly styles: string;
  readonly course: readonly string[];
  readonly importance: readonly string[];
  readonly responses: readonly string[];
  readonly front: readonly string[];
}

/** Of a sweep at work: from one look to the next, and more of one with many trials. */
const LIVE_MS = 2000;
const LIVE_MS_PER_TRIAL = 5;

/** One sweep, as it is now: what it recommends and what that is worth, what decides, and every trial. */
export function SweepPage({ id, query }: { id: string; query: URLSearchParams }): ReactNode {
  const [changes, setChanges] = useState(0);
  const [live, setLive] = useState<number | undefined>(LIVE_MS);
  const path = `/sweeps/${encodeURIComponent(id)}`;
  const { data, error } = useAnswer<Sweep>(`${path}?${changes}`, live);
  const wanted = data?.state === 'running' ? Math.max(LIVE_MS, LIVE_MS_PER_TRIAL * data.wanted) : undefined;
  // A change makes one more look, so that what was recorded last is seen.
  if (data !== undefined && live !== wanted) setLive(wanted);
  const plots = useAnswer<Plots>(
    data === undefined ? undefined : `${path}/plots?${data.trials.complete}-${data.judged}`,
  ).data;
  if (error !== undefined && data === undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const title = `${data.name}, sweep ${data.sweepId.slice(0, 8)}`;
  return (
    <>
      <p>
        <a href={linkTo(['sweeps'])}>Sweeps</a>
        {data.experimentId !== null && (
          <>
            , <a href={linkTo(['experiments', data.experimentId])}>runs of this experiment</a>
          </>
        )}
      </p>
      <h1>{title}</h1>
      <p role="status">
        {data.state}: {doneOf(data)} of {data.wanted} trials in {duration(data.seconds)} ({data.trials.complete ?? 0}{' '}
        complete, {data.trials.pruned ?? 0} pruned, {data.trials.failed ?? 0} failed)
      </p>
      <Control sweep={data} title={title} onDone={() => setChanges(changes + 1)} />
      <Recommended sweep={data} />
      <Noise sweep={data} />
      {plots !== undefined && (
        <>
          <style>{plots.styles}</style>
          <h2>How it went</h2>
          {plots.course.length === 0 && <p>No trial is complete yet.</p>}
          <Drawn plots={[...plots.course, ...plots.importance]} wide />
          {plots.responses.length > 0 && <h2>How {data.objectives[0].name} answers to each parameter</h2>}
          <Drawn plots={plots.responses} />
          {plots.front.length > 0 && <h2>The front between objectives</h2>}
          <Drawn plots={plots.front} />
        </>
      )}
      <Front sweep={data} />
      <TrialParallel sweep={data} />
      <h2>Trials</h2>
      <SweepTrials sweep={data} query={query} />
    </>
  );
}

/** What can be asked of a sweep from here, and what takes the machine that has its data. */
function Control({ sweep, title, onDone }: { sweep: Sweep; title: string; onDone: () => void }): ReactNode {
  const [asked, setAsked] = useState(false);
  const { state, sweepId, wanted } = sweep;
  const resume = `ballast sweeps resume ${sweepId.slice(0, 8)}`;
  return (
    <>
      {state !== 'running' && (
        <p>
          {state === 'finished' ? 'More trials' : 'Go on, where its data is'}:{' '}
          <code>{state === 'finished' ? `${resume} --trials ${2 * wanted}` : resume}</code>
        </p>
      )}
      {(state === 'running' || state === 'interrupted') && (
        <p>
          <button type="button" onClick={() => setAsked(true)}>
            Stop…
          </button>
        </p>
      )}
      {asked && (
        <Confirm
          title={`Stop ${title}?`}
          button="Stop"
          send={(form) =>
            ask(`/sweeps/${sweepId}/stop`, {
              method: 'POST',
              body: JSON.stringify({ reason: String(form.get('reason')) }),
            })
          }
          onCancel={() => setAsked(false)}
          onDone={() => {
            setAsked(false);
            onDone();
          }}
        >
          <p>
            Trials at work keep a checkpoint, and the sweep can go on from it: <code>{resume}</code>
          </p>
        </Confirm>
      )}
    </>
  );
}

function Recommended({ sweep }: { sweep: Sweep }): ReactNode {
  const { best, experimentId, importance, judged, state } = sweep;
  const matters = Object.values(importance).some((share) => share > 0);
  const complete = sweep.trials.complete ?? 0;
  if (best === null) {
    return (
      <section>
        <h2>Best so far</h2>
        <p>{complete === 0 ? 'No trial is complete yet.' : 'Being worked out.'}</p>
      </section>
    );
  }
  const { trial, run, objective, metric, interval, correctedMetric, insteadOf, tied, values } = best;
  return (
    <section>
      <h2>{state === 'finished' ? 'What it recommends' : 'Best so far'}</h2>
      <Table
        head={['what', 'value', '95% interval']}
        rows={[
          [`${objective} on the rows it was chosen on`, figure(metric), rangeText(interval)],
          [
            `corrected for the luck of the best of ${judged}`,
            correctedMetric === undefined ? '–' : figure(correctedMetric.value),
            rangeText(correctedMetric?.interval),
          ],
        ]}
      />
      {best.uncorrected !== undefined && <p>Not corrected: {best.uncorrected}.</p>}
      {insteadOf !== undefined && (
        <p>
          Simpler than trial {insteadOf.trial} ({figure(insteadOf.metric)}), from which it cannot be told:{' '}
          {insteadOf.because}.
        </p>
      )}
      {insteadOf === undefined && tied > 0 && (
        <p>
          {tied} other {tied === 1 ? 'trial' : 'trials'} cannot be told from it on these rows.
        </p>
      )}
      {complete > judged && <p className="quiet">{complete - judged} trials were completed since.</p>}
      <p>
        Trial {trial}
        {run !== undefined && experimentId !== null && (
          <>
            : <a href={linkTo(['experiments', experimentId, 'runs', run])}>its run</a>
          </>
        )}
      </p>
      <Table
        head={['parameter', 'value', 'importance']}
        rows={Object.entries(values).map(([name, value]) => [
          name,
          specValue(value),
          matters && name in importance ? `${(100 * importance[name]).toFixed(0)} %` : '',
        ])}
      />
      {!matters && Object.keys(importance).length > 0 && (
        <p className="quiet">Nothing that varied is seen to matter: the trials cannot be told from each other.</p>
      )}
    </section>
  );
}

/** Whether more trials would choose among more than chances. */
function Noise({ sweep: { stop } }: { sweep: Sweep }): ReactNode {
  if (stop === null) return null;
  if ('reason' in stop) return <p>There is no telling what is left to gain: {stop.reason}.</p>;
  const { complete, left, noise, enough } = stop;
  return (
    <p>
      After {complete} complete trials another could gain {figure(left)} at most; the standard error of the best is{' '}
      {figure(noise)}
      {enough ? ': more trials would choose among chances.' : '.'}
    </p>
  );
}

/** The trials of the front in words: what a picture of two objectives at a time does not tell. */
function Front({ sweep }: { sweep: Sweep }): ReactNode {
  const { front, objectives, parameters, list } = sweep;
  if (front.length === 0) return null;
  const rows = front.flatMap((number) => list.filter((trial) => trial.number === number));
  return (
    <Table
      head={['on the front', ...objectives.map(({ name }) => name), ...parameters.map(({ name }) => shortName(name))]}
      rows={rows.map(({ number, figures, values }) => [
        `trial ${number}`,
        ...objectives.map(({ name }) => figure(figures[name])),
        ...parameters.map(({ name }) => specValue(values[name])),
      ])}
    />
  );
}
