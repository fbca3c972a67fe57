import { line as lineShape } from 'd3-shape';
import { axes, plotArea } from './axes.js';
import { type ChartOptions, chartSize, emptyChart, frame, header, type LegendItem } from './frame.js';
import { element } from './markup.js';
import { type AxisOptions, valueScale } from './scale.js';

export interface ParetoPoint {
  name: string;
  x: number;
  y: number;
  /** `front`: nothing is better in everything; `chosen` and `original` are marked apart. */
  role: 'front' | 'other' | 'chosen' | 'original';
}

export interface ParetoOptions extends ChartOptions {
  points: readonly ParetoPoint[];
  x?: AxisOptions;
  y?: AxisOptions;
}

const TONE = { front: 'blue', other: 'grey', chosen: 'green', original: 'orange' } as const;
const LEGEND: readonly (LegendItem & { role: ParetoPoint['role'] })[] = [
  { role: 'original', name: 'original', tone: 'orange', mark: 'dot' },
  { role: 'chosen', name: 'chosen', tone: 'green', mark: 'dot' },
  { role: 'front', name: 'on the front', tone: 'blue', mark: 'dot' },
  { role: 'other', name: 'dominated', tone: 'grey', mark: 'dot' },
];

/** Alternatives by two objectives, each with its name; a line joins those on the front, by x. */
export function paretoPlot(options: ParetoOptions): string {
  const points = options.points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  if (points.length === 0) return emptyChart(options);
  const x = valueScale(
    points.map((point) => point.x),
    options.x,
    5,
  );
  const y = valueScale(
    points.map((point) => point.y),
    options.y,
    5,
  );
  const present = new Set(points.map(({ role }) => role));
  const top = header(
    options,
    LEGEND.filter(({ role }) => present.has(role)),
  );
  const size = chartSize(options, top.bottom);
  const area = plotArea(size, top.bottom, x, y);
  const px = x.project(area.left, area.right);
  const py = y.project(area.bottom, area.top);
  const front = points.filter(({ role }) => role === 'front' || role === 'chosen').toSorted((a, b) => a.x - b.x);
  const path = lineShape<ParetoPoint>(
    (point) => px(point.x),
    (point) => py(point.y),
  ).digits(2)(front);
  const middle = (area.left + area.right) / 2;
  return frame(
    options,
    size,
    `Alternatives: ${points.map(({ name, role }) => `${name} (${role})`).join(', ')}.`,
    top.markup,
    axes(area, x, y),
    front.length > 1 && element('path', { class: 'bc-grid', d: path ?? '' }),
    points.map((point) =>
      element(
        'g',
        { class: `bc-${TONE[point.role]}` },
        element('circle', {
          class: 'bc-toned',
          fill: 'currentColor',
          cx: px(point.x).toFixed(2),
          cy: py(point.y).toFixed(2),
          r: point.role === 'chosen' ? 5 : 3.5,
        }),
        element(
          'text',
          {
            class: 'bc-small bc-halo bc-toned',
            x: (px(point.x) + (px(point.x) > middle ? -7 : 7)).toFixed(2),
            y: (py(point.y) + 3.5).toFixed(2),
            'text-anchor': px(point.x) > middle ? 'end' : 'start',
          },
          point.name,
        ),
      ),
    ),
  );
}
