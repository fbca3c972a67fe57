import { type ReactNode, useState } from 'react';
import { useAnswer } from '../api.js';
import { percent, time } from '../format.js';
import { Commands } from '../parts/rollout-command.js';
import { Course, type Decision, type Look } from '../parts/rollout-course.js';
import { linkTo } from '../router.js';
import { Table } from './run.js';

interface Rollout {
  readonly rolloutId: string;
  readonly model: string;
  readonly baseline: string;
  readonly candidate: string;
  readonly mode: 'canary' | 'ab';
  readonly state: string;
  readonly pausedBy?: string;
  readonly step: number;
  readonly steps: readonly { readonly weight: number; readonly watchedMs: number; readonly watch: string }[];
  readonly weights: Readonly<Record<string, number>>;
  readonly shadow: readonly string[];
  readonly slis: readonly {
    readonly name: string;
    readonly baseline: number | null;
    readonly candidate: number | null;
    readonly delta: number | null;
    readonly interval: readonly [number, number];
    readonly allowed: number;
    readonly samples: { readonly baseline: number; readonly candidate: number };
    readonly alpha: number;
    readonly verdict: 'regressed' | 'within' | 'undecided' | 'no-data';
  }[];
  readonly alpha: number;
  readonly alphaSpent: number;
  readonly looks: number;
  readonly decision: Decision | null;
  readonly startedAt: string;
  readonly closedAt?: string;
}

interface Shown extends Rollout {
  readonly decisions: readonly Decision[];
  readonly course: readonly Look[];
}

const LIVE_MS = 5000;

const VERDICTS: Readonly<Record<Rollout['slis'][number]['verdict'], string>> = {
  regressed: '✗ worse than allowed',
  within: '✓ within',
  undecided: '… not decided',
  'no-data': '– no data',
};

/** All rollouts, of all models or of one, and how many succeeded. */
export function RolloutsPage({ model }: { model: string | undefined }): ReactNode {
  const of = model === undefined ? '' : `?model=${encodeURIComponent(model)}`;
  const { data, error } = useAnswer<{
    rollouts: Rollout[];
    success: { succeeded: number; failed: number; aborted: number; rate: number | null };
  }>(`/rollouts${of}`, LIVE_MS);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const { succeeded, failed, aborted, rate } = data.success;
  return (
    <>
      <h1>{model === undefined ? 'Rollouts' : `Rollouts of ${model}`}</h1>
      {data.rollouts.length === 0 && (
        <p>There was no rollout yet. Next: ballast rollout start {model ?? 'MODEL'} --candidate VERSION</p>
      )}
      {rate !== null && (
        <p>
          {succeeded} of {succeeded + failed} succeeded ({percent(rate)}), {aborted} were aborted
        </p>
      )}
      <ul className="cards">
        {data.rollouts.map((rollout) => (
          <li key={rollout.rolloutId}>
            <a href={linkTo(['rollouts', rollout.rolloutId])}>{titleOf(rollout)}</a>
            <p>
              {rollout.state}, step {rollout.step} of {rollout.steps.length}
            </p>
            <p className="quiet">
              {time(rollout.startedAt)}, {rollout.rolloutId}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

/** One rollout: where it stands, on what evidence, how it came there; and what can be asked of it. */
export function RolloutPage({ id }: { id: string }): ReactNode {
  const [changes, setChanges] = useState(0);
  const { data, error } = useAnswer<Shown>(`/rollouts/${encodeURIComponent(id)}?${changes}`, LIVE_MS);
  if (error !== undefined) return <p role="alert">{error.message}</p>;
  if (data === undefined) return <p className="quiet">…</p>;
  const { model, state, pausedBy, step, steps, weights, shadow, slis, decision, decisions, course } = data;
  const facts = {
    state: pausedBy === undefined ? state : `${state} by ${pausedBy === 'budget' ? 'the error budget' : 'an operator'}`,
    step: `${step} of ${steps.length}: ${steps.map(({ weight }) => (weight === 0 ? 'shadow' : percent(weight))).join(' → ')}`,
    watched: `${Math.round((steps[step - 1]?.watchedMs ?? 0) / 1000)} s of ${steps[step - 1]?.watch ?? ''}`,
    traffic: [
      ...Object.entries(weights).map(([version, weight]) => `version ${version} ${percent(weight)}`),
      ...shadow.map((version) => `version ${version} in shadow`),
    ].join(', '),
    'alpha spent': `${percent(data.alphaSpent)} of ${percent(data.alpha)}: the probability of a false roll-back`,
    looks: String(data.looks),
    started: time(data.startedAt),
    closed: data.closedAt === undefined ? '' : time(data.closedAt),
  };
  return (
    <>
      <p>
        <a href={linkTo(['rollouts'])}>Rollouts</a>, <a href={linkTo(['models', model])}>{model}</a>,{' '}
        <a href={linkTo(['on-call', model])}>on call</a>
      </p>
      <h1>{titleOf(data)}</h1>
      {decision !== null && (
        <p>
          {decision.kind}, by {decision.by}: {decision.reason}
        </p>
      )}
      {data.closedAt === undefined && (
        <Commands id={id} title={titleOf(data)} state={state} onDone={() => setChanges(changes + 1)} />
      )}
      <dl>
        {Object.entries(facts)
          .filter(([, value]) => value !== '')
          .map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      <h2>SLIs in this step</h2>
      {slis.length === 0 && <p>Nothing was compared yet.</p>}
      {slis.length > 0 && (
        <Table
          head={['SLI', 'baseline', 'candidate', 'difference', 'interval', 'allowed', 'samples', 'alpha', '']}
          rows={slis.map((sli) => [
            sli.name,
            percent(sli.baseline),
            percent(sli.candidate),
            percent(sli.delta),
            sli.verdict === 'no-data' ? '–' : `${percent(sli.interval[0])} to ${percent(sli.interval[1])}`,
            percent(sli.allowed),
            String(sli.samples.candidate),
            percent(sli.alpha),
            VERDICTS[sli.verdict],
          ])}
        />
      )}
      <h2>How it went</h2>
      {course.length === 0 && <p>No look was taken yet: ballast serve takes them.</p>}
      <Course course={course} decisions={decisions} weights={steps.map(({ weight }) => weight)} />
      <h2>Decisions</h2>
      <Table
        head={['when', 'decision', 'step', 'by', 'why']}
        rows={decisions.map(({ at, kind, step: number, by, reason }) => [
          time(new Date(at).toISOString()),
          kind,
          String(number + 1),
          by,
          reason,
        ])}
      />
    </>
  );
}

function titleOf({ model, baseline, candidate }: Rollout): string {
  return `${model}: version ${candidate} beside ${baseline}`;
}
