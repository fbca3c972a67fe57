import { formatNumber } from '../charts/index.js';
import type { CalibrationReport } from '../evaluation/calibrators/report.js';
import type { MetricComparison } from '../evaluation/compare-all.js';
import type { FairnessEvaluation } from '../evaluation/fairness.js';
import type { FormulaFigure } from '../evaluation/formula/formula.js';
import type { SliceSearch } from '../evaluation/slices/find-slices.js';
import type { StressReport } from '../evaluation/stress/stress.js';
import type { PairEffect } from '../tuning/factorial.js';
import type { Worth } from '../tuning/worth.js';
import { differenceFormat, intervalText, metricDisplay, metricText, signedText } from './metric-display.js';
import { figureCells, styles } from './terminal-style.js';
import { type TerminalColumn, type TerminalOptions, terminalTable } from './terminal-table.js';
import { byWorth } from './worth.js';

/** What each regularizer of an ablation is worth, the one that helps most first. */
export function worthTable(worth: readonly Worth[], primaryMetric: string, options: TerminalOptions = {}): string {
  const style = styles(options);
  const tone = { helped: style.good, hurt: style.bad, 'no clear difference': style.dim };
  const columns: TerminalColumn[] = [
    { label: 'with it, minus without', shrinkTo: 14 },
    { label: metricDisplay(primaryMetric).label, align: 'right' },
    { label: '95% interval', align: 'right' },
    { label: 'gap', align: 'right', optional: 1 },
    { label: 'ECE', align: 'right', optional: 2 },
    { label: 'verdict' },
  ];
  const rows = byWorth(worth, primaryMetric).map(({ regularizer, score, gap, ece }) => [
    regularizer,
    score === undefined ? '\u2013' : signedText(primaryMetric, score.difference.value),
    {
      text: score === undefined ? '' : intervalText(score.difference.interval, differenceFormat(primaryMetric)),
      style: style.dim,
    },
    gap === undefined ? '\u2013' : signedText(primaryMetric, gap.difference.value),
    ece === undefined ? '\u2013' : signedText('ece', ece.difference.value),
    score === undefined ? '' : { text: score.verdict, style: tone[score.verdict] },
  ]);
  return terminalTable(columns, rows, style.dim, options.width);
}

/** Calibration before and after, and every method that was tried. */
export function calibrationTable(report: CalibrationReport, options: TerminalOptions = {}): string {
  const style = styles(options);
  const columns: TerminalColumn[] = [
    { label: `${report.method}, ${report.rows} rows`, shrinkTo: 14 },
    { label: 'before', align: 'right' },
    { label: '95% interval', align: 'right', optional: 2 },
    { label: 'after', align: 'right' },
    { label: '95% interval', align: 'right', optional: 1 },
  ];
  const rows = Object.keys(report.before).map((metric) => {
    const { label, format } = metricDisplay(metric);
    return [
      label,
      ...figureCells(metric, report.before[metric], format, style.dim),
      ...figureCells(metric, report.after[metric], format, style.dim),
    ];
  });
  const tried: TerminalColumn[] = [
    { label: 'method' },
    { label: 'log loss', align: 'right' },
    { label: 'ECE', align: 'right' },
  ];
  const candidates = report.candidates.map(({ method, logLoss, ece }) => [
    { text: method, ...(method === report.method ? { style: style.bold } : {}) },
    formatNumber(logLoss),
    metricText('ece', ece),
  ]);
  return [
    terminalTable(columns, rows, style.dim, options.width),
    ...(candidates.length < 2 ? [] : ['', terminalTable(tried, candidates, style.dim, options.width)]),
  ].join('\n');
}

/**
 * Pairs of regularizers in a factorial: quality gained by the first alone, the second alone and both, above 0 is better
 * whatever the metric's direction.
 */
export function interactionTable(pairs: readonly PairEffect[], options: TerminalOptions = {}): string {
  const style = styles(options);
  const tone = { synergy: style.good, clash: style.bad, 'no clear interaction': style.dim };
  const columns: TerminalColumn[] = [
    { label: 'pair', shrinkTo: 16 },
    { label: 'first', align: 'right' },
    { label: 'second', align: 'right' },
    { label: 'both', align: 'right' },
    { label: 'beyond the sum', align: 'right' },
    { label: '95% interval', align: 'right', optional: 1 },
    { label: 'verdict' },
  ];
  const rows = pairs.map(({ first, second, metric, firstAlone, secondAlone, both, interaction, verdict }) => [
    `${first} + ${second}`,
    signedText(metric, firstAlone.value),
    signedText(metric, secondAlone.value),
    signedText(metric, both.value),
    signedText(metric, interaction.value),
    { text: intervalText(interaction.interval, differenceFormat(metric)), style: style.dim },
    { text: verdict, style: tone[verdict] },
  ]);
  return terminalTable(columns, rows, style.dim, options.width);
}

