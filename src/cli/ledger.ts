import { Command } from 'commander';
import { ledgerTable, terminalOptions } from '../reports/terminal.js';
import { openStore } from '../store/index.js';
import { ledgerOfRun, specOfRun } from '../tuning/evaluate-run.js';
import { primaryMetric } from '../tuning/judge.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';

export function ledgerCommand(): Command {
  return withCommonOptions(new Command('ledger'))
    .argument('<run>', 'id of a run')
    .option('--metric <name>', 'metric; the run’s primary one unless given')
    .addHelpText('after', '\nExample:\n  ballast ledger 3f2a91c0\n')
    .action(async (reference: string, options: CommonOptions & { metric?: string }) => {
      const store = await openStore(options.store);
      try {
        const run = await store.findRun(reference);
        const ledger = await ledgerOfRun(store, run, options.metric ?? primaryMetric(specOfRun(run).spec));
        answer(options, { run: run.id, ...ledger }, ledgerTable(ledger, terminalOptions()));
      } finally {
        await store.close();
      }
    });
}
