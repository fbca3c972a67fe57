import { type PlotArea, verticalAxis } from './axes.js';
import { type ChartOptions, chartSize, emptyChart, frame, header, hover, PADDING } from './frame.js';
import { coordinate, element, type Markup } from './markup.js';
import { formatNumber, formatSigned, type NumberFormat } from './number-format.js';
import { type AxisOptions, type ValueScale, valueScale } from './scale.js';
import { textWidth, truncate } from './text.js';
import { FONT_SIZE } from './theme.js';

export interface LedgerStage {
  stage: string;
  /** The metric at this stage. */
  value: number;
  interval?: readonly [number, number];
  /** The stage that it is compared with, where that is not the one before. */
  from?: string | null;
  /** Quality lost since that stage; above zero is always a loss, whichever way the metric runs. None at the first. */
  delta?: number | null;
  deltaInterval?: readonly [number, number] | null;
}

export interface LedgerChartOptions extends ChartOptions {
  stages: readonly LedgerStage[];
  y?: AxisOptions;
}

/**
 * The gap ledger as a waterfall: each stage a level with its interval, between two stages a step, labelled with the
 * quality lost (orange) or won (green).
 */
export function ledgerChart(options: LedgerChartOptions): string {
  const stages = options.stages.filter((stage) => Number.isFinite(stage.value));
  const ends = stages.flatMap((stage) => [stage.value, ...(stage.interval ?? [])]);
  const y = valueScale(ends, { ...options.y, scale: 'linear' }, 5);
  if (stages.length === 0) return emptyChart(options);

  const top = header(options);
  const size = chartSize(options, top.bottom);
  const area: PlotArea = {
    left: PADDING + Math.max(14, ...y.ticks.map((tick) => textWidth(tick.label, FONT_SIZE.tick))) + 7,
    right: size.width - PADDING,
    top: top.bottom + (y.label === undefined ? 16 : 26),
    bottom: size.height - PADDING - 22,
  };
  const column = (area.right - area.left) / stages.length;
  const py = y.project(area.bottom, area.top);
  return frame(
    options,
    size,
    describe(stages, y),
    top.markup,
    verticalAxis(area, y),
    element('line', { class: 'bc-axis', x1: area.left, y1: area.bottom, x2: area.right, y2: area.bottom }),
    stages.map((stage, index) =>
      step(comparedWith(stages, index), stage, area.left + index * column, column, y, py, area),
    ),
    stages.map((stage, index) => level(stage, area.left + index * column, column, y, py)),
    stages.map((stage, index) => stageName(stage.stage, area.left + (index + 0.5) * column, area.bottom + 17, column)),
  );
}

function comparedWith(stages: readonly LedgerStage[], index: number): LedgerStage | undefined {
  const { from } = stages[index];
  return stages.find(({ stage }) => stage === from) ?? stages[index - 1];
}

/** A stage's value as a horizontal level with a whisker, and its figure above. */
function level(stage: LedgerStage, left: number, column: number, y: ValueScale, py: (v: number) => number): Markup {
  const half = Math.min(column * 0.3, 36);
  const middle = left + column / 2;
  const at = py(stage.value);
  const interval = stage.interval?.every(Number.isFinite) === true ? stage.interval : undefined;
  const highest = interval === undefined ? at : Math.min(at, ...interval.map(py));
  const range =
    interval === undefined ? '' : ` (${formatNumber(interval[0], y.format)} to ${formatNumber(interval[1], y.format)})`;
  const text = formatNumber(stage.value, y.format);
  return element(
    'g',
    { class: 'bc-blue' },
    hover(`${stage.stage}: ${text}${range}`),
    interval === undefined ? null : element('path', { class: 'bc-thin', d: whisker(middle, interval.map(py)) }),
    element('rect', { class: 'bc-fill', x: middle - half, y: at - 2, width: 2 * half, height: 4, rx: 2 }),
    element('text', { class: 'bc-label bc-strong bc-halo', x: middle, y: highest - 8, 'text-anchor': 'middle' }, text),
  );
}

/** The step from the stage before: a bar between both levels, on the border of their columns. */
function step(
  before: LedgerStage | undefined,
  stage: LedgerStage,
  left: number,
  column: number,
  y: ValueScale,
  py: (v: number) => number,
  area: PlotArea,
): Markup | null {
  const { delta, deltaInterval } = stage;
  if (before === undefined || typeof delta !== 'number' || !Number.isFinite(delta)) return null;
  const [from, to] = [py(before.value), py(stage.value)];
  const width = Math.min(26, column * 0.3);
  const inner = column / 2 - Math.min(column * 0.3, 36);
  const text = lost(delta, y.format);
  const below = Math.max(from, to) + 15;
  const place = below < area.bottom - 2 ? below : Math.min(from, to) - 6;
  const range =
    deltaInterval?.every(Number.isFinite) === true
      ? ` (${lost(deltaInterval[0], y.format)} to ${lost(deltaInterval[1], y.format)})`
      : '';
  return element(
    'g',
    { class: delta > 0 ? 'bc-orange' : delta < 0 ? 'bc-green' : 'bc-grey' },
    hover(`${before.stage} to ${stage.stage}, quality lost: ${text}${range}`),
    element('line', { class: 'bc-reference', x1: left - inner, y1: from, x2: left + width / 2, y2: from }),
    element('line', { class: 'bc-reference', x1: left - width / 2, y1: to, x2: left + inner, y2: to }),
    element('rect', {
      class: 'bc-fill',
      x: left - width / 2,
      y: Math.min(from, to),
      rx: 2,
      width,
      height: Math.max(1.5, Math.abs(to - from)),
    }),
    element(
      'text',
      { class: 'bc-label bc-toned bc-strong bc-halo', x: left, y: place, 'text-anchor': 'middle' },
      column < 60 ? text.replace(/\u00a0.*/, '') : text,
    ),
  );
}

/** A loss is written with a minus, a win with a plus: the reader's sign, not the ledger's. */
function lost(delta: number, format: NumberFormat): string {
  return formatSigned(-delta, format === 'percent' ? 'points' : format);
}

function whisker(x: number, ends: readonly number[]): string {
  const [from = 0, to = 0] = ends;
  const caps = ends.map((end) => `M${coordinate(x - 4)} ${coordinate(end)}H${coordinate(x + 4)}`).join('');
  return `M${coordinate(x)} ${coordinate(from)}V${coordinate(to)}${caps}`;
}

function stageName(name: string, x: number, y: number, column: number): Markup {
  const short = truncate(name, FONT_SIZE.label, column - 2);
  return element(
    'text',
    { class: 'bc-label', x, y, 'text-anchor': 'middle' },
    short,
    short === name ? null : hover(name),
  );
}

function describe(stages: readonly LedgerStage[], y: ValueScale): string {
  const parts = stages.map((stage) => {
    const change =
      typeof stage.delta !== 'number' || !Number.isFinite(stage.delta) ? '' : ` (${lost(stage.delta, y.format)})`;
    return `${stage.stage} ${formatNumber(stage.value, y.format)}${change}`;
  });
  return `Gap ledger: ${parts.join(', ')}. A minus is quality lost.`;
}
