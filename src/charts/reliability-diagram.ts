import { horizontalAxis, type PlotArea, verticalAxis } from './axes.js';
import { type ChartOptions, chartWidth, emptyChart, frame, header, hover, PADDING } from './frame.js';
import { coordinate, element, fragment, type Markup } from './markup.js';
import { formatNumber } from './number-format.js';
import { valueScale } from './scale.js';
import type { Tone } from './theme.js';

export interface ReliabilityBin {
  /** Ends of the bin of predicted probability. */
  lower: number;
  upper: number;
  /** Predictions in the bin. */
  count: number;
  /** Mean predicted probability in the bin. */
  confidence: number;
  /** Share of them that were right (or positive). */
  accuracy: number;
  /** 95 % interval of the accuracy, such as Wilson's. */
  interval?: readonly [number, number];
}

export interface ReliabilityOptions extends ChartOptions {
  bins: readonly ReliabilityBin[];
  tone?: Tone;
  /** What is predicted. Default `predicted probability` and `observed share`. */
  confidenceLabel?: string;
  accuracyLabel?: string;
}

/** Height of the counts below the diagram. */
const COUNTS = 46;

/**
 * Observed accuracy over predicted probability, with an interval per bin; the distance to the diagonal, shaded, is
 * the miscalibration, below it overconfidence. The bars below count the predictions of each bin.
 */
export function reliabilityDiagram(options: ReliabilityOptions): string {
  const bins = options.bins.filter(isDrawable);
  if (bins.length === 0) return emptyChart(options, 'Nothing to show: no predictions in any bin.');

  const width = chartWidth(options);
  const x = valueScale([], {
    domain: [0, 1],
    format: 'percent',
    label: options.confidenceLabel ?? 'predicted probability',
  });
  const y = valueScale([], { domain: [0, 1], format: 'percent', label: options.accuracyLabel ?? 'observed share' });
  const top = header(options);
  const left = PADDING + 42;
  const right = width - PADDING - 16;
  const side = Math.min(right - left, 300);
  const area: PlotArea = { left, right, top: top.bottom + 24, bottom: top.bottom + 24 + side };
  const counts: PlotArea = { left, right, top: area.bottom + 12, bottom: area.bottom + 12 + COUNTS };
  const height = options.height ?? counts.bottom + 34 + PADDING;
  const px = x.project(area.left, area.right);
  const py = y.project(area.bottom, area.top);
  const tone = options.tone ?? 'blue';
  return frame(
    options,
    { width, height },
    describe(bins),
    top.markup,
    verticalAxis(area, y),
    horizontalAxis(counts, x),
    element('line', { class: 'bc-reference', x1: px(0), y1: py(0), x2: px(1), y2: py(1) }),
    element('text', { class: 'bc-muted bc-halo', x: px(0.03), y: py(0.93) }, 'underconfident'),
    element('text', { class: 'bc-muted bc-halo', x: px(0.97), y: py(0.04), 'text-anchor': 'end' }, 'overconfident'),
    element(
      'g',
      { class: `bc-${tone}` },
      distance(bins, px, py),
      bins.map((bin) => point(bin, px, py)),
      countBars(bins, counts, px),
    ),
    element('text', { class: 'bc-muted', x: left - 7, y: counts.bottom - 2, 'text-anchor': 'end' }, 'count'),
  );
}

/** Bins that hold predictions, with probabilities that are some. */
function isDrawable(bin: ReliabilityBin): boolean {
  const probabilities = [bin.lower, bin.upper, bin.confidence, bin.accuracy];
  return (
    bin.count > 0 && bin.count <= Number.MAX_SAFE_INTEGER && probabilities.every((value) => value >= 0 && value <= 1)
  );
}

/** The area between the diagonal and the line through the bins. */
function distance(bins: readonly ReliabilityBin[], px: (v: number) => number, py: (v: number) => number): Markup {
  const ordered = bins.toSorted((a, b) => a.confidence - b.confidence);
  const at = (x: number, y: number): string => `${coordinate(px(x))} ${coordinate(py(y))}`;
  const observed = ordered.map((bin) => at(bin.confidence, bin.accuracy));
  const ideal = ordered.toReversed().map((bin) => at(bin.confidence, bin.confidence));
  return fragment(
    element('path', { class: 'bc-band', d: `M${[...observed, ...ideal].join('L')}Z` }),
    element('path', { class: 'bc-thin', d: `M${observed.join('L')}` }),
  );
}

function point(bin: ReliabilityBin, px: (v: number) => number, py: (v: number) => number): Markup {
  const x = px(bin.confidence);
  const interval = bin.interval?.every(Number.isFinite) === true ? bin.interval : undefined;
  const whisker =
    interval === undefined
      ? null
      : `M${coordinate(x)} ${coordinate(py(interval[0]))}V${coordinate(py(interval[1]))}` +
        interval.map((end) => `M${coordinate(x - 3)} ${coordinate(py(end))}H${coordinate(x + 3)}`).join('');
  const range =
    interval === undefined
      ? ''
      : ` (${formatNumber(interval[0], 'percent')} to ${formatNumber(interval[1], 'percent')})`;
  return element(
    'g',
    {},
    hover(
      `Predicted ${formatNumber(bin.confidence, 'percent')}, observed ${formatNumber(bin.accuracy, 'percent')}${range}, ` +
        `${formatNumber(bin.count, 'integer')} predictions`,
    ),
    whisker === null ? null : element('path', { class: 'bc-thin', d: whisker }),
    element('circle', { class: 'bc-dot', cx: x, cy: py(bin.accuracy), r: 5 }),
  );
}

function countBars(bins: readonly ReliabilityBin[], area: PlotArea, px: (v: number) => number): Markup {
  const most = Math.max(...bins.map((bin) => bin.count));
  const labelled = bins.length <= 12;
  return fragment(
    bins.map((bin) => {
      const [left, right] = [px(Math.min(bin.lower, bin.upper)), px(Math.max(bin.lower, bin.upper))];
      const height = Math.max(1, (bin.count / most) * (COUNTS - 14));
      const text = formatNumber(bin.count, 'integer', 2);
      return fragment(
        element(
          'rect',
          { class: 'bc-soft', x: left + 1, y: area.bottom - height, width: Math.max(0.5, right - left - 2), height },
          hover(`${formatNumber(bin.count, 'integer')} predictions`),
        ),
        labelled && right - left >= 20
          ? element(
              'text',
              {
                class: 'bc-muted bc-small',
                x: (left + right) / 2,
                y: area.bottom - height - 3,
                'text-anchor': 'middle',
              },
              text,
            )
          : null,
      );
    }),
  );
}

function describe(bins: readonly ReliabilityBin[]): string {
  const total = bins.reduce((sum, bin) => sum + bin.count, 0);
  const distances = bins.map((bin) => (bin.count / total) * Math.abs(bin.accuracy - bin.confidence));
  const expected = distances.reduce((sum, each) => sum + each, 0);
  const worst = bins.reduce((a, b) =>
    Math.abs(b.accuracy - b.confidence) > Math.abs(a.accuracy - a.confidence) ? b : a,
  );
  return (
    `Reliability diagram of ${formatNumber(total, 'integer')} predictions in ${bins.length} bins. Mean distance to the ` +
    `diagonal, weighted by count, ${formatNumber(expected, 'percent')}; farthest where ` +
    `${formatNumber(worst.confidence, 'percent')} was predicted and ${formatNumber(worst.accuracy, 'percent')} observed.`
  );
}
