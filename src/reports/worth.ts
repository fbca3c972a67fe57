import { element, intervalPlot, type Markup } from '../charts/index.js';
import type { Worth } from '../tuning/worth.js';
import { differenceFormat, intervalText, metricDisplay, signedText } from './metric-display.js';
import { table } from './page.js';
import type { Plot } from './plots/plot.js';
import type { TrainReportInput } from './train-report-input.js';

/** The regularizer that helps most first; those without a figure last. */
export function byWorth(worth: readonly Worth[], primaryMetric: string): Worth[] {
  const sign = metricDisplay(primaryMetric).higherIsBetter ? 1 : -1;
  const value = ({ score }: Worth): number =>
    score === undefined ? Number.NEGATIVE_INFINITY : sign * score.difference.value;
  return [...worth].sort((a, b) => value(b) - value(a));
}

/** What each regularizer is worth, as dots with their intervals. */
export function worthPlots({ worth = [], primaryMetric }: TrainReportInput): Plot[] {
  if (worth.length === 0) return [];
  const ordered = byWorth(worth, primaryMetric);
  const { label, higherIsBetter } = metricDisplay(primaryMetric);
  const format = differenceFormat(primaryMetric);
  return [
    {
      name: 'worth',
      section: 'worth',
      draw: (standalone) =>
        intervalPlot({
          title: `What each regularizer adds to ${label}`,
          subtitle: `with it minus without it, ${higherIsBetter ? 'right' : 'left'} is better`,
          standalone,
          reference: 0,
          rows: ordered.map(({ regularizer }) => regularizer),
          series: [{ name: 'with \u2212 without', figures: ordered.map(({ score }) => score?.difference) }],
          x: { format, label: format === 'points' ? 'percentage points' : '' },
        }),
    },
  ];
}

/** The figures behind the plot: score, gap and calibration, with intervals and verdicts. */
export function worthTableMarkup({ worth = [], primaryMetric }: TrainReportInput): Markup | null {
  if (worth.length === 0) return null;
  const cell = (metric: string, figure: Worth['score']) =>
    figure === undefined
      ? '\u2013'
      : [
          signedText(metric, figure.difference.value),
          element('small', {}, intervalText(figure.difference.interval, differenceFormat(metric))),
        ];
  return table(
    'What each regularizer is worth',
    [
      { label: 'Regularizer' },
      { label: metricDisplay(primaryMetric).label, number: true },
      { label: 'Gap', number: true },
      { label: 'ECE', number: true },
      { label: 'Verdict' },
    ],
    byWorth(worth, primaryMetric).map(({ regularizer, score, gap, ece }) => [
      element('code', {}, regularizer),
      cell(primaryMetric, score),
      cell(primaryMetric, gap),
      cell('ece', ece),
      score?.verdict ?? '\u2013',
    ]),
  );
}
