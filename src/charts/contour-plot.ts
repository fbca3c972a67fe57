import { axes, type PlotArea, plotArea } from './axes.js';
import { type ChartOptions, chartWidth, emptyChart, frame, header, hover } from './frame.js';
import { coordinate, element, type Markup } from './markup.js';
import { formatNumber, type NumberFormat } from './number-format.js';
import { type AxisOptions, valueScale } from './scale.js';
import { textWidth } from './text.js';
import { FONT_SIZE, type Tone } from './theme.js';

export interface ContourOptions extends ChartOptions {
  /** Positions of the columns and of the rows, ascending; two at least of each. */
  xs: readonly number[];
  ys: readonly number[];
  /** `values[row][column]`; where one is not finite, the cells around it stay empty. */
  values: readonly (readonly number[])[];
  /** Heights of the lines; by default nine between the extremes, closer together near the lowest. */
  levels?: readonly number[];
  /** What is measured, for tooltips and the description. */
  valueLabel?: string;
  format?: NumberFormat;
  /** A point to be marked, such as the trained model. */
  mark?: { x: number; y: number; label: string };
  x?: AxisOptions;
  y?: AxisOptions;
  tone?: Tone;
}

const LEVELS = 9;
/** What each layer adds to the shade: nine of them over one another reach about two thirds. */
const LAYER_OPACITY = 0.115;

interface Point {
  readonly x: number;
  readonly y: number;
  readonly value: number;
}

/** Lines of equal height over a plane, the higher the darker: a loss surface seen from above. */
export function contourPlot(options: ContourOptions): string {
  const { xs, ys, values, format = 'number', tone = 'blue', mark } = options;
  const finite = values.flat().filter((value) => Number.isFinite(value));
  if (finite.length === 0 || xs.length < 2 || ys.length < 2) return emptyChart(options);
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  const x = valueScale(xs, { tight: true, ...options.x }, 5);
  const y = valueScale(ys, { tight: true, ...options.y }, 5);
  const top = header(options);
  const width = chartWidth(options);
  const beside = plotArea({ width, height: width }, top.bottom, x, y);
  // As high as wide: a step along one direction is as long as along the other.
  const height = options.height ?? beside.top + (beside.right - beside.left) + (width - beside.bottom);
  const area = plotArea({ width, height }, top.bottom, x, y);
  const px = x.project(area.left, area.right);
  const py = y.project(area.bottom, area.top);
  const valueAt = (row: number, column: number): number => values[row]?.[column] ?? Number.NaN;
  const corner = (row: number, column: number): Point => ({
    x: px(xs[column] ?? 0),
    y: py(ys[row] ?? 0),
    value:
      x.drawable(xs[column] ?? Number.NaN) && y.drawable(ys[row] ?? Number.NaN) ? valueAt(row, column) : Number.NaN,
  });
  const levels = [...(options.levels ?? levelsBetween(low, high))].filter(Number.isFinite).sort((a, b) => a - b);
  const layers = levels.map((level) => ({ level, ...layerOf(level, corner, ys.length, xs.length) }));
  return frame(
    options,
    { width, height },
    describe(options, low, high),
    top.markup,
    axes(area, x, y),
    element(
      'g',
      { class: `bc-${tone}` },
      layers.map(({ level, region }) =>
        element(
          'path',
          { class: 'bc-fill', d: region, 'fill-opacity': LAYER_OPACITY },
          hover(`${options.valueLabel ?? 'value'} above ${formatNumber(level, format)}`),
        ),
      ),
      layers.map(({ line }) => element('path', { class: 'bc-thin', d: line.map(segment).join(''), 'stroke-width': 1 })),
    ),
    labelsOf(layers, area, format),
    mark === undefined || !x.drawable(mark.x) || !y.drawable(mark.y)
      ? null
      : element(
          'g',
          { class: 'bc-orange' },
          element('circle', { class: 'bc-dot', cx: px(mark.x), cy: py(mark.y), r: 5 }, hover(mark.label)),
        ),
  );
}

/** Evenly spaced on the root of the height above the lowest: rings of a bowl lie evenly apart. */
function levelsBetween(low: number, high: number): number[] {
  if (!(high > low)) return [];
  return Array.from({ length: LEVELS }, (_, i) => low + (high - low) * ((i + 1) / (LEVELS + 1)) ** 2);
}

