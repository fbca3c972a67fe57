import { formatNumber, formatSeconds } from '../charts/index.js';
import type { Ledger, ModelComparison } from '../evaluation/index.js';
import type { RunSummary } from '../store/index.js';
import { claim } from './claim.js';
import { differenceFormat, intervalText, metricDisplay, metricText, signedText } from './metric-display.js';
import { sparkline } from './sparkline.js';
import { figureCells, type Styles, styles } from './terminal-style.js';
import {
  type CellStyle,
  printable,
  type TerminalCell,
  type TerminalColumn,
  type TerminalOptions,
  terminalTable,
} from './terminal-table.js';
import type { Evaluation, Figure, ReportRun } from './train-report-input.js';

/** What the comparison of a training's runs shows. */
export interface ComparisonTableInput {
  readonly runs: readonly ReportRun[];
  readonly primaryMetric: string;
  readonly comparison?: ModelComparison;
}

/**
 * Baseline and model side by side: validation metrics and the gap with intervals, the change, curves as sparklines,
 * and the verdict as a sentence below.
 */
export function comparisonTable(input: ComparisonTableInput, options: TerminalOptions = {}): string {
  const { primaryMetric } = input;
  const style = styles(options);
  const runs = (['baseline', 'model'] as const).flatMap((role) => input.runs.find((run) => run.role === role) ?? []);
  const metrics = [...new Set([primaryMetric, ...runs.flatMap((run) => Object.keys(run.validation.metrics))])];
  const columns: TerminalColumn[] = [
    { label: 'validation', shrinkTo: 12 },
    ...runs.flatMap((run, index): TerminalColumn[] => [
      { label: run.role, align: 'right' },
      { label: '95% interval', align: 'right', optional: 3 - index },
    ]),
    ...(runs.length === 2 ? [{ label: 'change', align: 'right', optional: 1 } as const] : []),
  ];
  const rows = metrics.map((metric) => {
    const figures = runs.map((run) => run.validation.metrics[metric]);
    return [
      { text: metricDisplay(metric).label, ...(metric === primaryMetric ? { style: style.bold } : {}) },
      ...figures.flatMap((figure) => figureCells(metric, figure, metricDisplay(metric).format, style.dim)),
      ...(runs.length === 2 ? [changeCell(metric, figures, metricDisplay(metric).higherIsBetter, style)] : []),
    ];
  });
  const gaps = runs.map((run) => run.gap);
  rows.push([
    { text: 'gap from train', style: style.bold },
    ...gaps.flatMap((gap) => figureCells(primaryMetric, gap, differenceFormat(primaryMetric), style.dim)),
    ...(runs.length === 2 ? [changeCell(primaryMetric, gaps, false, style)] : []),
  ]);
  return [
    terminalTable(columns, rows, style.dim, options.width),
    '',
    ...curves(runs, primaryMetric, style, options.width ?? 80),
    ...(input.comparison === undefined ? [] : ['', verdictLine(input.comparison, style)]),
  ].join('\n');
}

/** More classes than this are in the report, not in the terminal. */
const MOST_CLASSES = 12;

/**
 * What becomes of each class: recall and calibration error of baseline and model, the rarest class first. A mean can
 * hide that a regularizer helps common classes at the cost of rare ones.
 */
export function classesTable(input: Pick<ComparisonTableInput, 'runs'>, options: TerminalOptions = {}): string {
  const style = styles(options);
  const runs = (['baseline', 'model'] as const).flatMap((role) => input.runs.find((run) => run.role === role) ?? []);
  const names = Object.keys(runs[0]?.validation.perClass ?? {});
  if (names.length < 2 || names.length > MOST_CLASSES) return '';
  const rowsOf = (name: string): number => runs[0].validation.perClass[name].rows;
  const shown = ['recall', 'ece'] as const;
  const columns: TerminalColumn[] = [
    { label: 'class', shrinkTo: 8 },
    { label: 'rows', align: 'right', optional: 3 },
    ...shown.flatMap((metric, at): TerminalColumn[] => [
      ...runs.map((run) => ({ label: `${metric} ${run.role}`, align: 'right' as const })),
      ...(runs.length === 2 ? [{ label: 'change', align: 'right', optional: 1 + at } as const] : []),
    ]),
  ];
  const rows = [...names]
    .sort((a, b) => rowsOf(a) - rowsOf(b))
    .map((name) => [
      { text: name },
      { text: String(rowsOf(name)), style: style.dim },
      ...shown.flatMap((metric) => {
        const figures = runs.map((run) => run.validation.perClass[name]?.[metric]);
        return [
          ...figures.map((figure) => ({ text: figure === undefined ? '\u2013' : metricText(metric, figure.value) })),
          ...(runs.length === 2 ? [changeCell(metric, figures, metricDisplay(metric).higherIsBetter, style)] : []),
        ];
      }),
    ]);
  return terminalTable(columns, rows, style.dim, options.width);
}

function curves(runs: readonly ReportRun[], metric: string, style: Styles, width: number): string[] {
  const drawn = runs.filter((run) => run.history.length > 0);
  if (drawn.length === 0) return [];
  const longest = Math.max(...drawn.map((run) => run.history.length));
  const all = drawn.flatMap(({ history }) =>
    history.flatMap((epoch) => [epoch.train[metric], epoch.validation[metric]]),
  );
  const finite = all.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
  const range = [Math.min(...finite), Math.max(...finite)] as const;
  const room = Math.max(8, Math.min(48, width - 44));
  return drawn.flatMap((run) =>
    (['train', 'validation'] as const).map((split) => {
      const values = run.history.map((epoch) => epoch[split][metric] ?? Number.NaN);
      const line = sparkline(values, Math.max(1, Math.round((room * values.length) / longest)), range);
      const last = metricText(metric, values.at(-1) ?? Number.NaN);
      const name = `${metricDisplay(metric).label}, ${run.role} ${split}`.padEnd(30);
      return `${style.dim(name)} ${(run.role === 'model' ? style.model : style.baseline)(line)} ${last}`;
    }),
  );
}

