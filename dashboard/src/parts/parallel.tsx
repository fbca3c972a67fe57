import type { ReactNode } from 'react';
import { figure } from '../format.js';
import { Scrolled } from './scrolled.js';

const HEIGHT = 220;
const GAP = 120;

export interface ParallelAxis {
  readonly key: string;
  readonly label: string;
  /** Only of values above 0. */
  readonly log?: boolean;
  /** What whole numbers from 0 stand for. */
  readonly names?: readonly string[];
}

export interface ParallelLine {
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
  /** Whether it is drawn above the others; where it is not said of any, all have colours of their own. */
  readonly strong?: boolean;
}

/** Runs as lines over axes of their numbers: which values go with which. */
export function Parallel({ runs, axes }: { runs: readonly ParallelLine[]; axes: readonly ParallelAxis[] }): ReactNode {
  if (axes.length < 2 || runs.length < 2) return null;
  const scales = axes.map((axis) => scaleOf(axis, runs));
  const width = (axes.length - 1) * GAP + 120;
  const grouped = runs.some(({ strong }) => strong === true);
  return (
    <Scrolled label="Parallel coordinates">
      <svg
        width={width}
        height={HEIGHT}
        role="img"
        aria-label={`${runs.length} runs over ${axes.map(({ label }) => label).join(', ')}`}
      >
        {axes.map(({ key, label }, i) => (
          <g key={key} transform={`translate(${60 + i * GAP} 0)`}>
            <line y1="38" y2={HEIGHT - 18} className="axis" />
            <text textAnchor="middle" y="12">
              {short(label)}
              <title>{label}</title>
            </text>
            <text textAnchor="middle" y="30">
              {short(scales[i].high)}
            </text>
            <text textAnchor="middle" y={HEIGHT - 4}>
              {short(scales[i].low)}
            </text>
          </g>
        ))}
        {[...runs]
          .sort((a, b) => Number(a.strong ?? false) - Number(b.strong ?? false))
          .map(({ name, values, strong }, at) => (
            <polyline
              key={name}
              fill="none"
              stroke={`var(--line-${grouped ? (strong === true ? 2 : 1) : (at % 4) + 1})`}
              strokeWidth={grouped && strong !== true ? 1 : 2}
              opacity={grouped && strong !== true ? 0.3 : 1}
              points={axes
                .flatMap(({ key }, i) =>
                  key in values ? [`${60 + i * GAP},${scales[i].y(values[key]).toFixed(1)}`] : [],
                )
                .join(' ')}
            >
              <title>{name}</title>
            </polyline>
          ))}
      </svg>
    </Scrolled>
  );
}

const short = (text: string): string => (text.length > 16 ? `${text.slice(0, 15)}…` : text);

function scaleOf({ key, log = false, names }: ParallelAxis, runs: readonly ParallelLine[]) {
  const at = (value: number): number => (log ? Math.log(Math.max(value, Number.MIN_VALUE)) : value);
  const values = runs.flatMap((run) => (key in run.values ? [run.values[key]] : []));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const text = (value: number): string => names?.[value] ?? figure(value);
  return {
    low: text(low),
    high: text(high),
    y: (value: number): number => HEIGHT - 20 - ((at(value) - at(low)) / (at(high) - at(low) || 1)) * (HEIGHT - 60),
  };
}
