import { formatNumber, formatSigned, type NumberFormat } from '../charts/index.js';
import { METRICS, UNIT_METRICS } from '../evaluation/index.js';
import type { Figure } from './train-report-input.js';

/** How a metric is named and written, and which way is better. */
export interface MetricDisplay {
  readonly label: string;
  readonly format: NumberFormat;
  readonly higherIsBetter: boolean;
}

/** Shares of rows and relative errors are read as percentages, everything else as plain numbers. */
const PERCENTAGES = new Set(
  (
    'accuracy balancedAccuracy precision recall fnr fpr precision@k recall@k mape ece eceAdaptive eceClasswise mce ' +
    'ctr wer cer substitutions deletions insertions sentenceErrorRate hallucinationRate'
  ).split(' '),
);

/** Titles that are better read out in full. */
const LABELS: Readonly<Record<string, string>> = {
  ece: 'calibration error (ECE)',
  fnr: 'false negative rate',
  fpr: 'false positive rate',
};

/** The display of `metric`; one that is not known is written as a plain number under its own name. */
export function metricDisplay(metric: string): MetricDisplay {
  const stem = metric.split('@')[0];
  const all = [...METRICS, ...UNIT_METRICS];
  const known = all.find(({ name }) => name === metric) ?? all.find(({ name }) => name.split('@')[0] === stem);
  if (known === undefined) return { label: metric, format: 'number', higherIsBetter: true };
  const parameter = metric.includes('@') ? ` at ${metric.slice(metric.indexOf('@') + 1)}` : '';
  return {
    label: (Object.hasOwn(LABELS, metric) ? LABELS[metric] : inSentence(known.title)) + parameter,
    format: PERCENTAGES.has(known.name) || PERCENTAGES.has(`${stem}@k`) ? 'percent' : 'number',
    higherIsBetter: known.direction === 'higher',
  };
}

/** A title as it stands inside a sentence: `Log loss` becomes `log loss`, `RMSE` and `Brier score` stay. */
function inSentence(title: string): string {
  return /^[A-Z][a-z]/.test(title) && !/^(Brier|Matthews)/.test(title)
    ? title.charAt(0).toLowerCase() + title.slice(1)
    : title;
}

export function metricText(metric: string, value: number): string {
  return formatNumber(value, metricDisplay(metric).format);
}

/** The format of differences of a metric: those of percentages are percentage points. */
export function differenceFormat(metric: string): NumberFormat {
  const { format } = metricDisplay(metric);
  return format === 'percent' ? 'points' : format;
}

/** A difference without its sign: `3.1 pts`. */
export function differenceText(metric: string, value: number): string {
  return formatNumber(value, differenceFormat(metric));
}

export function signedText(metric: string, value: number): string {
  return formatSigned(value, differenceFormat(metric));
}

/** An interval as `1.2 to 5.0 pts`: a unit that both ends share is written once. */
export function intervalText(interval: readonly [number, number], format: NumberFormat): string {
  const [low, high] = interval.map((end) => formatNumber(end, format));
  const unit = '\u00a0pts';
  return format === 'points' && low?.endsWith(unit) === true
    ? `${low.slice(0, -unit.length)} to ${high}`
    : `${low} to ${high}`;
}

/** A figure of a metric with its interval in brackets. */
export function figureText(metric: string, figure: Figure): string {
  const { format } = metricDisplay(metric);
  return `${formatNumber(figure.value, format)} (${intervalText(figure.interval, format)})`;
}
