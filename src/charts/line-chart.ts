import { area as areaShape, line as lineShape } from 'd3-shape';
import { axes, type PlotArea, plotArea } from './axes.js';
import { thin } from './downsample.js';
import { type ChartOptions, chartSize, emptyChart, frame, header, hover } from './frame.js';
import { element, fragment, type Markup } from './markup.js';
import { formatNumber } from './number-format.js';
import { type AxisOptions, type ValueScale, valueScale } from './scale.js';
import { textWidth, truncate } from './text.js';
import { DASHES, type Dash, FONT_SIZE, type Tone, toneAt } from './theme.js';

export interface LinePoint {
  x: number;
  y: number;
  /** Ends of an interval around y; a series with them is drawn with a band. */
  lo?: number;
  hi?: number;
}

export interface LineSeries {
  name: string;
  /** In order of x. A y that is not finite breaks the line. */
  points: readonly LinePoint[];
  tone?: Tone;
  dash?: Dash;
}

export interface LineChartOptions extends ChartOptions {
  series: readonly LineSeries[];
  x?: AxisOptions;
  y?: AxisOptions;
  /** Vertical rules, such as the best epoch. */
  rules?: readonly { x: number; label: string }[];
  /** A horizontal reference, such as a limit. */
  reference?: { y: number; label?: string };
  /** Names of two series whose distance matters: the area between them is shaded. */
  between?: readonly [string, string];
  /** Names beside the ends of lines, or a legend. By default names beside the lines for up to four series. */
  names?: 'direct' | 'legend';
}

interface Curve extends LineSeries {
  tone: Tone;
  dash: Dash;
}

/** Lines over a common axis, with optional bands, rules and shading; tooltips on points. */
export function lineChart(options: LineChartOptions): string {
  const curves = options.series.map(
    (series, index): Curve => ({ ...series, tone: series.tone ?? toneAt(index), dash: series.dash ?? 'solid' }),
  );
  const points = curves.flatMap((curve) => curve.points);
  const x = valueScale(values(points, 'x'), { tight: true, ...options.x }, 6);
  const shown = points.filter((point) => x.drawable(point.x));
  const reference = options.reference === undefined ? [] : [options.reference.y];
  const y = valueScale(
    [...values(shown, 'y'), ...values(shown, 'lo'), ...values(shown, 'hi'), ...reference],
    options.y,
    5,
  );
  const drawn = curves.map((curve) => ({
    ...curve,
    points: thin(
      curve.points.filter((point) => x.drawable(point.x)),
      600,
      (point) => point.y,
    ),
  }));
  if (!drawn.some((curve) => curve.points.some((point) => y.drawable(point.y)))) return emptyChart(options);

  const direct = options.names !== 'legend' && (options.names === 'direct' || drawn.length <= 4) && drawn.length > 1;
  const legend = direct || drawn.length < 2 ? [] : drawn.map((curve) => ({ ...curve, mark: 'line' as const }));
  const top = header(options, legend);
  const size = chartSize(options, top.bottom);
  const nameRoom = direct
    ? Math.min(size.width * 0.32, Math.max(...drawn.map(({ name }) => textWidth(name, FONT_SIZE.label) + 10)))
    : 0;
  const area = plotArea(size, top.bottom, x, y, nameRoom);
  const px = x.project(area.left, area.right);
  const py = y.project(area.bottom, area.top);
  return frame(
    options,
    size,
    describe(curves, y),
    top.markup,
    axes(area, x, y),
    shading(options.between, drawn, y, px, py),
    drawn.map((curve) => band(curve, y, px, py)),
    drawn.map((curve) => line(curve, y, px, py)),
    ...(options.rules ?? [])
      .filter((rule) => x.drawable(rule.x))
      .map((rule) => verticalRule(area, px(rule.x), rule.label)),
    options.reference !== undefined && y.drawable(options.reference.y)
      ? horizontalRule(area, py(options.reference.y), options.reference.label ?? '')
      : null,
    direct && endLabels(drawn, area, y, py, nameRoom),
    drawn.map((curve) => hits(curve, x, y, px, py)),
  );
}

type Position = (value: number) => number;

function values(points: readonly LinePoint[], key: keyof LinePoint): number[] {
  return points.map((point) => point[key]).filter((value) => value !== undefined);
}

function line(curve: Curve, y: ValueScale, px: Position, py: Position): Markup {
  const path = lineShape<LinePoint>(
    (point) => px(point.x),
    (point) => py(point.y),
  )
    .defined((point) => y.drawable(point.y))
    .digits(2)(curve.points);
  const lonely = curve.points.filter(
    (point, index) =>
      y.drawable(point.y) &&
      !y.drawable(curve.points[index - 1]?.y ?? Number.NaN) &&
      !y.drawable(curve.points[index + 1]?.y ?? Number.NaN),
  );
  return element(
    'g',
    { class: `bc-${curve.tone}` },
    element('path', { class: 'bc-line', d: path ?? '', 'stroke-dasharray': DASHES[curve.dash] }),
    lonely.map((point) => element('circle', { class: 'bc-dot', cx: px(point.x), cy: py(point.y), r: 4 })),
  );
}