type Segment = readonly [Point, Point];

/** The region at or above a level as one path, and the line around it, cell by cell. */
function layerOf(
  level: number,
  corner: (row: number, column: number) => Point,
  rows: number,
  columns: number,
): { region: string; line: Segment[] } {
  let region = '';
  const line: Segment[] = [];
  for (let row = 0; row + 1 < rows; row++) {
    /** Cells beside one another that lie wholly above are drawn as one. */
    let whole: Point[] = [];
    const close = (): void => {
      if (whole.length > 0) region += `M${whole.map(place).join('L')}Z`;
      whole = [];
    };
    for (let column = 0; column + 1 < columns; column++) {
      const cell = [corner(row, column), corner(row, column + 1), corner(row + 1, column + 1), corner(row + 1, column)];
      const { polygon, cuts } = cell.every(({ value }) => Number.isFinite(value)) ? above(cell, level) : NOTHING;
      if (polygon.length === cell.length && cuts.length === 0) {
        const [first = cell[0], , , last = cell[3]] = whole;
        whole = [first, cell[1], cell[2], last].filter((point) => point !== undefined);
        continue;
      }
      close();
      if (polygon.length >= 3) region += `M${polygon.map(place).join('L')}Z`;
      line.push(...cuts);
    }
    close();
  }
  return { region, line };
}

const NOTHING: { polygon: Point[]; cuts: Segment[] } = { polygon: [], cuts: [] };

/** The part of a cell at or above a level: its corners in order with the crossings between them, which bound it in pairs. */
function above(cell: readonly Point[], level: number): { polygon: Point[]; cuts: Segment[] } {
  const polygon: Point[] = [];
  const cuts: Segment[] = [];
  let left: Point | undefined;
  const first: Point[] = [];
  cell.forEach((from, i) => {
    const to = cell[(i + 1) % cell.length] ?? from;
    const inside = from.value >= level;
    if (inside) polygon.push(from);
    if (inside === to.value >= level) return;
    const exact = (level - from.value) / (to.value - from.value);
    const share = Number.isFinite(exact) ? exact : 0.5;
    const cut = { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y), value: level };
    polygon.push(cut);
    // The line runs from where the border leaves the region to where it comes back.
    if (inside) left = cut;
    else if (left === undefined) first.push(cut);
    else {
      cuts.push([left, cut]);
      left = undefined;
    }
  });
  const [start] = first;
  if (left !== undefined && start !== undefined) cuts.push([left, start]);
  return { polygon, cuts };
}

const place = ({ x, y }: Point): string => `${coordinate(x)} ${coordinate(y)}`;
const segment = ([from, to]: Segment): string => `M${place(from)}L${place(to)}`;

/** The height of each line, written where it crosses the diagonal to the upper right, or as near as it comes. */
function labelsOf(
  layers: readonly { level: number; line: readonly Segment[] }[],
  area: PlotArea,
  format: NumberFormat,
): Markup[] {
  const middle = { x: (area.left + area.right) / 2, y: (area.top + area.bottom) / 2 };
  const taken: { x: number; y: number }[] = [];
  return layers.flatMap(({ level, line }) => {
    const text = formatNumber(level, format);
    const half = textWidth(text, FONT_SIZE.small) / 2;
    const spots = line
      .map(([{ x, y }]) => ({ x, y, off: Math.abs(Math.atan2(middle.y - y, x - middle.x) - Math.PI / 4) }))
      .filter(({ x, y }) => x - half > area.left && x + half < area.right && y > area.top + 8 && y < area.bottom - 8)
      .sort((a, b) => a.off - b.off);
    const spot = spots.find(({ x, y }) => taken.every((t) => Math.abs(t.x - x) > 2 * half || Math.abs(t.y - y) > 12));
    if (spot === undefined) return [];
    taken.push(spot);
    return [element('text', { class: 'bc-small bc-halo', x: spot.x, y: spot.y + 3.5, 'text-anchor': 'middle' }, text)];
  });
}

function describe(
  { xs, ys, valueLabel = 'value', format = 'number' }: ContourOptions,
  low: number,
  high: number,
): string {
  return (
    `Contour plot of ${valueLabel} over ${xs.length} by ${ys.length} points: ` +
    `from ${formatNumber(low, format)} to ${formatNumber(high, format)}.`
  );
}