/** Suspects shown in a terminal; all of them are in the document. */
const MOST_SUSPECTS = 20;

/** Rows whose labels are probably wrong, most certain first. */
export function suspectsTable(
  suspects: readonly {
    readonly row: number;
    readonly given: string;
    readonly suggested: string;
    readonly probability: { readonly given: number; readonly suggested: number };
  }[],
  options: TerminalOptions = {},
): string {
  const style = styles(options);
  const columns: TerminalColumn[] = [
    { label: 'row', align: 'right' },
    { label: 'given', shrinkTo: 8 },
    { label: 'its probability', align: 'right', optional: 1 },
    { label: 'suggested', shrinkTo: 8 },
    { label: 'its probability', align: 'right' },
  ];
  const rows = suspects
    .slice(0, MOST_SUSPECTS)
    .map(({ row, given, suggested, probability }) => [
      String(row),
      { text: given, style: style.bad },
      { text: formatNumber(probability.given, 'percent') },
      { text: suggested, style: style.good },
      { text: formatNumber(probability.suggested, 'percent') },
    ]);
  const more = suspects.length - rows.length;
  const table = terminalTable(columns, rows, style.dim, options.width);
  return more > 0 ? `${table}\n${style.dim(`and ${more} more (--json lists all)`)}` : table;
}

/** Quality lost to corrupted rows, by corruption and severity; what is clearly worse is marked. */
export function stressTable(
  { metric, rows, clean, results, worst }: StressReport,
  options: TerminalOptions = {},
): string {
  const style = styles(options);
  const severities = [1, 2, 3, 4, 5];
  const columns: TerminalColumn[] = [
    { label: `${metricDisplay(metric).label} lost, of ${metricText(metric, clean)} on ${rows} rows`, shrinkTo: 20 },
    ...severities.map((severity) => ({ label: `severity ${severity}`, align: 'right' as const })),
  ];
  const lines = worst.map(({ corruption }) => [
    corruption,
    ...severities.map((severity) => {
      const { lost } = results.find((each) => each.corruption === corruption && each.severity === severity)!;
      return {
        text: formatNumber(lost.value, differenceFormat(metric)),
        style: lost.interval[0] > 0 ? style.bad : style.dim,
      };
    }),
  ]);
  return terminalTable(columns, lines, style.dim, options.width);
}

/** Slices with larger errors, confirmed on rows that had no part in finding them. */
export function slicesTable({ slices, searched, rows, error }: SliceSearch, options: TerminalOptions = {}): string {
  const style = styles(options);
  const how = `${searched} slices searched on ${rows.search} rows, confirmed on ${rows.confirm} others; mean error ${formatNumber(error)}`;
  if (slices.length === 0) return `No slice is clearly worse than the rest (${how}).`;
  const columns: TerminalColumn[] = [
    { label: 'slice', shrinkTo: 24 },
    { label: 'rows', align: 'right' },
    { label: 'error', align: 'right' },
    { label: 'rest', align: 'right' },
    { label: 'difference', align: 'right' },
    { label: '95% interval', align: 'right', optional: 1 },
    { label: 'p, adjusted', align: 'right', optional: 2 },
  ];
  const lines = slices.map(({ conditions, rows: inside, error: here, rest, difference, pValue }) => [
    conditions.map(({ column, value }) => `${column} ${value}`).join(', '),
    String(inside),
    formatNumber(here),
    formatNumber(rest),
    { text: formatNumber(difference.value), style: style.bad },
    { text: difference.interval.map((bound) => formatNumber(bound)).join(' to '), style: style.dim },
    { text: pValue < 1e-4 ? '< 0.0001' : pValue.toFixed(4), style: style.dim },
  ]);
  return [terminalTable(columns, lines, style.dim, options.width), style.dim(how)].join('\n');
}

/** Mean and sum of each formula, and of the rows of each class. */
export function formulasTable(figures: readonly FormulaFigure[], options: TerminalOptions = {}): string {
  const style = styles(options);
  const columns: TerminalColumn[] = [
    { label: 'formula', shrinkTo: 24 },
    { label: 'a row', align: 'right' },
    { label: '95% interval', align: 'right' },
    { label: 'all rows', align: 'right' },
  ];
  const told = figures.flatMap(({ name, mean, total, perClass }) => [
    { name, mean, total },
    ...Object.entries(perClass).map(([label, sum]) => ({ name: `  ${label}`, mean: sum.mean, total: sum.total })),
  ]);
  const lines = told.map(({ name, mean, total }) => [
    name,
    mean === undefined ? '\u2013' : formatNumber(mean.value),
    {
      text: mean === undefined ? '' : mean.interval.map((bound) => formatNumber(bound)).join(' to '),
      style: style.dim,
    },
    formatNumber(total),
  ]);
  return terminalTable(columns, lines, style.dim, options.width);
}