function verdictLine(comparison: ModelComparison, style: Styles): string {
  const { verdict } = comparison;
  const mark =
    verdict === 'helped' ? style.good('\u2714') : verdict === 'hurt' ? style.bad('\u2718') : style.dim('\u25cb');
  return `${mark} ${printable(claim(comparison))}`;
}

/** Every metric of one evaluation with its interval and how the interval was made. */
export function metricsTable(evaluation: Pick<Evaluation, 'metrics'>, options: TerminalOptions = {}): string {
  const style = styles(options);
  const columns: TerminalColumn[] = [
    { label: 'metric', shrinkTo: 12 },
    { label: 'value', align: 'right' },
    { label: '95% interval', align: 'right' },
    { label: 'method', shrinkTo: 8, optional: 1 },
  ];
  const rows = Object.entries(evaluation.metrics).map(([metric, figure]) => [
    metricDisplay(metric).label,
    ...figureCells(metric, figure, metricDisplay(metric).format),
    { text: figure.method, style: style.dim },
  ]);
  return terminalTable(columns, rows, style.dim, options.width);
}

/** The gap ledger: each stage, its value and the quality lost since the stage before, the largest loss marked. */
export function ledgerTable(ledger: Ledger, options: TerminalOptions = {}): string {
  const style = styles(options);
  const { metric, stages, largest } = ledger;
  const format = differenceFormat(metric);
  const columns: TerminalColumn[] = [
    { label: 'stage', shrinkTo: 10 },
    { label: metricDisplay(metric).label, align: 'right' },
    { label: '95% interval', align: 'right', optional: 1 },
    { label: 'lost', align: 'right' },
    { label: '95% interval', align: 'right', optional: 2 },
  ];
  const rows = stages.map(({ stage, value, interval, delta, deltaInterval }) => [
    stage,
    metricText(metric, value),
    { text: intervalText(interval, metricDisplay(metric).format), style: style.dim },
    {
      text: delta === null ? '' : formatNumber(delta, format),
      ...(stage === largest ? { style: style.bad } : {}),
    },
    { text: deltaInterval === null ? '' : intervalText(deltaInterval, format), style: style.dim },
  ]);
  const branch = stages.some(({ stage }) => stage === 'stress');
  const table = terminalTable(columns, rows, style.dim, options.width);
  return branch
    ? `${table}\n${style.dim('stress: each row gone wrong in one way, against the same rows as they are; no stage after it is compared with it')}`
    : table;
}

/** What a list of runs shows beside the runs. */
export interface RunsTableOptions extends TerminalOptions {
  /** Last values of metrics by run id; each metric is a column. */
  readonly metrics?: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** One line per run: what it is, which experiment it is part of, how it went, how long it took, and chosen metrics. */
export function runsTable(runs: readonly RunSummary[], options: RunsTableOptions = {}): string {
  if (runs.length === 0) return 'No runs.';
  const style = styles(options);
  const metrics = [...new Set([...(options.metrics?.values() ?? [])].flatMap((values) => Object.keys(values)))];
  const columns: TerminalColumn[] = [
    { label: 'run' },
    { label: 'name', shrinkTo: 16 },
    { label: 'experiment', shrinkTo: 8 },
    { label: 'its id' },
    { label: 'kind', optional: 6 },
    { label: 'status' },
    ...metrics.map((metric) => ({ label: metricDisplay(metric).label, align: 'right' as const })),
    { label: 'seed', align: 'right', optional: 3 },
    { label: 'regularizers', optional: 2 },
    { label: 'started', optional: 1 },
    { label: 'time', align: 'right', optional: 5 },
  ];
  const rows = runs.map((run): (TerminalCell | string)[] => {
    const values = options.metrics?.get(run.id) ?? {};
    return [
      { text: run.id.slice(0, 12), style: style.bold },
      { text: run.name, ...(run.role === undefined ? {} : { style: style[run.role] }) },
      run.experiment,
      run.groupId?.slice(0, 8) ?? '',
      run.kind,
      { text: run.status, ...statusStyle(run.status, style) },
      ...metrics.map((metric) => metricText(metric, values[metric] ?? Number.NaN)),
      run.seed === undefined ? '' : String(run.seed),
      { text: run.regularizerId ?? '', style: style.dim },
      { text: run.startedAt.toISOString().slice(0, 16).replace('T', ' '), style: style.dim },
      run.endedAt === undefined ? '' : formatSeconds((run.endedAt.getTime() - run.startedAt.getTime()) / 1000),
    ];
  });
  return terminalTable(columns, rows, style.dim, options.width);
}

function statusStyle(status: string, style: Styles): { style?: CellStyle } {
  if (status === 'finished') return { style: style.good };
  return status === 'running' ? {} : { style: style.bad };
}

function changeCell(
  metric: string,
  [before, after]: readonly (Figure | undefined)[],
  higherIsBetter: boolean,
  style: Styles,
): TerminalCell {
  if (before === undefined || after === undefined) return { text: '' };
  const change = after.value - before.value;
  const better = higherIsBetter ? change > 0 : change < 0;
  return { text: signedText(metric, change), ...(change === 0 ? {} : { style: better ? style.good : style.bad }) };
}
