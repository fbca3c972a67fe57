import { axes, plotArea } from './axes.js';
import { type ChartOptions, chartSize, emptyChart, frame, header, hover } from './frame.js';
import { coordinate, element, fragment, type Markup } from './markup.js';
import { formatNumber } from './number-format.js';
import { type AxisOptions, type ValueScale, valueScale } from './scale.js';
import { type Tone, toneAt } from './theme.js';

export interface HistogramSeries {
  name: string;
  /** Ends of the bins, increasing, one more than there are counts. */
  edges: readonly number[];
  counts: readonly number[];
  tone?: Tone;
}

export interface HistogramOptions extends ChartOptions {
  series: readonly HistogramSeries[];
  x?: AxisOptions;
  /** `log` shows bins that a tall one would hide; empty bins are then absent. */
  y?: AxisOptions;
  /**
   * Height of a bin: its count, its share of the series' total, or the share per unit of x, which alone is comparable
   * between series with different bins. Default: count for one series, density for several.
   */
  measure?: 'count' | 'share' | 'density';
}

interface Bin {
  low: number;
  high: number;
  count: number;
  height: number;
}

interface Binned {
  name: string;
  tone: Tone;
  bins: Bin[];
}

const MEASURE_LABEL = { count: 'count', share: 'share', density: 'density' } as const;

/** Distributions as bins: one series filled, several overlaid as outlines with a light fill. */
export function histogram(options: HistogramOptions): string {
  const measure = options.measure ?? (options.series.length > 1 ? 'density' : 'count');
  const all = options.series
    .map((series, index) => ({
      name: series.name,
      tone: series.tone ?? toneAt(index),
      bins: binsOf(series, measure),
    }))
    .filter((series) => series.bins.length > 0);
  const heights = all.flatMap(({ bins }) => bins.map((bin) => bin.height));
  if (!heights.some((height) => height > 0)) return emptyChart(options, 'Nothing to show: no counts.');

  const edges = all.flatMap(({ bins }) => bins.flatMap((bin) => [bin.low, bin.high]));
  const x = valueScale(edges, { tight: true, ...options.x, scale: 'linear' }, 5);
  const format = measure === 'share' ? 'percent' : measure === 'count' ? 'integer' : 'number';
  const y = valueScale(heights, { label: MEASURE_LABEL[measure], format, ...options.y, zero: true }, 4);
  const legend = all.length < 2 ? [] : all.map((series) => ({ ...series, mark: 'block' as const }));
  const top = header(options, legend);
  const size = chartSize(options, top.bottom);
  const area = plotArea(size, top.bottom, x, y);
  const px = x.project(area.left, area.right);
  const py = y.project(area.bottom, area.top);
  const drawn = all.map((series) => draw(series, all.length === 1, x, y, px, py, area.bottom));
  return frame(options, size, describe(all, x), top.markup, axes(area, x, y), drawn);
}

function binsOf(series: HistogramSeries, measure: 'count' | 'share' | 'density'): Bin[] {
  let bins: Bin[] = [];
  for (const [index, count] of series.counts.entries()) {
    const [low, high] = [series.edges[index] ?? Number.NaN, series.edges[index + 1] ?? Number.NaN];
    if (!Number.isFinite(low) || !Number.isFinite(high) || !(high > low) || !Number.isFinite(count)) continue;
    bins.push({ low, high, count: Math.max(0, count), height: 0 });
  }
  while (bins.length > MOST_BINS) bins = mergePairs(bins);
  const total = bins.reduce((sum, bin) => sum + bin.count, 0);
  for (const bin of bins) {
    const share = total > 0 && Number.isFinite(total) ? bin.count / total : 0;
    bin.height = measure === 'count' ? bin.count : measure === 'share' ? share : share / (bin.high - bin.low);
  }
  return bins;
}

/** More bins than there are pixels cannot be seen. */
const MOST_BINS = 300;

function mergePairs(bins: readonly Bin[]): Bin[] {
  const merged: Bin[] = [];
  for (let index = 0; index < bins.length; index += 2) {
    const first = bins[index]!;
    const second = bins[index + 1] ?? { ...first, count: 0 };
    merged.push({ low: first.low, high: second.high, count: first.count + second.count, height: 0 });
  }
  return merged;
}

function draw(
  series: Binned,
  solid: boolean,
  x: ValueScale,
  y: ValueScale,
  px: (value: number) => number,
  py: (value: number) => number,
  bottom: number,
): Markup {
  const top = (bin: Bin): number => (y.drawable(bin.height) ? py(bin.height) : bottom);
  const title = (bin: Bin): Markup => {
    const range = `${formatNumber(bin.low, x.format)} to ${formatNumber(bin.high, x.format)}`;
    return hover(`${series.name}, ${range}: ${formatNumber(bin.count, 'integer')}`);
  };
  if (solid) {
    return element(
      'g',
      { class: `bc-${series.tone}` },
      series.bins.map((bin) => {
        const [left, right] = [px(bin.low), px(bin.high)];
        const width = Math.max(0.5, right - left - (right - left > 4 ? 1 : 0));
        return element(
          'rect',
          { class: 'bc-fill', x: left, y: top(bin), width, height: bottom - top(bin) },
          title(bin),
        );
      }),
    );
  }
  const outline = series.bins
    .map((bin) => `L${coordinate(px(bin.low))} ${coordinate(top(bin))}H${coordinate(px(bin.high))}`)
    .join('');
  const first = series.bins[0]!;
  const last = series.bins.at(-1)!;
  const d = `M${coordinate(px(first.low))} ${coordinate(bottom)}${outline}L${coordinate(px(last.high))} ${coordinate(bottom)}`;
  return element(
    'g',
    { class: `bc-${series.tone}` },
    element('path', { class: 'bc-band', d: `${d}Z` }),
    element('path', { class: 'bc-thin', d }),
    fragment(
      series.bins.map((bin) => {
        const [left, right] = [px(bin.low), px(bin.high)];
        const hit = { x: left, y: top(bin), width: Math.max(0.5, right - left), height: bottom - top(bin) };
        return element('rect', { class: 'bc-hit', ...hit }, title(bin));
      }),
    ),
  );
}

function describe(all: readonly Binned[], x: ValueScale): string {
  const parts = all.map(({ name, bins }) => {
    const total = bins.reduce((sum, bin) => sum + bin.count, 0);
    const range = `${formatNumber(bins[0]!.low, x.format)} to ${formatNumber(bins.at(-1)!.high, x.format)}`;
    return `${name}: ${formatNumber(total, 'integer')} values in ${bins.length} bins from ${range}`;
  });
  return `Histogram${x.label === undefined ? '' : ` of ${x.label}`}. ${parts.join('; ')}.`;
}
