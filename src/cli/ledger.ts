import { Command, InvalidArgumentError } from 'commander';
import { ledgerChart } from '../charts/index.js';
import { BallastError } from '../errors.js';
import type { Ledger, LedgerScope } from '../evaluation/ledger.js';
import { compareLedgers, type LedgerComparison } from '../evaluation/ledger-compare.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { stagesOfProduction } from '../monitoring/stages/production-stages.js';
import { differenceFormat, intervalText, metricDisplay, signedText } from '../reports/metric-display.js';
import { ledgerTable } from '../reports/terminal.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { primaryMetric } from '../tuning/judge.js';
import { requireModel } from '../tuning/result-record.js';
import { ledgerOfRun } from '../tuning/run-ledger.js';
import { specOfRun } from '../tuning/run-rows.js';
import { svgFile } from './option-values.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { runOf } from './run-of.js';
import { withStore } from './use-store.js';

interface LedgerOptions extends CommonOptions {
  metric?: string;
  class?: string;
  slice?: { slice: string; value: string };
  plot?: string;
  against?: string;
}

export function ledgerCommand(): Command {
  return withCommonOptions(new Command('ledger'))
    .argument('<run>', 'run (its id or runs:/ID), models:/NAME/VERSION, or the .onnx file that it exported')
    .option('--metric <name>', 'metric; the run’s primary one unless given')
    .option('--class <name>', 'of the rows of one class; with a metric of classes: recall, precision, f1, ...')
    .option('--slice <column=value>', 'of the rows of one slice', sliceOf)
    .option('--against <run>', 'where it loses what this other run does not')
    .option('--plot <file.svg>', 'draw it as a waterfall', svgFile)
    .addHelpText(
      'after',
      `
Stages: train, validation; holdout, stress and calibrated once ballast evaluate RUN --holdout [--stress] has read the holdout;
shadow, canary and production from the labels of what a registered version of it answered (ballast labels ingest).

Examples:
  ballast ledger 3f2a91c0
  ballast ledger 3f2a91c0 --against 8b11e0aa
  ballast ledger 3f2a91c0 --metric recall --class yes
  ballast ledger 3f2a91c0 --slice region=north --plot ledger.svg
`,
    )
    .action(ledgerAction);
}

async function ledgerAction(reference: string, options: LedgerOptions): Promise<void> {
  const scope = scopeOf(options);
  await withStore(options.store, { create: false }, async (store) => {
    const run = await runOf(store, reference);
    await requireModel(store, run);
    const metric = options.metric ?? (options.class === undefined ? primaryMetric(specOfRun(run).spec) : 'recall');
    const ledger = await ledgerOfRun(store, run, metric, scope, await stagesOfProduction(store, run, metric));
    if (ledger.stages.length === 0) throw nothing(ledger);
    if (options.plot !== undefined) {
      const { label, format } = metricDisplay(metric);
      const chart = ledgerChart({
        title: `Gap ledger: ${label}`,
        stages: ledger.stages,
        y: { format },
        standalone: true,
      });
      await writeFileAtomically(options.plot, [Buffer.from(chart)]);
    }
    const other = options.against === undefined ? undefined : await runOf(store, options.against);
    const comparison =
      other === undefined
        ? undefined
        : compareLedgers(
            ledger,
            await ledgerOfRun(store, other, metric, scope, await stagesOfProduction(store, other, metric)),
          );
    answer(
      options,
      { run: run.id, ...ledger, ...(comparison === undefined ? {} : { against: { run: other?.id, ...comparison } }) },
      [...lines(ledger, options.plot), ...comparedLines(comparison)].join('\n'),
    );
  });
}

function lines(ledger: Ledger, plot: string | undefined): string[] {
  return [
    ledgerTable(ledger, terminalOptions()),
    ...Object.entries(ledger.omitted).map(([stage, reason]) => `${stage}: none, ${reason}`),
    ...(plot === undefined ? [] : [`plot     ${plot}`]),
  ];
}

function comparedLines(comparison: LedgerComparison | undefined): string[] {
  if (comparison === undefined) return [];
  const { metric, stages, origin } = comparison;
  const format = differenceFormat(metric);
  const told = stages.map(
    ({ stage, excess, interval, clear }) =>
      `  ${stage.padEnd(12)} ${signedText(metric, excess)} (${intervalText(interval, format)})${clear ? ': clearly more' : ''}`,
  );
  return [
    '',
    'Lost beyond what the other run lost:',
    ...told,
    origin === null ? 'No stage clearly loses more.' : `It begins at ${origin}.`,
  ];
}

function scopeOf({ class: name, slice }: LedgerOptions): LedgerScope | undefined {
  if (name !== undefined && slice !== undefined) {
    throw new BallastError('a ledger is of a class or of a slice', {
      code: 'USAGE',
      place: '--slice',
      remedy: 'Give one of both',
    });
  }
  return name === undefined ? slice : { class: name };
}

/** No stage has a value: the metric is not one of the task, or there is no such class or slice. */
function nothing({ metric, omitted }: Ledger): BallastError {
  return new BallastError(`no stage has a value of ${metric}: ${Object.values(omitted)[0] ?? 'none was evaluated'}`, {
    code: 'LEDGER_EMPTY',
    remedy: 'Choose another metric, class or slice: ballast evaluate RUN --json lists them',
  });
}

function sliceOf(text: string): { slice: string; value: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is COLUMN=VALUE.');
  return { slice: text.slice(0, at), value: text.slice(at + 1) };
}
