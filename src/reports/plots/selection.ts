import { barChart, intervalPlot, lineChart } from '../../charts/index.js';
import type { PathReportInput } from '../path-report-input.js';

type Input = Pick<PathReportInput, 'chosen' | 'features' | 'intervals'>;

/** Columns that are drawn: those most often selected, or of the largest statistics. */
const DRAWN = 40;
const SIZE = { width: 560, height: 360 };

/** How often each column is among the first to enter, by how many may. */
export function stabilityPlot({ chosen, features }: Input, standalone: boolean): string | undefined {
  const { stability } = chosen;
  if (stability === undefined) return undefined;
  const { frequencies, paths, threshold, pairs, selected } = stability;
  const drawn = [...paths.keys()].sort((a, b) => frequencies[b] - frequencies[a]).slice(0, DRAWN);
  return lineChart({
    title: 'Stability path',
    subtitle: `${2 * pairs} halves of the rows; ${selected.length} columns reach the threshold`,
    series: drawn.map((column) => ({
      name: features[column],
      dash: selected.includes(column) ? ('solid' as const) : ('dashed' as const),
      points: Array.from(paths.get(column) ?? [], (y, k) => ({ x: k + 1, y })),
    })),
    x: { label: 'columns that each half selects' },
    y: { label: 'share of halves that select it' },
    reference: { y: threshold, label: 'threshold' },
    names: drawn.length <= 12 ? 'direct' : 'legend',
    standalone,
    ...SIZE,
  });
}

/** How much earlier than its copy each column enters the path. */
export function knockoffPlot({ chosen, features }: Input, standalone: boolean): string | undefined {
  const { knockoffs } = chosen;
  if (knockoffs === undefined) return undefined;
  const { statistics, threshold } = knockoffs;
  const drawn = Array.from(statistics.keys())
    .filter((column) => statistics[column] !== 0)
    .sort((a, b) => Math.abs(statistics[b]) - Math.abs(statistics[a]))
    .slice(0, DRAWN);
  return barChart({
    title: 'Columns against their knockoffs',
    subtitle: Number.isFinite(threshold)
      ? `selected from ${Number(threshold.toPrecision(4))} on`
      : 'no threshold holds the false discovery rate: none is selected',
    categories: drawn.map((column) => features[column]),
    series: [{ name: 'statistic', values: drawn.map((column) => statistics[column]) }],
    x: { label: 'lambda of the earlier to enter; below 0 where that is the knockoff' },
    standalone,
    width: SIZE.width,
  });
}

/** De-biased coefficients, those that are least likely 0 first. */
export function intervalsPlot({ intervals }: Input, standalone: boolean): string | undefined {
  if (intervals === undefined) return undefined;
  const { level, coefficients } = intervals;
  const drawn = [...coefficients].sort((a, b) => size(b) - size(a)).slice(0, DRAWN);
  return intervalPlot({
    title: 'De-biased coefficients',
    subtitle: `in standard errors, with ${100 * level}% intervals`,
    rows: drawn.map(({ name }) => name),
    series: [
      {
        name: 'coefficient',
        figures: drawn.map(({ value, interval: [low, high], standardError }) => ({
          value: value / standardError,
          interval: [low / standardError, high / standardError],
        })),
      },
    ],
    reference: 0,
    x: { label: 'coefficient over its standard error' },
    standalone,
    width: SIZE.width,
  });
}

const size = ({ value, standardError }: { value: number; standardError: number }): number =>
  Math.abs(value) / standardError;
