import { horizontalAxis, type PlotArea } from './axes.js';
import { type ChartOptions, chartWidth, emptyChart, frame, header, hover, PADDING } from './frame.js';
import { coordinate, element, fragment, type Markup } from './markup.js';
import { formatNumber } from './number-format.js';
import { type AxisOptions, type ValueScale, valueScale } from './scale.js';
import { textWidth, truncate } from './text.js';
import { FONT_SIZE, type Tone, toneAt } from './theme.js';

export interface BarSeries {
  name: string;
  /** One value per category; not finite means absent. */
  values: readonly number[];
  /** One interval per category, drawn as a whisker. */
  intervals?: readonly (readonly [number, number] | undefined)[];
  tone?: Tone;
}

export interface BarChartOptions extends ChartOptions {
  /** What the bars stand for, from top to bottom. */
  categories: readonly string[];
  series: readonly BarSeries[];
  x?: AxisOptions;
  /** At most this many categories are drawn; a line says how many are left out. Default 40. */
  limit?: number;
}

const BAR = 14;
const GROUP_GAP = 10;

/** Horizontal bars from zero, grouped by category, with whiskers where there are intervals and values at their ends. */
export function barChart(options: BarChartOptions): string {
  const limit = options.limit ?? 40;
  const categories = options.categories.slice(0, limit);
  const series = options.series.map((each, index) => ({ ...each, tone: each.tone ?? toneAt(index) }));
  const shown = series.flatMap(({ values, intervals }) => [
    ...values.slice(0, limit),
    ...(intervals ?? []).slice(0, limit).flatMap((interval) => interval ?? []),
  ]);
  if (categories.length === 0 || !shown.some(Number.isFinite)) return emptyChart(options);

  const width = chartWidth(options);
  const x = valueScale(shown, { zero: true, ...options.x, scale: 'linear' }, 4);
  const legend = series.length < 2 ? [] : series.map((each) => ({ ...each, mark: 'block' as const }));
  const top = header(options, legend);
  const labelRoom = Math.min(width * 0.36, Math.max(30, ...categories.map((name) => textWidth(name, FONT_SIZE.label))));
  const groupHeight = BAR * series.length + GROUP_GAP;
  const area: PlotArea = {
    left: PADDING + labelRoom + 8,
    right: width - PADDING - 44,
    top: top.bottom + 2,
    bottom: top.bottom + 2 + groupHeight * categories.length,
  };
  const omitted = options.categories.length - categories.length;
  const footer = x.label === undefined ? 20 : 38;
  const height = area.bottom + footer + (omitted > 0 ? 18 : 0) + PADDING / 2;
  const position = x.project(area.left, area.right);
  return frame(
    options,
    { width, height },
    describe(categories, series, x),
    top.markup,
    horizontalAxis(area, x, true),
    element('line', { class: 'bc-axis', x1: position(0), y1: area.top, x2: position(0), y2: area.bottom }),
    categories.map((name, index) => {
      const groupTop = area.top + index * groupHeight + GROUP_GAP / 2;
      return fragment(
        categoryLabel(name, area.left - 8, groupTop + (BAR * series.length) / 2 + 4, labelRoom),
        series.map((each, order) => bar(each, index, name, groupTop + order * BAR, x, position)),
      );
    }),
    omitted > 0 &&
      element(
        'text',
        { class: 'bc-label bc-muted', x: PADDING, y: height - PADDING },
        `${formatNumber(omitted, 'integer')} more not shown`,
      ),
  );
}

/** A category's name, right-aligned at `x`, shortened to `room` with the whole name as tooltip. */
export function categoryLabel(name: string, x: number, y: number, room: number): Markup {
  const short = truncate(name, FONT_SIZE.label, room);
  return element('text', { class: 'bc-label', x, y, 'text-anchor': 'end' }, short, short === name ? null : hover(name));
}

function bar(
  series: BarSeries & { tone: Tone },
  index: number,
  category: string,
  top: number,
  x: ValueScale,
  position: (value: number) => number,
): Markup | null {
  const value = series.values[index];
  if (value === undefined || !Number.isFinite(value)) return null;
  const [from, to] = [position(Math.min(0, value)), position(Math.max(0, value))];
  const interval = series.intervals?.[index];
  const drawn = interval?.every(Number.isFinite) === true ? interval : undefined;
  const middle = top + BAR / 2;
  const end = drawn === undefined ? to : Math.max(to, position(drawn[1]));
  const range =
    drawn === undefined ? '' : ` (${formatNumber(drawn[0], x.format)} to ${formatNumber(drawn[1], x.format)})`;
  return element(
    'g',
    { class: `bc-${series.tone}` },
    hover(`${category}, ${series.name}: ${formatNumber(value, x.format)}${range}`),
    element('rect', { class: 'bc-fill', x: from, y: top + 1, width: Math.max(0.5, to - from), height: BAR - 2, rx: 2 }),
    drawn === undefined ? null : whisker(position(drawn[0]), position(drawn[1]), middle),
    element('text', { x: end + 5, y: middle + 4 }, formatNumber(value, x.format)),
  );
}

/** An interval over a bar, in the colour of text so that it shows on the bar. */
function whisker(from: number, to: number, y: number): Markup {
  const [start, end, top, bottom] = [from, to, y - 3, y + 3].map(coordinate);
  const d = `M${start} ${coordinate(y)}H${end}M${start} ${top}V${bottom}M${end} ${top}V${bottom}`;
  return element('path', { class: 'bc-whisker', d });
}

function describe(categories: readonly string[], series: readonly BarSeries[], x: ValueScale): string {
  const parts = categories.slice(0, 12).map((name, index) => {
    const numbers = series.map((each) => `${each.name} ${formatNumber(each.values[index] ?? Number.NaN, x.format)}`);
    return `${name}: ${numbers.join(', ')}`;
  });
  const rest = categories.length > 12 ? ` and ${categories.length - 12} more` : '';
  return `Bar chart${x.label === undefined ? '' : ` of ${x.label}`}. ${parts.join('; ')}${rest}.`;
}