/** A ratio of selection rates below this is disparate impact: the four-fifths rule of the US EEOC (29 CFR 1607.4 D). */
const FOUR_FIFTHS = 0.8;

/** The rates of each group, and how far apart they are. */
export function fairnessTable(
  { column, favourable, groups, metrics, omitted }: FairnessEvaluation,
  options: TerminalOptions = {},
): string {
  const style = styles(options);
  const percent = (figure: { value: number } | undefined): string =>
    figure === undefined ? '\u2013' : formatNumber(figure.value, 'percent');
  const columns: TerminalColumn[] = [
    { label: `${column}${favourable === undefined ? '' : `, predicted ${favourable}`}`, shrinkTo: 16 },
    { label: 'rows', align: 'right' },
    { label: 'selected', align: 'right' },
    { label: '95% interval', align: 'right', optional: 1 },
    { label: 'true positives', align: 'right' },
    { label: 'false positives', align: 'right' },
  ];
  const lines = groups.map(({ group, rows, compared, selectionRate, truePositiveRate, falsePositiveRate }) => [
    {
      text: `${group ?? 'missing'}${compared ? '' : ' (too few to compare)'}`,
      ...(compared ? {} : { style: style.dim }),
    },
    String(rows),
    percent(selectionRate),
    { text: intervalText(selectionRate.interval, 'percent'), style: style.dim },
    percent(truePositiveRate),
    percent(falsePositiveRate),
  ]);
  const { demographicParityDifference, demographicParityRatio, equalizedOddsDifference } = metrics;
  const told = (label: string, figure: typeof demographicParityRatio, reason: string | undefined): string =>
    figure === undefined
      ? `  ${label}: ${reason ?? 'not measured'}`
      : `  ${label} ${figure.value.toFixed(3)} (${figure.interval.map((bound) => bound.toFixed(3)).join(' to ')})`;
  const impact =
    demographicParityRatio === undefined || demographicParityRatio.value >= FOUR_FIFTHS
      ? ''
      : style.bad(
          demographicParityRatio.interval[1] < FOUR_FIFTHS
            ? ': disparate impact, below four fifths'
            : ': below four fifths, not clearly',
        );
  const reasons = new Set(Object.values(omitted));
  if (Object.keys(metrics).length === 0 && reasons.size === 1) {
    return [terminalTable(columns, lines, style.dim, options.width), `  not compared: ${[...reasons].join()}`].join(
      '\n',
    );
  }
  return [
    terminalTable(columns, lines, style.dim, options.width),
    told('demographic parity difference', demographicParityDifference, omitted.demographicParityDifference),
    `${told('ratio of selection rates', demographicParityRatio, omitted.demographicParityRatio)}${impact}`,
    told('equalized odds difference', equalizedOddsDifference, omitted.equalizedOddsDifference),
  ].join('\n');
}

/** Two models on the same rows, metric by metric. */
export function comparedTable(
  [first, second]: readonly string[],
  rows: number,
  metrics: readonly MetricComparison[],
  options: TerminalOptions = {},
): string {
  const style = styles(options);
  const tone = { helped: style.good, hurt: style.bad, 'no clear difference': style.dim };
  const said = { helped: 'first better', hurt: 'second better', 'no clear difference': 'no clear difference' };
  const columns: TerminalColumn[] = [
    { label: `on the same ${rows} rows`, shrinkTo: 12 },
    { label: 'first', align: 'right' },
    { label: 'second', align: 'right' },
    { label: 'difference', align: 'right' },
    { label: '95% interval', align: 'right' },
    { label: 'p', align: 'right', optional: 2 },
    { label: '', optional: 1 },
  ];
  const lines = metrics.map((each) => [
    metricDisplay(each.metric).label,
    metricText(each.metric, each.first),
    metricText(each.metric, each.second),
    signedText(each.metric, each.difference.value),
    { text: intervalText(each.difference.interval, differenceFormat(each.metric)), style: style.dim },
    each.pValue === undefined ? '' : each.pValue < 1e-4 ? '< 0.0001' : each.pValue.toFixed(4),
    { text: said[each.verdict], style: tone[each.verdict] },
  ]);
  return [`first   ${first}`, `second  ${second}`, '', terminalTable(columns, lines, style.dim, options.width)].join(
    '\n',
  );
}
