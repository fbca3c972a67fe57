import { type Child, element, formatNumber, type Markup } from '../../charts/index.js';
import type { FairnessMetric, Figure } from '../../evaluation/index.js';
import { intervalText } from '../metric-display.js';
import { type TableColumn, table } from '../page.js';
import { fairnessOf, sensitiveColumns } from '../plots/evaluation.js';
import type { ReportRun } from '../train-report-input.js';
import { roleMark } from './figures.js';

const METRICS: Readonly<Record<FairnessMetric, { label: string; ideal: string }>> = {
  demographicParityDifference: { label: 'demographic parity difference', ideal: 'even at 0' },
  demographicParityRatio: { label: 'demographic parity ratio', ideal: 'even at 1; below 0.8 is disparate impact' },
  equalizedOddsDifference: { label: 'equalized odds difference', ideal: 'even at 0' },
};

/** How evenly each run treats the groups of each sensitive column. */
export function fairnessTables(runs: readonly ReportRun[]): Markup[] {
  return sensitiveColumns(runs).map((column) => {
    const found = runs.map((run) => fairnessOf(run, column));
    const favourable = found.find((each) => each?.favourable !== undefined)?.favourable;
    const columns: TableColumn[] = [
      { label: 'Measure' },
      ...runs.map((run) => ({ label: roleMark(run.role), number: true })),
    ];
    const rows = (Object.keys(METRICS) as FairnessMetric[]).map((metric): Child[] => [
      [METRICS[metric].label, element('small', {}, METRICS[metric].ideal)],
      ...found.map((each) => figureCell(each?.metrics[metric], each?.omitted[metric])),
    ]);
    const name = `Between the groups of ${column}`;
    const caption: Child =
      favourable === undefined ? name : [name, element('small', {}, ` favourable prediction: ${favourable}`)];
    return element('div', { class: 'stack' }, table(name, columns, rows, caption));
  });
}

function figureCell(figure: Figure | undefined, omitted: string | undefined): Child {
  if (figure === undefined) return ['\u2013', omitted === undefined ? null : element('small', {}, omitted)];
  return [formatNumber(figure.value), element('small', {}, intervalText(figure.interval, 'number'))];
}
