import type { ReactNode } from 'react';
import { hourText } from '../format.js';
import { type Band, Chart, type Line } from './chart.js';

/** One look at the evidence, as the server keeps it. */
export interface Look {
  readonly at: number;
  readonly step: number;
  readonly slis: readonly {
    readonly name: string;
    readonly part?: string;
    readonly delta: number | null;
    readonly interval: readonly [number, number];
    readonly allowed: number;
    readonly logEvidence: number;
    readonly logThreshold: number;
  }[];
}

export interface Decision {
  readonly number: number;
  readonly at: number;
  readonly kind: string;
  readonly step: number;
  readonly reason: string;
  readonly by: string;
}

interface CourseProps {
  readonly course: readonly Look[];
  readonly decisions: readonly Decision[];
  /** Of each step. */
  readonly weights: readonly number[];
}

/** How a rollout went: the weight, the evidence of each SLI beside what would roll back, and its confidence sequence. */
export function Course({ course, decisions, weights }: CourseProps): ReactNode {
  const names = [...new Set(course.flatMap(({ slis }) => slis.map(({ name }) => name)))];
  const all = names.map((name) => ({ name, looks: looksOf(course, name) })).filter(({ looks }) => looks.length > 0);
  return (
    <div className="charts">
      <Chart title="Weight of the candidate" place={hourText} lines={[weightLine(course, decisions, weights)]} />
      <Chart
        title="Evidence against it, as a share of what rolls back"
        place={hourText}
        lines={all.map(({ name, looks }) =>
          lineOf(name, looks, ({ logEvidence, logThreshold }) => Math.max(0, logEvidence / logThreshold)),
        )}
      />
      {all.map(({ name, looks }) => (
        <Chart
          key={name}
          title={titleOf(name, looks)}
          place={hourText}
          lines={[
            lineOf('difference', looks, ({ delta }) => delta ?? 'none'),
            lineOf('allowed', looks, ({ allowed }) => allowed),
          ]}
          bands={bandsOf(looks)}
        />
      ))}
    </div>
  );
}

type Seen = Look['slis'][number] & { readonly at: number; readonly step: number };

/** An SLI's looks with any evidence. */
function looksOf(course: readonly Look[], name: string): Seen[] {
  return course.flatMap(({ at, step, slis }) =>
    slis.filter((sli) => sli.name === name && sli.delta !== null).map((sli) => ({ ...sli, at, step })),
  );
}

/** Each step has evidence of its own: its line begins anew. */
function lineOf(name: string, looks: readonly Seen[], of: (look: Seen) => number | 'none'): Line {
  const points = looks.flatMap((look, i) => {
    const point = [look.at, of(look)] as const;
    return i > 0 && looks[i - 1].step !== look.step ? [[look.at, 'none'] as const, point] : [point];
  });
  return { name, points };
}

function bandsOf(looks: readonly Seen[]): Band[] {
  const steps = [...new Set(looks.map(({ step }) => step))];
  return steps.map((each) => ({
    name: 'confidence sequence',
    points: looks.filter(({ step }) => step === each).map(({ at, interval: [low, high] }) => [at, low, high] as const),
  }));
}

function titleOf(name: string, looks: readonly Seen[]): string {
  const part = looks.at(-1)?.part;
  return part === undefined ? name : `${name}, now of ${part}, which is nearest to its limit`;
}

/** Steps in time: what the decisions made of the weight. */
function weightLine(course: readonly Look[], decisions: readonly Decision[], weights: readonly number[]): Line {
  const points: [number, number][] = [];
  const put = (at: number, weight: number): void => {
    const before = points.at(-1);
    if (before !== undefined) points.push([at, before[1]]);
    points.push([at, weight]);
  };
  for (const { at, kind, step } of decisions) {
    if (kind === 'promote') put(at, weights[step + 1] ?? weights[step]);
    else put(at, kind === 'roll-back' || kind === 'abort' ? 0 : weights[step]);
  }
  const [last, end] = [course.at(-1), points.at(-1)];
  if (last !== undefined && end !== undefined && last.at > end[0]) put(last.at, end[1]);
  return { name: 'weight', points };
}
