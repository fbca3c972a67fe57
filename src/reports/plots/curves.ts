import { type AxisOptions, type LineChartOptions, lineChart } from '../../charts/index.js';
import { differenceFormat, metricDisplay } from '../metric-display.js';
import type { EpochRecord, ReportRun, RunRole, TrainReportInput } from '../train-report-input.js';
import { capital, type Plot, type PlotSection, ROLE_TONE } from './plot.js';

/** Train and validation by epoch: a chart per run and metric, runs side by side on the same axes. */
export function curvePlots(input: TrainReportInput, runs: readonly ReportRun[]): Plot[] {
  return curveMetrics(input, runs).flatMap((metric) => {
    const shared = runs.flatMap(({ history }) =>
      history.flatMap(({ train, validation }) => [train[metric] ?? Number.NaN, validation[metric] ?? Number.NaN]),
    );
    const { label, format } = metricDisplay(metric);
    return runs
      .filter(({ history }) => history.length > 0)
      .map(
        (run): Plot => ({
          name: `curves-${fileName(metric)}-${run.role}`,
          section: 'curves',
          draw: (standalone) =>
            lineChart({
              title: `${capital(label)}, ${run.role}`,
              standalone,
              between: ['train', 'validation'],
              x: epochAxis(runs),
              y: { label, format, include: shared },
              series: [
                series(run, 'train', 'dashed', (epoch) => epoch.train[metric]),
                series(run, 'validation', 'solid', (epoch) => epoch.validation[metric]),
              ],
              rules: run.bestEpoch === undefined ? [] : [{ x: run.bestEpoch, label: `epoch ${run.bestEpoch} kept` }],
            }),
        }),
      );
  });
}

/** The primary metric, and the loss or score that tells most beside it. */
function curveMetrics(input: TrainReportInput, runs: readonly ReportRun[]): string[] {
  const recorded = (metric: string): boolean =>
    runs.some(({ history }) => history.some(({ validation }) => validation[metric] !== undefined));
  const second = ['logLoss', 'accuracy', 'rmse', 'mae', 'r2'].find(
    (metric) => metric !== input.primaryMetric && recorded(metric),
  );
  return [input.primaryMetric, second].filter((metric) => metric !== undefined && recorded(metric)) as string[];
}

/** Both runs on one chart: objective, learning rate, and the gap. */
export function gapPlots(input: TrainReportInput, runs: readonly ReportRun[]): Plot[] {
  const { label } = metricDisplay(input.primaryMetric);
  const perRun = (
    name: string,
    section: PlotSection,
    value: (epoch: EpochRecord) => number,
    options: Omit<LineChartOptions, 'series' | 'x'>,
  ): Plot => ({
    name,
    section,
    draw: (standalone) =>
      lineChart({
        ...options,
        standalone,
        x: epochAxis(runs),
        series: runs.map((run) => ({ ...series(run, run.role, 'solid', value), dash: dashOf(run.role) })),
      }),
  });
  const format = differenceFormat(input.primaryMetric);
  if (!runs.some((run) => run.history.length > 0)) return [];
  return [
    perRun('objective', 'curves', (epoch) => epoch.trainLoss, {
      title: 'Objective',
      subtitle: 'what the optimizer minimizes, penalties included',
      y: { label: 'objective' },
    }),
    perRun('learning-rate', 'curves', (epoch) => epoch.learningRate, {
      title: 'Learning rate',
      subtitle: 'after schedule and warm-up',
      y: { label: 'learning rate', zero: true },
    }),
    perRun('gap', 'gap', (epoch) => epoch.gap, {
      title: 'Gap by epoch',
      subtitle: `quality lost from train to validation, ${label}`,
      reference: { y: 0 },
      y: { label: format === 'points' ? 'percentage points' : 'gap', format },
    }),
  ];
}

function series(
  run: ReportRun,
  name: string,
  dash: 'solid' | 'dashed',
  value: (epoch: EpochRecord) => number | undefined,
): LineChartOptions['series'][number] {
  const points = run.history.map((epoch) => ({ x: epoch.epoch, y: value(epoch) ?? Number.NaN }));
  return { name, tone: ROLE_TONE[run.role], dash, points };
}

/** Lines of the two runs on one chart differ by dash too. */
function dashOf(role: RunRole): 'solid' | 'dashed' {
  return role === 'baseline' ? 'dashed' : 'solid';
}

/** One epoch axis for all runs, so that early stopping shows as a shorter curve. */
function epochAxis(runs: readonly ReportRun[]): AxisOptions {
  const epochs = runs.flatMap((run) => run.history.map(({ epoch }) => epoch));
  return { label: 'epoch', format: 'integer', include: epochs };
}

function fileName(metric: string): string {
  return metric.replace(/[^A-Za-z0-9]+/g, '-').slice(0, 40);
}
