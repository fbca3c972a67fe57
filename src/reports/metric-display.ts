import { formatNumber, formatSigned, type NumberFormat } from '../charts/index.js';
import type { Figure } from './train-report-input.js';

/** How a metric is named and written, and which way is better. */
export interface MetricDisplay {
  readonly label: string;
  readonly format: NumberFormat;
  readonly higherIsBetter: boolean;
}

const METRICS: Readonly<Record<string, MetricDisplay>> = {
  accuracy: { label: 'accuracy', format: 'percent', higherIsBetter: true },
  balancedAccuracy: { label: 'balanced accuracy', format: 'percent', higherIsBetter: true },
  precision: { label: 'precision', format: 'percent', higherIsBetter: true },
  recall: { label: 'recall', format: 'percent', higherIsBetter: true },
  f1: { label: 'F1', format: 'number', higherIsBetter: true },
  rocAuc: { label: 'ROC AUC', format: 'number', higherIsBetter: true },
  prAuc: { label: 'PR AUC', format: 'number', higherIsBetter: true },
  r2: { label: 'R²', format: 'number', higherIsBetter: true },
  logLoss: { label: 'log loss', format: 'number', higherIsBetter: false },
  brier: { label: 'Brier score', format: 'number', higherIsBetter: false },
  ece: { label: 'calibration error', format: 'percent', higherIsBetter: false },
  rmse: { label: 'RMSE', format: 'number', higherIsBetter: false },
  mae: { label: 'MAE', format: 'number', higherIsBetter: false },
  mape: { label: 'MAPE', format: 'percent', higherIsBetter: false },
  loss: { label: 'loss', format: 'number', higherIsBetter: false },
};

/** The display of `metric`; one that is not known is written as a plain number under its own name. */
export function metricDisplay(metric: string): MetricDisplay {
  return Object.hasOwn(METRICS, metric) && METRICS[metric] !== undefined
    ? METRICS[metric]
    : { label: metric, format: 'number', higherIsBetter: true };
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
