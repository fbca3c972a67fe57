import { dirname } from 'node:path';
import {
  type Child,
  confusionMatrix,
  element,
  formatNumber,
  intervalPlot,
  ledgerChart,
  type Markup,
  reliabilityDiagram,
  scatter,
} from '../charts/index.js';
import type { Robustness } from '../evaluation/attacks/robustness.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import type { FormulaFigure } from '../evaluation/formula/formula.js';
import type { Ledger } from '../evaluation/ledger.js';
import type { SliceSearch } from '../evaluation/slices/find-slices.js';
import type { StressReport } from '../evaluation/stress/stress.js';
import type { UncertaintyEvaluation } from '../evaluation/uncertainty.js';
import { figureText, intervalText, metricDisplay } from './metric-display.js';
import { figure, grid, masthead, navigation, page, type Section, sectionMarkup, table } from './page.js';
import { groupsOf } from './plots/evaluation.js';
import { capital } from './plots/plot.js';
import {
  fairnessTable,
  formulasContent,
  riskPlot,
  robustnessContent,
  stressPlot,
  stressTable,
  uncertaintyTable,
  weakSlicesContent,
} from './sections/evidence.js';
import { writeFiles } from './write-report.js';

/** Everything the page of one evaluation shows; what was not asked for is absent. */
export interface EvaluationReportInput {
  /** What was evaluated: `run 3f2a91c0` or a file. */
  readonly subject: string;
  /** Which rows: `holdout`, or a source. */
  readonly rows: string;
  readonly createdAt: Date;
  readonly evaluation: Evaluation;
  /** Of the same rows weighted to mirror another source. */
  readonly mirrored?: Evaluation | undefined;
  readonly ledger?: Ledger | undefined;
  readonly holdoutReads?: number | undefined;
  readonly uncertainty?: readonly UncertaintyEvaluation[] | undefined;
  readonly weakSlices?: SliceSearch | undefined;
  readonly formulas?: readonly FormulaFigure[] | undefined;
  readonly stress?: StressReport | undefined;
  readonly robustness?: Robustness | undefined;
}

/**
 * Writes the page of an evaluation.
 *
 * @throws BallastError REPORT_NOT_WRITTEN (environment)
 */
export async function writeEvaluationReport(input: EvaluationReportInput, path: string): Promise<void> {
  await writeFiles(dirname(path), [{ path, content: evaluationReport(input) }]);
}

