import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { evaluateAlerts } from '../monitoring/alerts/evaluate-alerts.js';
import { styles, terminalOptions } from '../reports/terminal-style.js';
import { terminalTable } from '../reports/terminal-table.js';
import type { AlertState, Matcher, Silence, Store } from '../store/index.js';
import { addIncidentCommands } from './incident.js';
import { duration, wholeNumber } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

export function alertsCommand(): Command {
  const command = new Command('alerts').addHelpText(
    'after',
    '\nExample:\n  ballast alerts check\n  ballast alerts list\n  ballast alerts silence model=fraud --for 2h --reason "upstream repairs"\n',
  );
  withCommonOptions(command.command('list'))
    .description('what fires; exit 1 while a page does')
    .option('--model <name>', 'of one model')
    .option('--all', 'also what is resolved')
    .addHelpText('after', '\nExample:\n  ballast alerts list --model fraud\n')
    .action(list);
  addIncidentCommands(command);
  withCommonOptions(command.command('show <fingerprint>'))
    .description('an alert: its labels, what happened to it, who was told')
    .addHelpText('after', '\nExample:\n  ballast alerts show 4f0c2a9b1e7d3c58\n')
    .action(show);
  withCommonOptions(command.command('check'))
    .description('judge every model now, as the server does every minute; exit 1 while a page fires')
    .option('--model <name>', 'of one model')
    .addHelpText('after', '\nExample:\n  ballast alerts check\n')
    .action(check);
  withCommonOptions(command.command('silence <matchers...>'))
    .description('keep alerts quiet for some time: LABEL=VALUE or LABEL=~EXPRESSION each, all of which must hold')
    .requiredOption('--for <time>', 'how long, such as 2h', duration)
    .requiredOption('--reason <text>', 'why')
    .addHelpText(
      'after',
      '\nExample:\n  ballast alerts silence model=fraud rule=drift --for 2h --reason "known source"\n',
    )
    .action(silence);
  withCommonOptions(command.command('plan <model>'))
    .description('a window of planned work, such as a retraining: what it may disturb is quiet, broken promises page')
    .requiredOption('--for <time>', 'how long, such as 6h', duration)
    .requiredOption('--reason <text>', 'what is done')
    .option('--from <time>', 'when it begins, such as 2026-05-03T22:00Z; now unless told')
    .addHelpText('after', '\nExample:\n  ballast alerts plan fraud --for 6h --reason "monthly retraining"\n')
    .action(plan);
  withCommonOptions(command.command('silences'))
    .description('silences and planned windows')
    .option('--all', 'also those that are over')
    .addHelpText('after', '\nExample:\n  ballast alerts silences\n')
    .action(silences);
  withCommonOptions(command.command('unsilence'))
    .description('end a silence, or a planned window, now')
    .requiredOption('--id <number>', 'which', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .addHelpText('after', '\nExample:\n  ballast alerts unsilence --id 3\n')
    .action(unsilence);
  return command;
}

const existing = { create: false } as const;

async function list(options: CommonOptions & { model?: string; all?: boolean }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const alerts = await store.listAlerts({
      ...(options.model === undefined ? {} : { model: options.model }),
      ...(options.all === true ? {} : { state: 'firing' }),
    });
    tell(options, alerts);
  });
}

async function check(options: CommonOptions & { model?: string }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const { alerts } = await evaluateAlerts(store, options.model === undefined ? {} : { model: options.model });
    tell(
      options,
      alerts.filter(({ state }) => state === 'firing'),
    );
  });
}

function tell(options: CommonOptions, alerts: readonly AlertState[]): void {
  answer(options, { alerts }, alertLines(alerts));
  if (alerts.some(pages)) answerIsNo();
}

const pages = ({ severity, state, suppressedBy }: AlertState): boolean =>
  state === 'firing' && severity === 'page' && suppressedBy === undefined;

function alertLines(alerts: readonly AlertState[]): string {
  if (alerts.length === 0) return 'Nothing fires.';
  const terminal = terminalOptions();
  const style = styles(terminal);
  const rows = alerts.map((alert) => [
    { text: alert.severity, ...(pages(alert) ? { style: style.bad } : {}) },
    alert.labels.model,
    alert.labels.version,
    alert.suppressedBy ?? alert.state,
    alert.startedAt.toISOString().slice(0, 16),
    alert.fingerprint,
  ]);
  const head = ['', 'model', 'version', 'state', 'since', 'fingerprint'].map((label) => ({ label }));
  const table = terminalTable(head, rows, style.dim, terminal.width).split('\n');
  // The sentence stands below its line: no table is wide enough for it.
  const sentences = alerts.map(({ annotations }) => [
    `  ${annotations.summary}`,
    style.dim(`  ${annotations.remedy}. ${annotations.runbook}`),
  ]);
  return [...table.slice(0, 2), ...table.slice(2).flatMap((line, i) => [line, ...sentences[i]])].join('\n');
}

