import type { ReactNode } from 'react';
import { figure } from '../format.js';
import { Scrolled } from './scrolled.js';

const HEIGHT = 220;
const GAP = 120;

/** Runs as lines over axes of their numbers: which values go with which. */
export function Parallel({
  runs,
  axes,
}: {
  runs: readonly { readonly name: string; readonly values: Readonly<Record<string, number>> }[];
  axes: readonly string[];
}): ReactNode {
  if (axes.length < 2 || runs.length < 2) return null;
  const ranges = axes.map((axis) => {
    const values = runs.flatMap((run) => (axis in run.values ? [run.values[axis]] : []));
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const y = (value: number, i: number): number => {
    const [low, high] = ranges[i];
    return HEIGHT - 20 - ((value - low) / (high - low || 1)) * (HEIGHT - 60);
  };
  const width = (axes.length - 1) * GAP + 120;
  return (
    <Scrolled label="Parallel coordinates">
      <svg width={width} height={HEIGHT} role="img" aria-label={`${runs.length} runs over ${axes.join(', ')}`}>
        {axes.map((axis, i) => (
          <g key={axis} transform={`translate(${60 + i * GAP} 0)`}>
            <line y1="38" y2={HEIGHT - 18} className="axis" />
            <text textAnchor="middle" y="12">
              {axis.length > 18 ? `${axis.slice(0, 17)}…` : axis}
            </text>
            <text textAnchor="middle" y="30">
              {figure(ranges[i][1])}
            </text>
            <text textAnchor="middle" y={HEIGHT - 4}>
              {figure(ranges[i][0])}
            </text>
          </g>
        ))}
        {runs.map(({ name, values }, at) => (
          <polyline
            key={name}
            fill="none"
            stroke={`var(--line-${(at % 4) + 1})`}
            strokeWidth="2"
            points={axes
              .flatMap((axis, i) => (axis in values ? [`${60 + i * GAP},${y(values[axis], i).toFixed(1)}`] : []))
              .join(' ')}
          >
            <title>{name}</title>
          </polyline>
        ))}
      </svg>
    </Scrolled>
  );
}
