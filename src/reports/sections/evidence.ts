import { type Child, element, formatNumber, lineChart, type Markup } from '../../charts/index.js';
import type { Robustness } from '../../evaluation/attacks/robustness.js';
import type { FairnessEvaluation } from '../../evaluation/fairness.js';
import type { FormulaFigure } from '../../evaluation/formula/formula.js';
import type { SliceSearch } from '../../evaluation/slices/find-slices.js';
import type { StressReport } from '../../evaluation/stress/stress.js';
import type { UncertaintyEvaluation } from '../../evaluation/uncertainty.js';
import { differenceFormat, intervalText, metricDisplay } from '../metric-display.js';
import { table } from '../page.js';
import { capital } from '../plots/plot.js';

/** Corruptions that the chart draws: those that cost most. */
const DRAWN_CORRUPTIONS = 6;

/** The risk that is left at each coverage. */
export function riskPlot(uncertainty: readonly UncertaintyEvaluation[]): string {
  return lineChart({
    title: 'Risk among the surest rows',
    series: uncertainty.map(({ measure, riskCoverage }) => ({
      name: measure,
      points: riskCoverage.map(({ coverage, risk }) => ({ x: coverage, y: risk })),
    })),
    x: { label: 'share of rows answered', format: 'percent' },
    y: { label: 'risk', include: [0] },
    names: 'legend',
  });
}

/** How well each uncertainty tells errors. */
export function uncertaintyTable(uncertainty: readonly UncertaintyEvaluation[]): Markup {
  const columns = [
    { label: 'Uncertainty' },
    { label: 'AUROC of errors', number: true },
    { label: 'Interval', number: true },
    { label: 'Area under risk-coverage', number: true },
    { label: 'Above the best order', number: true },
  ];
  const rows = uncertainty.map(({ measure, errorAuroc, aurc, excessAurc }) => [
    measure,
    errorAuroc === undefined ? '\u2013' : formatNumber(errorAuroc.value),
    errorAuroc === undefined ? '' : intervalText(errorAuroc.interval, 'number'),
    formatNumber(aurc),
    formatNumber(excessAurc),
  ]);
  return table('Uncertainty against error', columns, rows);
}

/** Slices that are clearly worse. */
export function weakSlicesContent({ slices }: SliceSearch): Markup {
  if (slices.length === 0) return element('p', {}, 'No slice is clearly worse than the rest.');
  const columns = [
    { label: 'Slice' },
    ...['Rows', 'Error', 'Rest', 'Difference', 'Interval', 'p, adjusted'].map((label) => ({ label, number: true })),
  ];
  const rows = slices.map(({ conditions, rows: inside, error, rest, difference, pValue }) => [
    conditions.map(({ column, value }) => `${column} ${value}`).join(', '),
    formatNumber(inside, 'integer'),
    formatNumber(error),
    formatNumber(rest),
    formatNumber(difference.value),
    intervalText(difference.interval, 'number'),
    pValue < 1e-4 ? '< 0.0001' : pValue.toFixed(4),
  ]);
  return element(
    'div',
    { class: 'stack' },
    table('Slices with larger errors, on rows that had no part in finding them', columns, rows),
  );
}

/** Mean and sum of each formula, with what it says, and of each class and slice. */
export function formulasContent(figures: readonly FormulaFigure[]): Markup {
  const columns = [
    { label: 'Formula' },
    { label: 'Of each row' },
    ...['Mean', 'Interval', 'Sum'].map((label) => ({ label, number: true })),
  ];
  const told = figures.flatMap(({ perClass, slices, ...whole }) => [
    whole,
    ...Object.entries(perClass).map(([label, sum]) => ({ name: `of ${label}`, expression: '', ...sum })),
    ...slices.map((sum) => ({ name: `${sum.slice} ${sum.value ?? 'missing'}`, expression: '', ...sum })),
  ]);
  const rows = told.map(({ name, expression, mean, total }) => [
    name,
    expression,
    mean === undefined ? '\u2013' : formatNumber(mean.value),
    mean === undefined ? '' : intervalText(mean.interval, 'number'),
    formatNumber(total),
  ]);
  return table('Formulas over the rows', columns, rows);
}