async function show(fingerprint: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const alert = (await store.listAlerts({ limit: 10_000 })).find((each) => each.fingerprint === fingerprint);
    if (alert === undefined) {
      throw new BallastError('there is no such alert', {
        code: 'ALERT_NOT_FOUND',
        kind: 'not-found',
        value: fingerprint,
        remedy: 'ballast alerts list --all shows those there are',
      });
    }
    const [events, deliveries] = [await store.alertEvents(fingerprint), await store.listDeliveries([fingerprint])];
    const lines = [
      alertLines([alert]),
      ...Object.entries(alert.labels).map(([label, value]) => `  ${label.padEnd(15)} ${value}`),
      ...events.map(({ at, event, details }) => `  ${at.toISOString().slice(0, 19)}  ${event}  ${summaryOf(details)}`),
      ...deliveries.map(
        ({ target, told, error, failures }) =>
          `  ${target}: ${error === undefined ? `told ${told}` : `failed ${failures} times: ${error}`}`,
      ),
    ];
    answer(options, { ...alert, events, deliveries }, lines.join('\n'));
  });
}

function summaryOf(details: unknown): string {
  const { summary, by } = (details ?? {}) as { summary?: string; by?: string };
  return summary ?? by ?? '';
}

interface SilenceOptions extends CommonOptions {
  for: number;
  reason: string;
  from?: string;
}

async function silence(words: readonly string[], options: SilenceOptions): Promise<void> {
  const matchers = words.map(matcherOf);
  const startsAt = new Date();
  await add(options, 'silence', matchers, startsAt);
}

async function plan(model: string, options: SilenceOptions): Promise<void> {
  const startsAt = options.from === undefined ? new Date() : new Date(options.from);
  if (Number.isNaN(startsAt.getTime())) {
    throw new BallastError('this is no time', { code: 'USAGE', place: '--from', value: options.from });
  }
  await add(options, 'planned', [{ label: 'model', value: model }], startsAt);
}

async function add(
  options: SilenceOptions,
  kind: Silence['kind'],
  matchers: readonly Matcher[],
  startsAt: Date,
): Promise<void> {
  await withStore(options.store, existing, async (store: Store) => {
    const endsAt = new Date(startsAt.getTime() + 1000 * options.for);
    const made = await store.addSilence({ kind, matchers, startsAt, endsAt, reason: options.reason });
    answer(options, made, `${silenceLine(made)}. End it before: ballast alerts unsilence --id ${made.id}`);
  });
}

function matcherOf(word: string): Matcher {
  const match = /^([a-z_][a-z0-9_]*)=(~?)(.*)$/i.exec(word);
  if (match === null) {
    throw new BallastError('a matcher is LABEL=VALUE or LABEL=~EXPRESSION', { code: 'USAGE', value: word });
  }
  const [, label, regex, value] = match;
  return { label, value, ...(regex === '~' ? { regex: true } : {}) };
}

async function silences(options: CommonOptions & { all?: boolean }): Promise<void> {
  await withStore(options.store, existing, async (store) => {
    const found = await store.listSilences({ endedToo: options.all === true });
    answer(options, { silences: found }, found.map(silenceLine).join('\n') || 'Nothing is silenced.');
  });
}

function silenceLine({ id, kind, matchers, startsAt, endsAt, reason, createdBy }: Silence): string {
  const what = matchers.map(({ label, value, regex }) => `${label}=${regex === true ? '~' : ''}${value}`).join(' ');
  const time = (at: Date): string => at.toISOString().slice(0, 16);
  return `${kind} ${id}: ${what}, ${time(startsAt)} to ${time(endsAt)}: ${reason} (${createdBy})`;
}

async function unsilence(options: CommonOptions & { id: number }): Promise<void> {
  await withStore(options.store, existing, (store) => store.endSilence(options.id));
  answer(options, { ended: options.id }, `silence ${options.id} is over`);
}
