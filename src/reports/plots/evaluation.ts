import { confusionMatrix, intervalPlot, reliabilityDiagram, scatter } from '../../charts/index.js';
import type { FairnessEvaluation } from '../../evaluation/index.js';
import { figureText, metricDisplay } from '../metric-display.js';
import type { Evaluation, Figure, ReportRun } from '../train-report-input.js';
import { capital, type Plot, ROLE_TONE } from './plot.js';

/** Predicted probability against what was observed. */
export function calibrationPlots(run: ReportRun): Plot[] {
  const bins = run.validation.reliability;
  if (bins === undefined || bins.length === 0) return [];
  const ece = run.validation.metrics.ece;
  return [
    {
      name: `reliability-${run.role}`,
      section: 'calibration',
      draw: (standalone) =>
        reliabilityDiagram({
          title: `Reliability, ${run.role}`,
          bins,
          tone: ROLE_TONE[run.role],
          standalone,
          subtitle: ece === undefined ? 'validation rows' : `expected calibration error ${figureText('ece', ece)}`,
        }),
    },
  ];
}

/** Confusion of classes, or residuals over predictions on axes shared by both runs. */
export function errorPlots(run: ReportRun, runs: readonly ReportRun[]): Plot[] {
  const { confusion, residuals, rows } = run.validation;
  const plots: Plot[] = [];
  if (confusion !== undefined) {
    plots.push({
      name: `confusion-${run.role}`,
      section: 'errors',
      draw: (standalone) =>
        confusionMatrix({
          ...confusion,
          title: `Confusion, ${run.role}`,
          subtitle: `${rows} validation rows`,
          standalone,
        }),
    });
  }
  if (residuals !== undefined) {
    const all = runs.flatMap((each) => each.validation.residuals?.points ?? []);
    plots.push({
      name: `residuals-${run.role}`,
      section: 'errors',
      draw: (standalone) =>
        scatter({
          title: `Residuals, ${run.role}`,
          subtitle: 'line: median; band: middle half',
          standalone,
          tone: ROLE_TONE[run.role],
          reference: 0,
          trend: true,
          points: residuals.points.map(({ predicted, residual }) => ({ x: predicted, y: residual })),
          x: { label: 'predicted', include: all.map(({ predicted }) => predicted) },
          y: { label: 'observed − predicted', include: all.map(({ residual }) => residual) },
        }),
    });
  }
  return plots;
}

/** Figures per class or per slice, baseline and model beside each other. */
export function groupPlots(runs: readonly ReportRun[], section: 'classes' | 'slices', primary: string): Plot[] {
  const groups = runs.map((run) => groupsOf(run.validation, section));
  const names = [...new Set(groups.flatMap((group) => group.map(({ name }) => name)))];
  const metric = groupMetric(groups.flat(), section, primary);
  if (names.length === 0 || metric === undefined) return [];
  const { label, format } = metricDisplay(metric);
  return [
    {
      name: section,
      section,
      draw: (standalone) =>
        intervalPlot({
          title: `${capital(label)} by ${section === 'classes' ? 'class' : 'slice'}`,
          subtitle: 'validation rows, 95% intervals',
          standalone,
          rows: names,
          x: { format, label },
          series: runs.map((run, index) => ({
            name: run.role,
            tone: ROLE_TONE[run.role],
            figures: names.map((name) => groups[index]?.find((group) => group.name === name)?.metrics[metric]),
          })),
        }),
    },
  ];
}

/** The columns that are evaluated for fairness, each once. */
export function sensitiveColumns(runs: readonly ReportRun[]): string[] {
  return [...new Set(runs.flatMap((run) => (run.validation.fairness ?? []).map(({ column }) => column)))];
}

/** One run's fairness between the groups of one column. */
export function fairnessOf(run: ReportRun, column: string): FairnessEvaluation | undefined {
  return run.validation.fairness?.find((each) => each.column === column);
}

/** How often each group of a sensitive column gets the favourable prediction. */
export function fairnessPlots(runs: readonly ReportRun[]): Plot[] {
  return sensitiveColumns(runs).map((column, index) => {
    const groups = runs.map((run) => fairnessOf(run, column)?.groups ?? []);
    const names = [...new Set(groups.flatMap((group) => group.map(({ group: name }) => name ?? 'missing')))];
    return {
      name: `fairness-${index + 1}`,
      section: 'fairness',
      draw: (standalone) =>
        intervalPlot({
          title: `Favourable predictions by ${column}`,
          subtitle: 'share of the group, validation rows, 95% intervals',
          standalone,
          rows: names,
          x: { format: 'percent', label: 'selection rate' },
          series: runs.map((run, at) => ({
            name: run.role,
            tone: ROLE_TONE[run.role],
            figures: names.map((name) => groups[at]?.find(({ group }) => (group ?? 'missing') === name)?.selectionRate),
          })),
        }),
    };
  });
}

/** A class or a slice. */
export interface Group {
  readonly name: string;
  readonly rows: number;
  readonly metrics: Readonly<Record<string, Figure>>;
}

/** Classes and slices in one form. */
export function groupsOf(evaluation: Evaluation, section: 'classes' | 'slices'): Group[] {
  if (section === 'classes') {
    return Object.entries(evaluation.perClass).map(([name, { rows, ...metrics }]) => ({ name, rows, metrics }));
  }
  return evaluation.slices.map(({ slice, value, rows, metrics }) => ({
    name: `${slice}: ${value ?? 'missing'}`,
    rows,
    metrics,
  }));
}

function groupMetric(groups: readonly Group[], section: 'classes' | 'slices', primary: string): string | undefined {
  const wanted = section === 'classes' ? ['recall', 'f1', primary] : [primary, 'accuracy', 'rmse'];
  return wanted.find((metric) => groups.some(({ metrics }) => metrics[metric] !== undefined));
}
