import { type Child, element, formatNumber, type Markup } from '../../charts/index.js';
import { intervalText, metricDisplay } from '../metric-display.js';
import { type TableColumn, table } from '../page.js';
import { groupsOf } from '../plots/evaluation.js';
import { leadRuns } from '../plots/plot.js';
import type { Figure, ReportRun, TrainReportInput } from '../train-report-input.js';

/** Value above, interval below. */
function figureCell(metric: string, figure: Figure | undefined, omitted?: string): Child {
  if (figure === undefined) return ['\u2013', omitted === undefined ? null : element('small', {}, omitted)];
  const { format } = metricDisplay(metric);
  return [formatNumber(figure.value, format), element('small', {}, intervalText(figure.interval, format))];
}

/** The name of a run with the dot of its colour. */
export function roleMark(role: string): Markup {
  return element('span', { class: `${role}-mark` }, role);
}

/** Every metric on training and validation rows, of both runs. */
export function metricsTable(input: TrainReportInput): Markup {
  const runs = leadRuns(input);
  const metrics = ordered(
    runs.flatMap((run) => Object.keys(run.validation.metrics)),
    input.primaryMetric,
  );
  const columns: TableColumn[] = [
    { label: 'Metric' },
    ...runs.flatMap((run) =>
      (['train', 'validation'] as const).map((split) => ({
        label: [roleMark(run.role), element('small', {}, `${split}, ${formatNumber(run[split].rows, 'integer')} rows`)],
        number: true,
      })),
    ),
  ];
  const rows = metrics.map((metric) => {
    const { label, higherIsBetter } = metricDisplay(metric);
    return [
      [label, element('small', {}, higherIsBetter ? 'higher is better' : 'lower is better')],
      ...runs.flatMap((run) => [
        figureCell(metric, run.train.metrics[metric], run.train.omitted[metric]),
        figureCell(metric, run.validation.metrics[metric], run.validation.omitted[metric]),
      ]),
    ];
  });
  return table('Metrics with 95% intervals', columns, rows);
}

/** How the intervals were made, named once for the page. */
export function intervalMethods(input: TrainReportInput): string {
  const methods = new Map<string, Set<string>>();
  const add = (metric: string, figure: Figure): void => {
    const metrics = methods.get(figure.method) ?? new Set();
    methods.set(figure.method, metrics.add(metricDisplay(metric).label));
  };
  for (const run of leadRuns(input)) {
    for (const [metric, figure] of Object.entries(run.validation.metrics)) add(metric, figure);
    add('gap', run.gap);
  }
  const score = input.comparison?.score;
  if (score !== undefined && !('reason' in score)) add('difference', score.difference);
  return [...methods].map(([method, metrics]) => `${method} (${[...metrics].join(', ')})`).join('; ');
}

/** Figures of every class or slice. */
export function groupTable(input: TrainReportInput, section: 'classes' | 'slices'): Markup | null {
  const runs = leadRuns(input);
  const groups = runs.map((run) => groupsOf(run.validation, section));
  const names = [...new Set(groups.flatMap((group) => group.map(({ name }) => name)))].slice(0, LONGEST_TABLE);
  if (names.length === 0) return null;
  const measured = groups.flat().flatMap((group) => Object.keys(group.metrics));
  // Of a class: how much of it is found, and whether its probability can be taken at its word.
  const first = section === 'classes' ? ['recall', 'precision', 'ece'].filter((name) => measured.includes(name)) : [];
  const metrics = ordered([...first, ...measured], input.primaryMetric).slice(0, 4);
  const columns: TableColumn[] = [
    { label: section === 'classes' ? 'Class' : 'Slice' },
    { label: 'Rows', number: true },
    ...metrics.flatMap((metric) =>
      runs.map((run) => ({
        label: [metricDisplay(metric).label, element('small', {}, roleMark(run.role))],
        number: true,
      })),
    ),
  ];
  const rows = names.map((name) => {
    const found = groups.map((group) => group.find((each) => each.name === name));
    return [
      name,
      formatNumber(found.find((group) => group !== undefined)?.rows ?? Number.NaN, 'integer'),
      ...metrics.flatMap((metric) => found.map((group) => figureCell(metric, group?.metrics[metric]))),
    ];
  });
  return table(section === 'classes' ? 'Validation, class by class' : 'Validation, slice by slice', columns, rows);
}

const LONGEST_TABLE = 200;

/** The primary metric first, the others in their order, each once. */
function ordered(metrics: readonly string[], primary: string): string[] {
  const unique = [...new Set(metrics)];
  return [...unique.filter((metric) => metric === primary), ...unique.filter((metric) => metric !== primary)];
}

/** Weights of each parameter, baseline beside model. */
export function weightsTable(runs: readonly ReportRun[]): Markup | null {
  const names = [...new Set(runs.flatMap((run) => run.weights.map(({ name }) => name)))].slice(0, LONGEST_TABLE);
  if (names.length === 0) return null;
  const columns: TableColumn[] = [
    { label: 'Parameter' },
    { label: 'Values', number: true },
    ...['exactly zero', 'norm'].flatMap((label) =>
      runs.map((run) => ({ label: [label, element('small', {}, roleMark(run.role))], number: true })),
    ),
  ];
  const rows = names.map((name) => {
    const found = runs.map((run) => run.weights.find((each) => each.name === name));
    const count = found.find((weights) => weights !== undefined)?.count ?? Number.NaN;
    return [
      name,
      formatNumber(count, 'integer'),
      ...found.map((weights) => formatNumber(weights?.sparsity ?? Number.NaN, 'percent')),
      ...found.map((weights) => formatNumber(weights?.norm ?? Number.NaN)),
    ];
  });
  return table('Weights, parameter by parameter', columns, rows);
}
