import { basename } from 'node:path';
import type { Command } from 'commander';
import { BallastError } from '../errors.js';
import { runsInCsv } from '../tuning/transfer/csv-import.js';
import { type ForeignRun, recordForeignRun } from '../tuning/transfer/imported-run.js';
import { exportToMlflow } from '../tuning/transfer/mlflow-export.js';
import { runsOnMlflow } from '../tuning/transfer/mlflow-import.js';
import { offlineWandbRun } from '../tuning/transfer/wandb-import.js';
import { answer, type CommonOptions, note, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

interface TransferOptions extends CommonOptions {
  experiment?: string;
  artifacts: boolean;
}

/** Adds `import` and `export` to the command `runs`. */
export function addTransfer(command: Command): void {
  withCommonOptions(command.command('import <source>'))
    .description('runs from an MLflow server (http://...), a W&B offline run (its folder) or a CSV file')
    .option('--experiment <name>', 'the experiment on the server; where runs of a file or of W&B go')
    .option('--no-artifacts', 'leave the files on the MLflow server')
    .addHelpText(
      'after',
      `
What was imported before is left as it is, so that an import can be run again.

Examples:
  ballast runs import http://127.0.0.1:5000 --experiment digits
  ballast runs import wandb/offline-run-20261127_132446-qneu5c6p
  ballast runs import results.csv --experiment older
`,
    )
    .action(importRuns);
  withCommonOptions(command.command('export <run>'))
    .description('copy a run to an MLflow server')
    .requiredOption('--to <url>', 'the server')
    .option('--experiment <name>', 'the experiment there; else the run’s own')
    .option('--no-artifacts', 'leave the files here')
    .addHelpText('after', '\nExample:\n  ballast runs export 3f2a91c0 --to http://127.0.0.1:5000\n')
    .action(exportRun);
}

async function importRuns(source: string, options: TransferOptions): Promise<void> {
  const runs = foreignRuns(source, options);
  await withStore(options.store, { create: true }, async (store) => {
    const imported: { id: string; name: string }[] = [];
    let known = 0;
    for await (const run of runs) {
      const { id, isNew } = await recordForeignRun(store, run);
      if (!isNew) known += 1;
      else {
        imported.push({ id, name: run.name });
        note(`imported ${run.name} (${run.metrics.length} points)`);
      }
    }
    const before = known === 0 ? '' : `, ${known} were here before`;
    answer(options, { imported, known }, `${imported.length} runs imported${before}`);
  });
}

async function* foreignRuns(source: string, { experiment, artifacts }: TransferOptions): AsyncGenerator<ForeignRun> {
  if (/^https?:\/\//.test(source)) {
    if (experiment === undefined) {
      throw new BallastError('which experiment of the server is not said', {
        code: 'USAGE',
        remedy: 'Add --experiment NAME',
      });
    }
    yield* runsOnMlflow(source, experiment, { artifacts });
  } else if (source.endsWith('.csv')) {
    yield* await runsInCsv(source, experiment ?? basename(source, '.csv'));
  } else yield await offlineWandbRun(source, experiment);
}

async function exportRun(reference: string, options: TransferOptions & { to: string }): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const run = await store.findRun(reference);
    const { artifacts, experiment } = options;
    const done = await exportToMlflow(store, run, options.to, {
      artifacts,
      ...(experiment === undefined ? {} : { experiment }),
    });
    answer(options, done, `exported as ${done.exportedAs}: ${done.metrics} points, ${done.artifacts} files`);
  });
}