function band(curve: Curve, y: ValueScale, px: Position, py: Position): Markup | null {
  if (!curve.points.some((point) => point.lo !== undefined && point.hi !== undefined)) return null;
  const drawable = (value: number | undefined): value is number => value !== undefined && y.drawable(value);
  const path = areaShape<LinePoint>()
    .x((point) => px(point.x))
    .y0((point) => py(point.lo ?? 0))
    .y1((point) => py(point.hi ?? 0))
    .defined((point) => drawable(point.lo) && drawable(point.hi))
    .digits(2)(curve.points);
  return element('path', { class: `bc-band bc-${curve.tone}`, d: path ?? '' });
}

/** The area between two series, at the x values both have. */
function shading(
  between: readonly [string, string] | undefined,
  curves: readonly Curve[],
  y: ValueScale,
  px: Position,
  py: Position,
): Markup | null {
  const [first, second] = (between ?? []).map((name) => curves.find((curve) => curve.name === name));
  if (first === undefined || second === undefined) return null;
  const other = new Map(second.points.map((point) => [point.x, point.y]));
  const pairs = first.points
    .map((point) => ({ x: point.x, lo: point.y, hi: other.get(point.x) ?? Number.NaN }))
    .filter((pair) => y.drawable(pair.lo) && y.drawable(pair.hi));
  const path = areaShape<(typeof pairs)[number]>()
    .x((pair) => px(pair.x))
    .y0((pair) => py(pair.lo))
    .y1((pair) => py(pair.hi))
    .digits(2)(pairs);
  return element('path', { class: `bc-band bc-${second.tone}`, d: path ?? '' });
}

function verticalRule(area: PlotArea, at: number, label: string): Markup {
  const text = truncate(label, FONT_SIZE.tick, area.right - area.left);
  const fitsRight = at + 5 + textWidth(text, FONT_SIZE.tick) <= area.right;
  const place = fitsRight
    ? { x: at + 5 }
    : { x: Math.max(at - 5, area.left + textWidth(text, FONT_SIZE.tick)), 'text-anchor': 'end' };
  return fragment(
    element('line', { class: 'bc-reference', x1: at, y1: area.top - 4, x2: at, y2: area.bottom }),
    element('text', { class: 'bc-muted bc-halo', y: area.top + 4, ...place }, text),
  );
}

function horizontalRule(area: PlotArea, at: number, label: string): Markup {
  return fragment(
    element('line', { class: 'bc-reference', x1: area.left, y1: at, x2: area.right, y2: at }),
    element(
      'text',
      { class: 'bc-muted bc-halo', x: area.left + 4, y: at > area.top + 16 ? at - 5 : at + 13 },
      truncate(label, FONT_SIZE.tick, area.right - area.left),
    ),
  );
}

/** Names at the right, each beside the last point of its line, moved apart where they would touch. */
function endLabels(curves: readonly Curve[], area: PlotArea, y: ValueScale, py: Position, room: number): Markup {
  const spacing = FONT_SIZE.label + 3;
  const labels = curves
    .map((curve) => ({ curve, last: curve.points.findLast((point) => y.drawable(point.y)) }))
    .map(({ curve, last }) => ({ curve, at: last === undefined ? area.bottom : py(last.y) }))
    .sort((a, b) => a.at - b.at);
  for (let index = 1; index < labels.length; index++) {
    const [above, below] = [labels[index - 1]!, labels[index]!];
    below.at = Math.max(below.at, above.at + spacing);
  }
  let limit = area.bottom;
  for (const label of labels.toReversed()) {
    label.at = Math.min(label.at, limit);
    limit = label.at - spacing;
  }
  return fragment(
    labels.map(({ curve, at }) => {
      const name = truncate(curve.name, FONT_SIZE.label, room - 6);
      return element(
        'g',
        { class: `bc-${curve.tone}` },
        element(
          'text',
          { class: 'bc-label bc-toned bc-strong', x: area.right + 6, y: at + 4 },
          name,
          hover(curve.name),
        ),
      );
    }),
  );
}

/** Invisible targets with tooltips; at most 60 a line, or a page of curves would grow without end. */
function hits(curve: Curve, x: ValueScale, y: ValueScale, px: Position, py: Position): Markup {
  const visible = curve.points.filter((point) => y.drawable(point.y));
  const targets = thin(visible, 60, (point) => point.y);
  return element(
    'g',
    { class: `bc-${curve.tone}` },
    targets.map((point) => {
      const interval =
        point.lo === undefined || point.hi === undefined
          ? ''
          : ` (${formatNumber(point.lo, y.format)} to ${formatNumber(point.hi, y.format)})`;
      const place = `${x.label ?? 'x'} ${formatNumber(point.x, x.format)}`;
      const text = `${curve.name}, ${place}: ${formatNumber(point.y, y.format)}${interval}`;
      return element('circle', { class: 'bc-hit', cx: px(point.x), cy: py(point.y), r: 6 }, hover(text));
    }),
  );
}

function describe(curves: readonly Curve[], y: ValueScale): string {
  const parts = curves.map((curve) => {
    const finite = curve.points.filter((point) => y.drawable(point.y));
    const [first, last] = [finite[0], finite.at(-1)];
    if (first === undefined || last === undefined) return `${curve.name}: no finite values`;
    const from = formatNumber(first.y, y.format);
    return `${curve.name}: ${finite.length} points, from ${from} to ${formatNumber(last.y, y.format)}`;
  });
  return `Line chart${y.label === undefined ? '' : ` of ${y.label}`}. ${parts.join('; ')}.`;
}
