import type { ReactNode } from 'react';
import { figure } from '../format.js';

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [step: number, value: number | string])[];
}

/** What lies between two lines, such as an interval; cut off where it leaves the view of the lines. */
export interface Band {
  readonly name: string;
  readonly points: readonly (readonly [step: number, low: number, high: number])[];
}

const WIDTH = 480;
const HEIGHT = 200;
const LEFT = 48;
const BOTTOM = 22;
const COLOURS = ['var(--line-1)', 'var(--line-2)', 'var(--line-3)', 'var(--line-4)'];

/** Lines over steps. What is no number leaves a gap. */
export function Chart({
  title,
  lines,
  bands = [],
  place = (step, isLast) => (isLast ? `step ${step}` : String(step)),
}: {
  title: string;
  lines: readonly Line[];
  /** Drawn below the lines, with room around these. */
  bands?: readonly Band[];
  /** What stands at the ends of the axis. */
  place?: (step: number, isLast: boolean) => string;
}): ReactNode {
  const finite = lines.flatMap(({ points }) =>
    points.flatMap(([step, value]) => (typeof value === 'number' ? [[step, value] as const] : [])),
  );
  if (finite.length === 0) return null;
  const [least, most] = extent(finite.map(([, value]) => value));
  const room = bands.length === 0 ? 0 : (most - least || Math.abs(most) || 1) * ROOM;
  const [low, high] = [least - room, most + room];
  const [first, last] = extent(finite.map(([step]) => step));
  const x = (step: number): number => LEFT + ((step - first) / (last - first || 1)) * (WIDTH - LEFT - 8);
  const y = (value: number): number => HEIGHT - BOTTOM - ((value - low) / (high - low || 1)) * (HEIGHT - BOTTOM - 10);
  return (
    <figure>
      <figcaption>
        {title}
        {[...new Set(bands.map(({ name }) => name))].map((name) => (
          <span key={name} className="key">
            <svg width="14" height="8" aria-hidden>
              <rect width="14" height="8" className="band" />
            </svg>{' '}
            {name}
          </span>
        ))}
        {lines.length + bands.length > 1 &&
          lines.map(({ name }, i) => (
            <span key={name} className="key">
              <svg width="14" height="8" aria-hidden>
                <line x1="0" x2="14" y1="4" y2="4" stroke={COLOURS[i % 4]} strokeWidth="2" strokeDasharray={dash(i)} />
              </svg>{' '}
              {name}
            </span>
          ))}
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${title}: from ${figure(low)} to ${figure(high)}`}
      >
        {[...new Set([low, (low + high) / 2, high])].map((value) => (
          <g key={value}>
            <line x1={LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} className="grid" />
            <text x={LEFT - 6} y={y(value) + 4} textAnchor="end">
              {figure(Number(value.toPrecision(3)))}
            </text>
          </g>
        ))}
        <text x={LEFT} y={HEIGHT - 4}>
          {place(first, false)}
        </text>
        <text x={WIDTH} y={HEIGHT - 4} textAnchor="end">
          {place(last, true)}
        </text>
        {bands.map(({ name, points }) => (
          <path
            key={`${name} ${points[0]?.[0]}`}
            className="band"
            d={areaOf(points, x, (value) => y(Math.min(high, Math.max(low, value))))}
          />
        ))}
        {lines.map(({ name, points }, i) => (
          <g key={name} fill="none" stroke={COLOURS[i % 4]} strokeWidth="2" strokeDasharray={dash(i)}>
            {points.length === 1 ? (
              <circle cx={x(points[0][0])} cy={y(Number(points[0][1]))} r="3" />
            ) : (
              <path d={pathOf(points, x, y)} />
            )}
          </g>
        ))}
      </svg>
    </figure>
  );
}

/** Of the height of the lines, what is shown of bands on either side. */
const ROOM = 0.5;

function areaOf(points: Band['points'], x: (step: number) => number, y: (value: number) => number): string {
  const along = (side: Band['points'], end: 1 | 2): string[] =>
    side.map((point) => `${x(point[0]).toFixed(1)} ${y(point[end]).toFixed(1)}`);
  return `M${[...along(points, 2), ...along([...points].reverse(), 1)].join('L')}Z`;
}

/** Lines differ in more than their colour. */
const dash = (i: number): string | undefined => (i === 0 ? undefined : `${6 - i} ${2 + i}`);

function pathOf(points: Line['points'], x: (step: number) => number, y: (value: number) => number): string {
  let pen = 'M';
  return points
    .map(([step, value]) => {
      if (typeof value !== 'number') {
        pen = 'M';
        return '';
      }
      const move = `${pen}${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = 'L';
      return move;
    })
    .join('');
}

function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}