/** One HTML file that needs nothing else: figures, ledger, calibration, uncertainty, slices, stress, fairness, errors. */
function evaluationReport(input: EvaluationReportInput): string {
  const { subject, rows, createdAt, evaluation, holdoutReads } = input;
  const sections = sectionsOf(input).filter(({ content }) => content.some((part) => part !== null));
  const facts: [string, string][] = [
    ['Task', evaluation.task],
    ['Rows', `${formatNumber(evaluation.rows, 'integer')}, ${rows}`],
    ...(holdoutReads === undefined ? [] : [['Reads of the holdout', String(holdoutReads)] as [string, string]]),
    ['Made', `${createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
  ];
  const primary = evaluation.metrics[evaluation.primary];
  return page(
    `${subject} \u2013 Ballast`,
    masthead('Ballast evaluation', subject, facts),
    primary === undefined
      ? null
      : element(
          'p',
          { class: 'lead' },
          `${capital(metricDisplay(evaluation.primary).label)} ${figureText(evaluation.primary, primary)}.`,
        ),
    navigation(sections),
    sections.map(sectionMarkup),
    element(
      'footer',
      {},
      `Intervals at ${formatNumber(evaluation.level, 'percent')}. A delta above zero is quality lost.`,
    ),
  );
}

function sectionsOf(input: EvaluationReportInput): Section[] {
  const { evaluation, mirrored, ledger, uncertainty, weakSlices, formulas, stress, robustness } = input;
  return [
    { id: 'metrics', title: 'Figures', content: [stack(metricsTable(evaluation))] },
    {
      id: 'mirrored',
      title: 'On rows like those of another source',
      lead: 'Each row weighted by how much likelier its inputs are there; the right answer has to depend on the inputs as it does here.',
      content: mirrored === undefined ? [] : [stack(metricsTable(mirrored))],
    },
    {
      id: 'formulas',
      title: 'Formulas',
      content: formulas === undefined ? [] : [stack(formulasContent(formulas))],
    },
    {
      id: 'ledger',
      title: 'Gap ledger',
      lead: 'Where quality was lost, stage by stage. Stress is what rows gone wrong would cost: a branch, with which no stage after it is compared.',
      content: ledger === undefined || ledger.stages.length < 2 ? [] : [grid([figure(ledgerPlot(ledger))])],
    },
    {
      id: 'calibration',
      title: 'Calibration',
      lead: 'Whether predicted probabilities can be taken at their word: on the diagonal, of all predictions of 80%, 80% are right.',
      content: plots(calibrationPlots(evaluation)),
    },
    {
      id: 'uncertainty',
      title: 'Uncertainty',
      lead: 'The risk that is left when only the rows the model is surest of are answered. A useful uncertainty falls to the left.',
      content:
        uncertainty === undefined ? [] : [grid([figure(riskPlot(uncertainty))]), stack(uncertaintyTable(uncertainty))],
    },
    {
      id: 'weak-slices',
      title: 'Weak slices',
      lead:
        weakSlices === undefined
          ? ''
          : `${weakSlices.searched} slices searched on ${weakSlices.rows.search} rows, confirmed on ${weakSlices.rows.confirm} others; mean error ${formatNumber(weakSlices.error)}.`,
      content: weakSlices === undefined ? [] : [weakSlicesContent(weakSlices)],
    },
    {
      id: 'stress',
      title: 'Stress',
      lead: 'Quality lost when raw columns go wrong, at five severities, against the same rows as they are.',
      content: stress === undefined ? [] : [grid([figure(stressPlot(stress))]), stack(stressTable(stress))],
    },
    {
      id: 'robustness',
      title: 'Under attack',
      content: robustness === undefined ? [] : [robustnessContent(robustness)],
    },
    {
      id: 'fairness',
      title: 'Fairness',
      lead: 'Whether the groups of a column get the favourable prediction alike, and rightly so alike.',
      content: (evaluation.fairness ?? []).map((each) => stack(fairnessTable(each))),
    },
    { id: 'groups', title: 'Classes and slices', content: plots(groupPlots(evaluation)) },
    { id: 'errors', title: 'Errors', content: plots(errorPlots(evaluation)) },
  ];
}

const stack = (content: Markup): Markup => element('div', { class: 'stack' }, content);
const plots = (svgs: readonly string[]): Markup[] => (svgs.length === 0 ? [] : [grid(svgs.map(figure))]);

function metricsTable({ metrics, omitted }: Evaluation): Markup {
  const rows: Child[][] = Object.entries(metrics).map(([metric, { value, interval, method }]) => {
    const { label, format, higherIsBetter } = metricDisplay(metric);
    return [
      [label, element('small', {}, higherIsBetter ? 'higher is better' : 'lower is better')],
      formatNumber(value, format),
      intervalText(interval, format),
      method,
    ];
  });
  const absent = Object.entries(omitted).map(([metric, reason]): Child[] => [
    metricDisplay(metric).label,
    '\u2013',
    '',
    reason,
  ]);
  const columns = [
    { label: 'Metric' },
    { label: 'Value', number: true },
    { label: 'Interval', number: true },
    { label: 'Method' },
  ];
  return table('Metrics', columns, [...rows, ...absent]);
}

function ledgerPlot({ metric, stages }: Ledger): string {
  const { format, label } = metricDisplay(metric);
  return ledgerChart({ title: `Gap ledger: ${label}`, stages, y: { format, label } });
}

function calibrationPlots({ reliability = [], metrics }: Evaluation): string[] {
  if (reliability.length === 0) return [];
  const subtitle = metrics.ece === undefined ? '' : `expected calibration error ${figureText('ece', metrics.ece)}`;
  return [reliabilityDiagram({ title: 'Reliability', subtitle, bins: reliability, tone: 'blue' })];
}

function groupPlots(evaluation: Evaluation): string[] {
  return (['classes', 'slices'] as const).flatMap((section) => {
    const groups = groupsOf(evaluation, section);
    const wanted = section === 'classes' ? ['recall', 'f1'] : [evaluation.primary, 'accuracy', 'rmse'];
    const metric = wanted.find((name) => groups.some(({ metrics }) => metrics[name] !== undefined));
    if (metric === undefined) return [];
    const { label, format } = metricDisplay(metric);
    return [
      intervalPlot({
        title: `${capital(label)} by ${section === 'classes' ? 'class' : 'slice'}`,
        rows: groups.map(({ name }) => name),
        x: { format, label },
        series: [{ name: label, tone: 'blue', figures: groups.map(({ metrics }) => metrics[metric]) }],
      }),
    ];
  });
}

function errorPlots({ confusion, residuals }: Evaluation): string[] {
  return [
    ...(confusion === undefined ? [] : [confusionMatrix({ ...confusion, title: 'Confusion' })]),
    ...(residuals === undefined
      ? []
      : [
          scatter({
            title: 'Residuals',
            subtitle: 'line: median; band: middle half',
            reference: 0,
            trend: true,
            tone: 'blue',
            points: residuals.points.map(({ predicted, residual }) => ({ x: predicted, y: residual })),
            x: { label: 'predicted' },
            y: { label: 'observed \u2212 predicted' },
          }),
        ]),
  ];
}
