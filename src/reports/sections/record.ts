import { element, formatNumber, formatSeconds, type Markup } from '../../charts/index.js';
import { table } from '../page.js';
import type { ReportRun, TrainReportInput } from '../train-report-input.js';
import { roleMark } from './figures.js';

const MOST_COLUMNS = 100;

/** Rows, splits, columns, and what the checks of the data found. */
export function dataContent({ dataset }: TrainReportInput): Markup[] {
  const { rows, findings, columns } = dataset;
  const total = rows.train + rows.validation + rows.holdout;
  const share = (count: number): string => (total > 0 ? formatNumber(count / total, 'percent') : '\u2013');
  const reads = dataset.holdoutReads ?? 0;
  const splits = table(
    'Rows',
    [{ label: 'Set' }, { label: 'Rows', number: true }, { label: 'Share', number: true }, { label: 'Used for' }],
    [
      ['training', formatNumber(rows.train, 'integer'), share(rows.train), 'fitting the model and its preprocessing'],
      ['validation', formatNumber(rows.validation, 'integer'), share(rows.validation), 'every figure on this page'],
      [
        'holdout',
        formatNumber(rows.holdout, 'integer'),
        share(rows.holdout),
        reads === 0 ? 'locked, never read' : `locked, read ${reads === 1 ? 'once' : `${reads} times`} so far`,
      ],
    ],
  );
  const schema = table(
    'Columns',
    [{ label: 'Column' }, { label: 'Role' }, { label: 'Type' }, { label: 'Missing', number: true }],
    columns
      .slice(0, MOST_COLUMNS)
      .map(({ name, role, type, missing }) => [
        name,
        role,
        type,
        missing === undefined ? '\u2013' : formatNumber(missing, 'percent'),
      ]),
  );
  const more = columns.length > MOST_COLUMNS ? `, the first ${MOST_COLUMNS} listed` : '';
  return [
    findingsList(findings),
    element('div', { class: 'stack' }, splits),
    columns.length === 0
      ? element('p', {}, '')
      : element('details', {}, element('summary', {}, `${columns.length} columns${more}`), schema),
  ];
}

function findingsList(findings: TrainReportInput['dataset']['findings']): Markup {
  if (findings.length === 0) return element('p', {}, 'The checks of the data found nothing.');
  return element(
    'ul',
    { class: 'findings card' },
    findings.map(({ severity, message, remedy }) =>
      element(
        'li',
        { class: severity },
        element('b', {}, `${severity}: `),
        message,
        remedy === undefined ? '' : ` ${remedy}`,
      ),
    ),
  );
}

/** One row per run: what it took. */
export function runsTable(runs: readonly ReportRun[]): Markup {
  return table(
    'Runs',
    [
      { label: 'Run' },
      { label: 'Seed', number: true },
      { label: 'Epochs', number: true },
      { label: 'Time', number: true },
      { label: 'Model' },
    ],
    runs.map((run) => [
      [roleMark(run.role), element('small', {}, element('code', {}, run.runId))],
      String(run.seed),
      [formatNumber(run.epochs, 'integer'), element('small', {}, ending(run))],
      formatSeconds(run.history.reduce((sum, epoch) => sum + epoch.seconds, 0)),
      element('code', {}, run.modelPath),
    ]),
  );
}

function ending({ stoppedEarly, bestEpoch }: ReportRun): string {
  const kept = bestEpoch === undefined ? 'last epoch kept' : `epoch ${bestEpoch} kept`;
  return stoppedEarly === true ? `stopped early, ${kept}` : kept;
}

/** Machine, versions, the command that reproduces each run, and the resolved spec. */
export function reproduceContent({ environment, runs, spec, command }: TrainReportInput): Markup[] {
  const facts: [string, string][] = [
    ['Hardware', environment.hardware],
    ['Runtime', environment.runtime],
    ['Threads', String(environment.threads)],
    ...Object.entries(environment.versions),
  ];
  return [
    element(
      'div',
      { class: 'card command' },
      element('h3', {}, 'Train again from the record and compare every byte'),
      runs.map((run) => element('p', {}, element('code', {}, `ballast runs reproduce ${run.runId}`))),
      command === undefined
        ? null
        : [element('h3', {}, 'This page was made by'), element('p', {}, element('code', {}, command))],
    ),
    element(
      'div',
      { class: 'stack' },
      table(
        'Environment',
        [{ label: 'What' }, { label: 'Value' }],
        facts.map(([name, value]) => [name, value]),
      ),
    ),
    element(
      'details',
      {},
      element('summary', {}, 'The spec as it was resolved, every default written in'),
      element('pre', { tabindex: 0 }, element('code', {}, spec)),
    ),
  ];
}