/** Loss by severity, of the corruptions that cost most. */
export function stressPlot({ metric, results, worst }: StressReport): string {
  const format = differenceFormat(metric);
  return lineChart({
    title: `${capital(metricDisplay(metric).label)} lost by severity`,
    series: worst.slice(0, DRAWN_CORRUPTIONS).map(({ corruption }) => ({
      name: corruption,
      points: results
        .filter((each) => each.corruption === corruption)
        .map(({ severity, lost }) => ({ x: severity, y: lost.value, lo: lost.interval[0], hi: lost.interval[1] })),
    })),
    x: { label: 'severity', format: 'integer' },
    y: { label: 'lost', format, include: [0] },
    names: 'legend',
  });
}

/** Loss of every corruption at every severity. */
export function stressTable({ metric, results, worst, clean }: StressReport): Markup {
  const { label, format } = metricDisplay(metric);
  const columns = [
    { label: 'Corruption' },
    ...[1, 2, 3, 4, 5].map((severity) => ({ label: `Severity ${severity}`, number: true })),
  ];
  const rows = worst.map(({ corruption }): Child[] => [
    corruption,
    ...results
      .filter((each) => each.corruption === corruption)
      .map(
        ({ lost }): Child => [
          formatNumber(lost.value, differenceFormat(metric)),
          element('small', {}, intervalText(lost.interval, differenceFormat(metric))),
        ],
      ),
  ]);
  return table(`${capital(label)} lost, of ${formatNumber(clean, format)} on the rows as they are`, columns, rows);
}

/** Accuracy under attack, and whether the attack means anything. */
export function robustnessContent({ attack, rows, accuracy, robustAccuracy, masking }: Robustness): Markup {
  const { method, norm, epsilon, steps, restarts } = attack;
  const failed = masking.checks.filter(({ passed }) => !passed);
  const how = `${method}, ${norm} ball of ${epsilon} in the unit of the encoded inputs, ${steps} steps, ${restarts} restarts, ${rows} rows.`;
  const columns = [{ label: 'Accuracy' }, { label: 'Value', number: true }, { label: 'Interval', number: true }];
  const cells = [['as they are', accuracy] as const, ['under attack (an upper bound)', robustAccuracy] as const].map(
    ([name, { value, interval }]) => [name, formatNumber(value, 'percent'), intervalText(interval, 'percent')],
  );
  return element(
    'div',
    { class: 'stack' },
    element('p', { class: 'lead' }, how),
    table('Accuracy as rows are and under attack', columns, cells),
    masking.suspected
      ? element(
          'p',
          {},
          `Gradients may be masked, so that this means little: ${failed.map(({ message }) => message).join('; ')}.`,
        )
      : null,
  );
}

/** Rates of each group, and how far apart they are. */
export function fairnessTable({ column, favourable, groups, metrics, omitted }: FairnessEvaluation): Markup {
  const percent = (each: { value: number } | undefined): string =>
    each === undefined ? '\u2013' : formatNumber(each.value, 'percent');
  const columns = [
    { label: column },
    ...['Rows', 'Selected', 'Interval', 'True positives', 'False positives'].map((label) => ({ label, number: true })),
  ];
  const rows = groups.map(({ group, rows: count, compared, selectionRate, truePositiveRate, falsePositiveRate }) => [
    `${group ?? 'missing'}${compared ? '' : ' (too few to compare)'}`,
    formatNumber(count, 'integer'),
    percent(selectionRate),
    intervalText(selectionRate.interval, 'percent'),
    percent(truePositiveRate),
    percent(falsePositiveRate),
  ]);
  const told = Object.entries({
    'demographic parity difference': 'demographicParityDifference',
    'ratio of selection rates': 'demographicParityRatio',
    'equalized odds difference': 'equalizedOddsDifference',
  } as const).map(([label, name]) => {
    const value = metrics[name];
    return value === undefined
      ? `${label}: ${omitted[name] ?? 'not measured'}`
      : `${label} ${formatNumber(value.value)} (${intervalText(value.interval, 'number')})`;
  });
  const caption = `${column}${favourable === undefined ? '' : `, favourable prediction ${favourable}`}: ${[...new Set(told)].join('; ')}`;
  return table(`Groups of ${column}`, columns, rows, caption);
}
