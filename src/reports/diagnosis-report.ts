import { dirname } from 'node:path';
import { element, intervalPlot, type Markup } from '../charts/index.js';
import { isHealthy } from '../diagnosis/diagnose.js';
import type { Evidence, Probe } from '../diagnosis/evidence.js';
import type { Finding } from '../diagnosis/finding.js';
import type { Application } from '../tuning/apply-finding.js';
import { differenceFormat, intervalText, metricDisplay, signedText } from './metric-display.js';
import { figure, grid, masthead, navigation, page, type Section, sectionMarkup, table } from './page.js';
import { writeFiles } from './write-report.js';

/** Everything the page of one diagnosis shows. */
export interface DiagnosisReportInput {
  /** What was diagnosed: `run 3f2a91c0` or a file. */
  readonly subject: string;
  readonly createdAt: Date;
  readonly findings: readonly Finding[];
  readonly evidence: Evidence;
  /** What the change of the first finding came to, where it was made. */
  readonly applied?: Application | undefined;
}

/**
 * Writes the page of a diagnosis: what is wrong, the evidence, the change, what would refute it, and the trainings behind it.
 *
 * @throws BallastError REPORT_NOT_WRITTEN (environment)
 */
export async function writeDiagnosisReport(input: DiagnosisReportInput, path: string): Promise<void> {
  await writeFiles(dirname(path), [{ path, content: diagnosisReport(input) }]);
}

function diagnosisReport({ subject, createdAt, findings, evidence, applied }: DiagnosisReportInput): string {
  const { validation, probes, metric, level } = evidence;
  const sections: Section[] = [
    ...findings.map(
      (finding, i): Section => ({
        id: `finding-${i + 1}`,
        title: `${finding.id}  ${finding.name}`,
        lead: `${finding.severity === 'note' ? 'A note' : 'A problem'}, confidence ${(100 * finding.confidence).toFixed(0)}%. ${finding.explanation}.`,
        content: [findingContent(finding, metric)],
      }),
    ),
    ...(applied === undefined ? [] : [{ id: 'applied', title: 'Applied', content: [appliedContent(applied)] }]),
    ...(probes.length === 0
      ? []
      : [
          {
            id: 'probes',
            title: 'Probes',
            lead: `Trainings with one thing of the spec changed, against the model on the same validation rows; intervals at ${100 * level}%.`,
            content: [grid([figure(probePlot(probes, metric))]), stack(probeTable(probes, metric))],
          },
        ]),
  ];
  const problems = findings.filter(({ severity }) => severity === 'problem').length;
  const summary = isHealthy(findings)
    ? `Nothing wrong was found on ${validation.rows} validation rows.`
    : `${problems} ${problems === 1 ? 'problem' : 'problems'} on ${validation.rows} validation rows; begin with the first.`;
  return page(
    `${subject} \u2013 Ballast`,
    masthead('Ballast diagnosis', subject, [
      ['Metric', metricDisplay(metric).label],
      ['Validation rows', String(validation.rows)],
      ['Made', `${createdAt.toISOString().slice(0, 16).replace('T', ' ')} UTC`],
    ]),
    element('p', { class: 'lead' }, summary),
    navigation(sections),
    sections.map(sectionMarkup),
    element('footer', {}, 'The holdout was not read.'),
  );
}

const stack = (content: Markup): Markup => element('div', { class: 'stack' }, content);

function findingContent({ evidence, patch, remedy, expected, refutedBy }: Finding, metric: string): Markup {
  const change = (patch ?? []).map(
    ({ op, path, value }) => `${op} ${path}${value === undefined ? '' : ` ${JSON.stringify(value)}`}`,
  );
  const rows: [string, string | Markup][] = [
    [
      'Evidence',
      element(
        'ul',
        {},
        evidence.map((line) => element('li', {}, line)),
      ),
    ],
    ['To do', remedy],
    ...(change.length === 0
      ? []
      : [['Change of the spec', element('code', {}, change.join('\n'))] as [string, Markup]]),
    ...(expected === null
      ? []
      : [
          [
            'Expected',
            `${metricDisplay(expected.metric).label} ${signedText(expected.metric, expected.delta)} (${intervalText(expected.interval, differenceFormat(expected.metric))})`,
          ] as [string, string],
        ]),
    ['Refuted by', refutedBy],
  ];
  return stack(table(`What is behind it, ${metric}`, [{ label: '' }, { label: '' }], rows, ''));
}

function appliedContent({ finding, metric, change, verdict, held }: Application): Markup {
  const outcome = `${finding} applied: ${metricDisplay(metric).label} ${signedText(metric, change.value)} (${intervalText(change.interval, differenceFormat(metric))}) on the same validation rows, under a new seed: ${verdict}.`;
  const prediction = held === null ? '' : held ? ' What was expected held.' : ' What was expected did not hold.';
  return element('p', {}, `${outcome}${prediction}`);
}

function probePlot(probes: readonly Probe[], metric: string): string {
  const { higherIsBetter, label } = metricDisplay(metric);
  const again = probes.some((probe) => probe.again !== undefined);
  return intervalPlot({
    title: `Change in ${label}`,
    subtitle: `with the change \u2212 as it is, ${higherIsBetter ? 'right' : 'left'} is better`,
    rows: probes.map((probe) => probe.label),
    reference: 0,
    x: { format: differenceFormat(metric) },
    series: [
      { name: 'first seed', figures: probes.map(({ change }) => change) },
      ...(again ? [{ name: 'second seed', figures: probes.map((probe) => probe.again?.change) }] : []),
    ],
  });
}

function probeTable(probes: readonly Probe[], metric: string): Markup {
  const columns = [
    { label: 'Probe' },
    { label: `Change in ${metricDisplay(metric).label}`, number: true },
    { label: 'Interval', number: true },
    { label: 'in log loss', number: true },
    { label: 'Second seed', number: true },
  ];
  const rows = probes.map(({ label, change, logLoss, again }) => [
    label,
    signedText(metric, change.value),
    intervalText(change.interval, differenceFormat(metric)),
    logLoss === undefined ? '\u2013' : signedText('logLoss', logLoss.value),
    again === undefined ? '' : signedText(metric, again.change.value),
  ]);
  return table('Probes', columns, rows);
}
