import { Command } from 'commander';
import { ledgerTable } from '../reports/terminal.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { ledgerOfRun } from '../tuning/evaluate-run.js';
import { primaryMetric } from '../tuning/judge.js';
import { requireModel } from '../tuning/result-record.js';
import { specOfRun } from '../tuning/run-rows.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

export function ledgerCommand(): Command {
  return withCommonOptions(new Command('ledger'))
    .argument('<run>', 'id of a run')
    .option('--metric <name>', 'metric; the run’s primary one unless given')
    .addHelpText('after', '\nExample:\n  ballast ledger 3f2a91c0\n')
    .action(async (reference: string, options: CommonOptions & { metric?: string }) => {
      await withStore(options.store, { create: false }, async (store) => {
        const run = await store.findRun(reference);
        await requireModel(store, run);
        const ledger = await ledgerOfRun(store, run, options.metric ?? primaryMetric(specOfRun(run).spec));
        answer(options, { run: run.id, ...ledger }, ledgerTable(ledger, terminalOptions()));
      });
    });
}
