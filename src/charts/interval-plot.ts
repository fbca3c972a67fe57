import { horizontalAxis, type PlotArea } from './axes.js';
import { categoryLabel } from './bar-chart.js';
import { type ChartOptions, chartWidth, emptyChart, frame, header, hover, PADDING } from './frame.js';
import { coordinate, element, fragment, type Markup } from './markup.js';
import { formatNumber } from './number-format.js';
import { type AxisOptions, type ValueScale, valueScale } from './scale.js';
import { textWidth } from './text.js';
import { FONT_SIZE, type Tone, toneAt } from './theme.js';

export interface IntervalSeries {
  name: string;
  /** One figure per row; absent ones are left out. */
  figures: readonly ({ value: number; interval?: readonly [number, number] } | undefined)[];
  tone?: Tone;
}

export interface IntervalPlotOptions extends ChartOptions {
  /** What the figures belong to, from top to bottom. */
  rows: readonly string[];
  /** What is compared within a row, such as baseline and model. */
  series: readonly IntervalSeries[];
  x?: AxisOptions;
  /** A vertical line, such as "no difference" or a limit. */
  reference?: number;
  /** At most this many rows are drawn. Default 40. */
  limit?: number;
}

const STEP = 13;
const ROW_GAP = 14;

/** Dot and whisker: figures with their intervals, compared within rows, on an axis that need not begin at zero. */
export function intervalPlot(options: IntervalPlotOptions): string {
  const limit = options.limit ?? 40;
  const rows = options.rows.slice(0, limit);
  const series = options.series.map((each, index) => ({
    ...each,
    tone: each.tone ?? toneAt(index),
    figures: each.figures.slice(0, limit),
  }));
  const figures = series.flatMap((each) => each.figures);
  const shown = figures.flatMap((figure) => (figure === undefined ? [] : [figure.value, ...(figure.interval ?? [])]));
  const reference = options.reference === undefined ? [] : [options.reference];
  const x = valueScale([...shown, ...reference], options.x, 4);
  if (rows.length === 0 || !figures.some((figure) => figure !== undefined && x.drawable(figure.value))) {
    return emptyChart(options);
  }

  const width = chartWidth(options);
  const legend = series.length < 2 ? [] : series.map((each) => ({ ...each, mark: 'dot' as const }));
  const top = header(options, legend);
  const room = Math.min(width * 0.36, Math.max(4, ...rows.map((name) => textWidth(name, FONT_SIZE.label))));
  const rowHeight = STEP * series.length + ROW_GAP;
  const area: PlotArea = {
    left: PADDING + room + 12,
    right: width - PADDING - 14,
    top: top.bottom,
    bottom: top.bottom + rowHeight * rows.length,
  };
  const omitted = options.rows.length - rows.length;
  const height = area.bottom + (x.label === undefined ? 22 : 40) + (omitted > 0 ? 18 : 0) + PADDING / 2;
  const px = x.project(area.left, area.right);
  return frame(
    options,
    { width, height },
    describe(rows, series, x),
    top.markup,
    horizontalAxis(area, x, true),
    options.reference !== undefined && x.drawable(options.reference)
      ? element('line', {
          class: 'bc-reference',
          x1: px(options.reference),
          x2: px(options.reference),
          y1: area.top,
          y2: area.bottom,
        })
      : null,
    rows.map((name, index) => {
      const middle = area.top + (index + 0.5) * rowHeight;
      return fragment(
        categoryLabel(name, area.left - 12, middle + 4, room),
        series.map((each, order) => {
          const y = middle + (order - (series.length - 1) / 2) * STEP;
          return mark(each, each.figures[index], name, y, x, px);
        }),
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

function mark(
  series: IntervalSeries & { tone: Tone },
  figure: IntervalSeries['figures'][number],
  row: string,
  y: number,
  x: ValueScale,
  px: (value: number) => number,
): Markup | null {
  if (figure === undefined || !x.drawable(figure.value)) return null;
  const interval = figure.interval?.every((end) => x.drawable(end)) === true ? figure.interval : undefined;
  const [low, high] = (interval ?? []).map((end) => coordinate(px(end)));
  const [above, below, middle] = [y - 3.5, y + 3.5, y].map(coordinate);
  return element(
    'g',
    { class: `bc-${series.tone}` },
    hover(`${row === '' ? '' : `${row}, `}${series.name}: ${figureText(figure, x)}`),
    low === undefined
      ? null
      : element('path', {
          class: 'bc-thin',
          d: `M${low} ${middle}H${high}M${low} ${above}V${below}M${high} ${above}V${below}`,
        }),
    element('circle', { class: 'bc-dot', cx: px(figure.value), cy: y, r: 5 }),
  );
}

function figureText(figure: { value: number; interval?: readonly [number, number] }, x: ValueScale): string {
  const value = formatNumber(figure.value, x.format);
  if (figure.interval === undefined) return value;
  return `${value} (${formatNumber(figure.interval[0], x.format)} to ${formatNumber(figure.interval[1], x.format)})`;
}

function describe(rows: readonly string[], series: readonly IntervalSeries[], x: ValueScale): string {
  const parts = rows.slice(0, 12).map((row, index) => {
    const texts = series.map((each) => {
      const figure = each.figures[index];
      return `${each.name} ${figure === undefined ? 'absent' : figureText(figure, x)}`;
    });
    return row === '' ? texts.join(', ') : `${row}: ${texts.join(', ')}`;
  });
  return `Dot and whisker plot${x.label === undefined ? '' : ` of ${x.label}`}. ${parts.join('; ')}.`;
}
