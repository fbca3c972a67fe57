import { formatNumber } from '../charts/index.js';
import { styles } from '../reports/terminal-style.js';
import { type TerminalColumn, type TerminalOptions, terminalTable } from '../reports/terminal-table.js';
import type { RolloutDocument, rolloutSuccess } from '../rollout/document.js';
import type { ReplayDocument } from './rollout-replay.js';

/** A rollout as the terminal shows it. */
export function rolloutLines(document: RolloutDocument, terminal: TerminalOptions): string {
  const style = styles(terminal);
  const { rolloutId, model, baseline, candidate, state, step, steps, weights, shadow, burn, slis, decision } = document;
  const shares = [
    ...Object.entries(weights).map(([version, weight]) => `version ${version} ${formatNumber(weight, 'percent')}`),
    ...shadow.map((version) => `version ${version} in shadow`),
  ];
  const stands = state === 'rolled-back' || state === 'aborted' ? style.bad(state) : state;
  return [
    `${rolloutId}: version ${candidate} of ${model} beside ${baseline}: ${stands}, step ${step} of ${steps.length}`,
    `Traffic: ${shares.join(', ')}`,
    ...(state === 'running' && burn > 1
      ? [`The error budget burns at ${burn.toFixed(1)} times its rate: watched time counts so much less`]
      : []),
    ...sliTable(slis, terminal),
    `${alphaText(document)}; ${formatNumber(document.looks, 'integer')} looks`,
    ...(decision === null ? [] : [`Last decision: ${decision.kind}, by ${decision.by}: ${decision.reason}`]),
  ].join('\n');
}

/** What a replay of requests came to. */
export function replayLines(document: ReplayDocument, terminal: TerminalOptions): string {
  const { model, baseline, candidate, verdict, reason, requests, labelled, slis, interrupted } = document;
  const style = styles(terminal);
  const marks = { 'roll-back': style.bad, promote: style.good, hold: style.dim };
  return [
    `Version ${candidate} of ${model} beside ${baseline}, ${formatNumber(requests, 'integer')} requests replayed${labelled > 0 ? `, ${formatNumber(labelled, 'integer')} with a label` : ''}${interrupted ? ' (interrupted)' : ''}`,
    ...sliTable(slis, terminal),
    alphaText(document),
    `${marks[verdict](verdict)}: ${reason}`,
  ].join('\n');
}

const percent = (value: number | null): string => (value === null ? '' : formatNumber(value, 'percent'));

const alphaText = ({ alpha, alphaSpent }: Pick<RolloutDocument, 'alpha' | 'alphaSpent'>): string =>
  `Probability of a false roll-back: ${percent(alphaSpent)} of ${percent(alpha)} may be spent`;

function sliTable(slis: RolloutDocument['slis'], terminal: TerminalOptions): string[] {
  const style = styles(terminal);
  const columns: TerminalColumn[] = [
    { label: 'SLI', shrinkTo: 24 },
    { label: 'baseline', align: 'right', optional: 1 },
    { label: 'candidate', align: 'right' },
    { label: 'difference', align: 'right' },
    { label: 'interval', align: 'right', optional: 2 },
    { label: 'allowed', align: 'right' },
    { label: 'samples', align: 'right', optional: 3 },
    { label: '' },
  ];
  const marks = { regressed: style.bad, within: style.good, undecided: style.dim, 'no-data': style.dim };
  const rows = slis.map((sli) => [
    sli.name,
    percent(sli.baseline),
    percent(sli.candidate),
    percent(sli.delta),
    sli.verdict === 'no-data' ? '' : `${percent(sli.interval[0])} to ${percent(sli.interval[1])}`,
    percent(sli.allowed),
    formatNumber(sli.samples.candidate, 'integer'),
    { text: sli.verdict, style: marks[sli.verdict] },
  ]);
  return rows.length === 0 ? [] : [terminalTable(columns, rows, style.dim, terminal.width)];
}

/** Rollouts, one a line, and how many succeeded. */
export function rolloutListLines(
  documents: readonly RolloutDocument[],
  { succeeded, failed, rate }: Awaited<ReturnType<typeof rolloutSuccess>>,
  terminal: TerminalOptions,
): string {
  if (documents.length === 0) return 'There was no rollout yet. Next: ballast rollout start MODEL --candidate VERSION';
  const style = styles(terminal);
  const columns = ['rollout', 'model', 'candidate', 'baseline', 'state', 'step', 'started'].map((label) => ({ label }));
  const rows = documents.map((each) => [
    ...[each.rolloutId, each.model, each.candidate, each.baseline, each.state],
    ...[`${each.step} of ${each.steps.length}`, each.startedAt],
  ]);
  return [
    terminalTable(columns, rows, style.dim, terminal.width),
    ...(rate === null ? [] : [`${succeeded} of ${succeeded + failed} succeeded (${formatNumber(rate, 'percent')})`]),
  ].join('\n');
}
