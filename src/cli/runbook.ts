import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { alertFacts, type ModelFacts, modelFacts } from '../monitoring/runbooks/facts.js';
import { findRunbook, RUNBOOKS, requireRunbook } from '../monitoring/runbooks/index.js';
import { filledRunbook, type Runbook, type Step } from '../monitoring/runbooks/runbook.js';
import { watchedModels } from '../monitoring/slo/watched.js';
import { type Styles, styles, terminalOptions } from '../reports/terminal-style.js';
import { terminalTable } from '../reports/terminal-table.js';
import type { AlertState } from '../store/index.js';
import { alertOf } from './known-alert.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { storeExists, withStore } from './use-store.js';

interface RunbookOptions extends CommonOptions {
  model?: string;
}

export function runbookCommand(): Command {
  return withCommonOptions(new Command('runbook'))
    .argument('[alert]', 'a kind of alert, a procedure, or the fingerprint of an alert; without it, all are listed')
    .option('--model <name>', 'put in what is known of this model: its version, the one before, its run, who answers')
    .addHelpText(
      'after',
      `
What an alert means, how to check it, what to do, when to call somebody. An alert names its runbook; given its fingerprint, the
commands are those for its model and version.

Examples:
  ballast runbook
  ballast runbook slo-burn --model fraud
  ballast runbook roll-back --model fraud
  ballast runbook 4f0c2a9b1e7d3c58
`,
    )
    .action(runbookAction);
}

async function runbookAction(name: string | undefined, options: RunbookOptions): Promise<void> {
  if (name === undefined) return list(options);
  const { model } = options;
  if (findRunbook(name) === undefined && (await storeExists(options.store))) {
    const isTold = await withStore(options.store, { create: false }, async (store) => {
      const alert = await alertOf(store, name);
      if (alert === undefined) return false;
      if (model !== undefined && model !== alert.model) {
        throw new BallastError('this alert is about another model', {
          code: 'USAGE',
          place: '--model',
          value: model,
          remedy: `Leave it out: it is about ${alert.model}`,
        });
      }
      tell(options, requireRunbook(alert.rule), { alert, known: await alertFacts(store, alert) });
      return true;
    });
    if (isTold) return;
  }
  const runbook = requireRunbook(name);
  if (model === undefined) return tell(options, runbook, {});
  await withStore(options.store, { create: false }, async (store) => {
    const models = await watchedModels(store);
    if (!models.includes(model)) {
      throw new BallastError('nothing is known of this model', {
        code: 'MODEL_NOT_FOUND',
        kind: 'not-found',
        value: model,
        remedy: `Known are ${models.slice(0, 20).join(', ') || 'none'}; without --model the runbook is printed as it is`,
      });
    }
    tell(options, runbook, { known: await modelFacts(store, model) });
  });
}

function list(options: CommonOptions): void {
  const terminal = terminalOptions();
  const style = styles(terminal);
  const table = (of: readonly Runbook[], label: string): string =>
    terminalTable(
      [{ label }, { label: '' }],
      of.map(({ name, title }) => [name, title]),
      style.dim,
      terminal.width,
    );
  const ofAlerts = RUNBOOKS.filter(({ alertname }) => alertname !== undefined);
  const procedures = RUNBOOKS.filter(({ alertname }) => alertname === undefined);
  answer(
    options,
    { runbooks: RUNBOOKS },
    [
      table(ofAlerts, 'alert'),
      '',
      table(procedures, 'procedure'),
      '',
      style.dim('ballast runbook NAME prints one; with --model, for that model'),
    ].join('\n'),
  );
}

function tell(
  options: CommonOptions,
  runbook: Runbook,
  { alert, known }: { readonly alert?: AlertState; readonly known?: ModelFacts },
): void {
  const filled = known === undefined ? runbook : filledRunbook(runbook, known.facts);
  answer(
    options,
    { ...filled, ...(alert === undefined ? {} : { alert }), ...(known === undefined ? {} : { known }) },
    lines(filled, styles(terminalOptions()), { alert, known }).join('\n'),
  );
}

function lines(
  { name, title, meaning, check, act, escalate }: Runbook,
  style: Styles,
  { alert, known }: { readonly alert: AlertState | undefined; readonly known: ModelFacts | undefined },
): string[] {
  const width = terminalOptions().width;
  return [
    style.bold(`${title} (${name})`),
    ...(alert === undefined ? [] : wrapped(`${alert.severity}, ${alert.state}: ${alert.annotations.summary}`, width)),
    ...(known === undefined ? [] : wrapped(about(known), width).map(style.dim)),
    '',
    ...wrapped(meaning, width),
    '',
    style.bold('Check'),
    ...check.flatMap((step) => stepLines(step, style, width)),
    '',
    style.bold('Do'),
    ...act.flatMap((step) => stepLines(step, style, width)),
    '',
    style.bold('Escalate'),
    ...wrapped(escalate, width - 2).map((line) => `  ${line}`),
    ...(known?.escalation === undefined ? [] : [`  Escalation: ${known.escalation}`]),
  ];
}

function about({ facts, regularizerId, commit, owner, onCall }: ModelFacts): string {
  const { MODEL, VERSION, PREVIOUS, RUN } = facts;
  return [
    `${MODEL}/${VERSION ?? 'unknown'}`,
    `before it ${PREVIOUS ?? 'none'}`,
    `run ${RUN?.slice(0, 8) ?? 'unknown'}`,
    `commit ${commit?.slice(0, 10) ?? 'unknown'}`,
    regularizerId ?? 'regularizers unknown',
    `owner ${owner ?? 'unknown'}`,
    `on call ${onCall ?? 'unknown'}`,
  ].join(', ');
}

function stepLines({ text, command }: Step, style: Styles, width: number): string[] {
  const [first, ...rest] = wrapped(text, width - 4);
  return [
    `  - ${first}`,
    ...rest.map((line) => `    ${line}`),
    ...(command === undefined ? [] : [style.model(`      $ ${command}`)]),
  ];
}

/** A text in lines that are not longer than a width, broken between words. */
function wrapped(text: string, width: number): string[] {
  const made: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      made.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...made, line];
}
