import { quantileSorted } from 'd3-array';
import { area as areaShape, line as lineShape } from 'd3-shape';
import { axes, plotArea } from './axes.js';
import { sample } from './downsample.js';
import { type ChartOptions, chartSize, emptyChart, frame, header } from './frame.js';
import { coordinate, element, type Markup } from './markup.js';
import { formatNumber } from './number-format.js';
import { type AxisOptions, type ValueScale, valueScale } from './scale.js';
import type { Tone } from './theme.js';

export interface ScatterPoint {
  x: number;
  y: number;
}

export interface ScatterOptions extends ChartOptions {
  points: readonly ScatterPoint[];
  x?: AxisOptions;
  y?: AxisOptions;
  tone?: Tone;
  /** A horizontal line, such as zero for residuals. */
  reference?: number;
  /** Draw the median and the middle half of y along x, in ten groups of equal size. */
  trend?: boolean;
  /** At most this many points are drawn: a sample, always the same, with the extremes. Default 1,500. */
  limit?: number;
}

const GROUPS = 10;

/** Points, such as residuals over predictions; the trend is computed from all of them, not only from those drawn. */
export function scatter(options: ScatterOptions): string {
  const wanted = options.points.filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  const x = valueScale(
    wanted.map((point) => point.x),
    options.x,
    5,
  );
  const reference = options.reference === undefined ? [] : [options.reference];
  const y = valueScale([...wanted.map((point) => point.y), ...reference], options.y, 5);
  const points = wanted.filter((point) => x.drawable(point.x) && y.drawable(point.y));
  if (points.length === 0) return emptyChart(options);

  const shown = withExtremes(points, options.limit ?? 1500);
  const counted =
    shown.length < points.length
      ? `${formatNumber(shown.length, 'integer')} of ${formatNumber(points.length, 'integer')} points drawn`
      : undefined;
  const subtitle = [options.subtitle, counted].filter((part) => part !== undefined).join('; ');
  const top = header({ ...options, subtitle });
  const size = chartSize(options, top.bottom);
  const area = plotArea(size, top.bottom, x, y);
  const px = x.project(area.left, area.right);
  const py = y.project(area.bottom, area.top);
  const radius = shown.length > 400 ? 1.6 : shown.length > 80 ? 2.2 : 3;
  const d = shown.map((point) => `M${coordinate(px(point.x))} ${coordinate(py(point.y))}h0`).join('');
  return frame(
    options,
    size,
    describe(points, x, y),
    top.markup,
    axes(area, x, y),
    options.reference !== undefined &&
      element('line', {
        class: 'bc-reference',
        x1: area.left,
        x2: area.right,
        y1: py(options.reference),
        y2: py(options.reference),
      }),
    element('path', {
      class: `bc-cloud bc-${options.tone ?? 'blue'}`,
      d,
      'stroke-width': radius * 2,
      'stroke-opacity': shown.length > 400 ? 0.35 : 0.6,
    }),
    options.trend === true && points.length >= 3 * GROUPS ? trend(points, px, py) : null,
  );
}

/** A sample that keeps the points with the lowest and highest x and y. */
function withExtremes(points: readonly ScatterPoint[], limit: number): readonly ScatterPoint[] {
  if (points.length <= limit) return points;
  const extremes = new Set<ScatterPoint>();
  for (const key of ['x', 'y'] as const) {
    let low = points[0]!;
    let high = points[0]!;
    for (const point of points) {
      if (point[key] < low[key]) low = point;
      if (point[key] > high[key]) high = point;
    }
    extremes.add(low).add(high);
  }
  const rest = sample(points, Math.max(0, limit - extremes.size)).filter((point) => !extremes.has(point));
  return [...rest, ...extremes];
}

function trend(points: readonly ScatterPoint[], px: (v: number) => number, py: (v: number) => number): Markup {
  const ordered = points.toSorted((a, b) => a.x - b.x);
  const groups = Array.from({ length: GROUPS }, (_, index) => {
    const from = Math.floor((index * ordered.length) / GROUPS);
    const part = ordered.slice(from, Math.floor(((index + 1) * ordered.length) / GROUPS));
    const ys = part.map((point) => point.y).sort((a, b) => a - b);
    const quantile = (p: number): number => py(quantileSorted(ys, p) ?? 0);
    return {
      x: px(part[Math.floor(part.length / 2)]!.x),
      low: quantile(0.25),
      middle: quantile(0.5),
      high: quantile(0.75),
    };
  });
  type Group = (typeof groups)[number];
  const band = areaShape<Group>()
    .x((group) => group.x)
    .y0((group) => group.low)
    .y1((group) => group.high)
    .digits(2)(groups);
  const line = lineShape<Group>(
    (group) => group.x,
    (group) => group.middle,
  ).digits(2)(groups);
  return element(
    'g',
    { class: 'bc-ink' },
    element('path', { class: 'bc-band', d: band ?? '' }),
    element('path', { class: 'bc-line', d: line ?? '' }),
  );
}

function describe(points: readonly ScatterPoint[], x: ValueScale, y: ValueScale): string {
  const range = (values: readonly number[], scale: ValueScale): string => {
    const sorted = values.toSorted((a, b) => a - b);
    return `${formatNumber(sorted[0] ?? 0, scale.format)} to ${formatNumber(sorted.at(-1) ?? 0, scale.format)}`;
  };
  const xs = range(
    points.map((point) => point.x),
    x,
  );
  const ys = range(
    points.map((point) => point.y),
    y,
  );
  return `Scatter plot of ${formatNumber(points.length, 'integer')} points. ${x.label ?? 'x'}: ${xs}; ${y.label ?? 'y'}: ${ys}.`;
}
