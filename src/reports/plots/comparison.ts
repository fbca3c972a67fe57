import { histogram, intervalPlot, ledgerChart } from '../../charts/index.js';
import { differenceFormat, intervalText, metricDisplay, metricText } from '../metric-display.js';
import type { ReportRun, TrainReportInput } from '../train-report-input.js';
import { capital, type Plot, ROLE_TONE } from './plot.js';

/** The difference to the baseline with its interval. */
export function verdictPlots({ comparison }: TrainReportInput): Plot[] {
  if (comparison === undefined || 'reason' in comparison.score) return [];
  const { metric, score } = comparison;
  const { difference } = score;
  return [
    {
      name: 'difference',
      section: 'verdict',
      draw: (standalone) =>
        intervalPlot({
          width: 340,
          title: `Difference in ${metricDisplay(metric).label}`,
          standalone,
          reference: 0,
          subtitle: `model − baseline, ${metricDisplay(metric).higherIsBetter ? 'right' : 'left'} is better`,
          rows: [''],
          series: [{ name: 'model − baseline', figures: [difference] }],
          x: {
            format: differenceFormat(metric),
            label: differenceFormat(metric) === 'points' ? 'percentage points' : '',
          },
        }),
    },
  ];
}

/** The distributions of all weights, overlaid. */
export function weightPlots(runs: readonly ReportRun[]): Plot[] {
  const drawn = runs.flatMap((run) => {
    const overall = run.weights[0];
    return overall?.histogram === undefined
      ? []
      : [{ ...overall.histogram, name: run.role, tone: ROLE_TONE[run.role], parameter: overall.name }];
  });
  if (drawn.length === 0) return [];
  return [
    {
      name: 'weights',
      section: 'weights',
      draw: (standalone) =>
        histogram({
          title: 'Weights after training',
          subtitle: drawn[0]?.parameter,
          series: drawn,
          standalone,
          x: { label: 'value of a weight' },
        }),
    },
  ];
}

/** Each seed's pair of runs below their means. */
export function seedPlots({ seeds }: TrainReportInput): Plot[] {
  if (seeds === undefined) return [];
  const { label, format } = metricDisplay(seeds.metric);
  return [
    {
      name: 'seeds',
      section: 'seeds',
      draw: (standalone) =>
        intervalPlot({
          title: `${capital(label)} over ${seeds.rows.length} seeds`,
          standalone,
          subtitle:
            `mean ${metricText(seeds.metric, seeds.baseline.value)} and ${metricText(seeds.metric, seeds.model.value)}, ` +
            `paired difference ${intervalText(seeds.difference.interval, differenceFormat(seeds.metric))}`,
          rows: ['mean', ...seeds.rows.map(({ seed }) => `seed ${seed}`)],
          x: { format, label },
          series: (['baseline', 'model'] as const).map((role) => ({
            name: role,
            tone: ROLE_TONE[role],
            figures: [seeds[role], ...seeds.rows.map((row) => ({ value: row[role] }))],
          })),
        }),
    },
  ];
}

/** The gap ledger of each run as a waterfall, on one axis. */
export function ledgerPlots({ ledgers = [] }: TrainReportInput): Plot[] {
  const shared = ledgers.flatMap(({ ledger }) => ledger.stages.flatMap(({ value, interval }) => [value, ...interval]));
  return ledgers.map(({ role, ledger }) => ({
    name: `ledger-${role}`,
    section: 'ledger',
    draw: (standalone) =>
      ledgerChart({
        title: `Gap ledger, ${role}`,
        subtitle: 'where quality is lost, stage by stage',
        standalone,
        stages: ledger.stages,
        y: { format: metricDisplay(ledger.metric).format, label: metricDisplay(ledger.metric).label, include: shared },
      }),
  }));
}
