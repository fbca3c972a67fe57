import { isHealthy } from '../diagnosis/diagnose.js';
import type { Evidence, Probe } from '../diagnosis/evidence.js';
import type { Finding } from '../diagnosis/finding.js';
import type { LoggedDiagnosis } from '../diagnosis/logged/diagnose-logged.js';
import type { Application } from '../tuning/apply-finding.js';
import { differenceFormat, intervalText, signedText } from './metric-display.js';
import { styles } from './terminal-style.js';
import { type TerminalColumn, type TerminalOptions, terminalTable } from './terminal-table.js';

/** Findings with their evidence and mend, and the probes behind them. */
export function diagnosisText(findings: readonly Finding[], evidence: Evidence, options: TerminalOptions = {}): string {
  const style = styles(options);
  const probes = evidence.probes.length === 0 ? [] : [probeTable(evidence.probes, evidence.metric, options), ''];
  return [...probes, ...findingLines(findings, style), verdictOf(findings, evidence, style)].join('\n');
}

/** The diagnosis of a run that a client logged. */
export function loggedDiagnosisText(
  { findings, pairs, regularizers }: LoggedDiagnosis,
  options: TerminalOptions = {},
): string {
  const style = styles(options);
  const compared = pairs.map(({ train, validation }) => `${train.name} with ${validation.name}`).join(', ');
  const found = regularizers.map(({ parameter, value }) => `${parameter} ${value}`).join(', ');
  const verdict = isHealthy(findings)
    ? `${style.good('\u2714')} Nothing wrong was found in what was logged.`
    : `${findings.length} finding${findings.length === 1 ? '' : 's'}; begin with the first.`;
  return [
    style.dim(`compared      ${compared || 'nothing: no metric was logged on both sides'}`),
    style.dim(`regularizers  ${found || 'none on record'}`),
    '',
    ...findingLines(findings, style),
    verdict,
  ].join('\n');
}

function findingLines(findings: readonly Finding[], style: ReturnType<typeof styles>): string[] {
  return findings.flatMap(
    ({ id, name, severity, confidence, evidence: lines, explanation, remedy, patch, refutedBy }) => [
      `${severity === 'note' ? style.dim(id) : style.bad(id)}  ${style.bold(name)}  ${style.dim(`confidence ${percent(confidence)}`)}`,
      ...lines.map((line) => `  ${line}`),
      `  ${explanation}.`,
      `  ${style.dim('to do   ')} ${remedy}.`,
      ...(patch ?? []).map(
        ({ op, path, value }) =>
          `  ${style.dim('change  ')} ${op} ${path}${value === undefined ? '' : ` ${JSON.stringify(value)}`}`,
      ),
      `  ${style.dim('refuted by')} ${refutedBy.charAt(0).toLowerCase()}${refutedBy.slice(1)}.`,
      '',
    ],
  );
}

/** Fewer validation rows than this tell large faults at the most. */
const FEW_ROWS = 100;

function verdictOf(
  findings: readonly Finding[],
  { probes, training, validation }: Evidence,
  style: ReturnType<typeof styles>,
): string {
  if (!isHealthy(findings))
    return findings.length === 1 ? '1 finding.' : `${findings.length} findings; begin with the first.`;
  const rows = `${validation.rows} rows`;
  if (validation.rows < FEW_ROWS)
    return `${style.dim('\u25cb')} Nothing wrong was found on ${rows}, which are too few to tell much.`;
  const mark = style.good('\u2714');
  if (training === undefined) return `${mark} Nothing wrong was found in what it answers to ${rows}.`;
  if (probes.length === 0)
    return `${mark} Nothing wrong was found in what is recorded; no change of the spec was tried.`;
  return `${mark} Nothing wrong was found: none of the changes that were tried is clearly better on ${rows}.`;
}

function probeTable(probes: readonly Probe[], metric: string, options: TerminalOptions): string {
  const style = styles(options);
  const withLogLoss = metric !== 'logLoss' && probes.some(({ logLoss }) => logLoss !== undefined);
  const columns: TerminalColumn[] = [
    { label: 'probe', shrinkTo: 30 },
    { label: `change in ${metric}`, align: 'right' },
    { label: '99% interval', align: 'right' },
    ...(withLogLoss ? [{ label: 'log loss', align: 'right' } as const] : []),
    { label: 'second seed', align: 'right', optional: 2 },
    ...(withLogLoss ? [{ label: 'its log loss', align: 'right', optional: 1 } as const] : []),
  ];
  const rows = probes.map(({ label, change, logLoss, again }) => [
    label,
    signedText(metric, change.value),
    { text: intervalText(change.interval, differenceFormat(metric)), style: style.dim },
    ...(withLogLoss ? [logLoss === undefined ? '\u2013' : signedText('logLoss', logLoss.value)] : []),
    again === undefined ? '' : signedText(metric, again.change.value),
    ...(withLogLoss ? [again?.logLoss === undefined ? '' : signedText('logLoss', again.logLoss.value)] : []),
  ]);
  return terminalTable(columns, rows, style.dim, options.width);
}

/** What an applied change did, and whether it was what the finding said. */
export function outcomeText(
  { finding, run, metric, change, verdict, held, expected }: Application,
  options: TerminalOptions = {},
): string {
  const style = styles(options);
  const mark =
    verdict === 'helped' ? style.good('\u2714') : verdict === 'hurt' ? style.bad('\u2718') : style.dim('\u25cb');
  const interval = (figure: { interval: readonly [number, number] }): string =>
    intervalText(figure.interval, differenceFormat(metric));
  return [
    `${mark} ${finding} applied: ${metric} ${signedText(metric, change.value)} (${interval(change)}) on the same validation rows, under a new seed: ${verdict}.`,
    ...(expected === null || held === null
      ? []
      : [
          `  Expected ${signedText(metric, expected.delta)} (${interval(expected)}): ${held ? 'it held' : 'it did not hold'}.`,
        ]),
    `Next: ballast evaluate ${run.slice(0, 8)} --holdout   (reads the locked rows; counted)`,
  ].join('\n');
}

const percent = (share: number): string => `${(100 * Math.min(share, 0.999)).toFixed(share > 0.995 ? 1 : 0)} %`;
