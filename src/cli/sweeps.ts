import { Command } from 'commander';
import { terminalOptions } from '../reports/terminal-style.js';
import { terminalTable } from '../reports/terminal-table.js';
import type { StoredSweep, StoredTrial } from '../store/sweep-types.js';
import { openDefinition, type SweepDefinition } from '../tuning/sweep/definition.js';
import type { SweepResult } from '../tuning/sweep/result.js';
import { resumeSweep } from '../tuning/sweep/run-sweep.js';
import { stopSweep } from '../tuning/sweep/stop-sweep.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { driveSweep, type SweepCommandOptions, withSweepOptions } from './sweep.js';
import { sweepLines } from './sweep-lines.js';
import { timeText } from './time-text.js';
import { storeExists, withStore } from './use-store.js';

interface StopOptions extends CommonOptions {
  reason?: string;
}

export function sweepsCommand(): Command {
  const command = new Command('sweeps').addHelpText(
    'after',
    '\nExample:\n  ballast sweeps list\n  ballast sweeps resume 3f2a91c0 --trials 100\n',
  );
  withCommonOptions(command.command('list'))
    .description('sweeps, newest first')
    .addHelpText('after', '\nExample:\n  ballast sweeps list\n')
    .action(list);
  withCommonOptions(command.command('status <sweep>'))
    .description('how far a sweep is, and what it came to')
    .addHelpText('after', '\nExample:\n  ballast sweeps status latest\n')
    .action(status);
  withSweepOptions(withCommonOptions(command.command('resume <sweep>')))
    .description('go on with a sweep that was interrupted or stopped, or with more trials')
    .addHelpText('after', '\nExample:\n  ballast sweeps resume latest --trials 60\n')
    .action(resume);
  withCommonOptions(command.command('stop <sweep>'))
    .description('ask a sweep to stop: trials at work keep a checkpoint')
    .option('--reason <text>', 'why, for the audit log')
    .addHelpText('after', '\nExample:\n  ballast sweeps stop 3f2a91c0 --reason "wrong range"\n')
    .action(stop);
  return command;
}

const counts = (trials: readonly StoredTrial[]) => {
  const of = (...states: StoredTrial['state'][]): number => trials.filter(({ state }) => states.includes(state)).length;
  return { complete: of('complete'), pruned: of('pruned'), failed: of('failed'), open: of('queued', 'running') };
};

async function list(options: CommonOptions): Promise<void> {
  if (!(await storeExists(options.store))) {
    answer(options, { sweeps: [] }, `No sweeps yet: there is no store at ${options.store}. Next: ballast sweep SPEC`);
    return;
  }
  await withStore(options.store, { create: false }, async (store) => {
    const sweeps = await store.listSweeps();
    const rows = [];
    for (const sweep of sweeps) rows.push({ ...summary(sweep), trials: counts(await store.listTrials(sweep.id)) });
    const { width } = terminalOptions();
    const text =
      rows.length === 0
        ? 'No sweeps yet. Next: ballast sweep SPEC'
        : terminalTable(
            [
              { label: 'sweep' },
              { label: 'spec', shrinkTo: 8 },
              { label: 'state' },
              { label: 'trials', align: 'right' },
              { label: 'pruned', align: 'right' },
              { label: 'best', align: 'right' },
              { label: 'time', align: 'right' },
            ],
            rows.map(({ sweepId, name, state, trials, wanted, best, seconds }) => [
              sweepId.slice(0, 8),
              name,
              state,
              `${trials.complete + trials.pruned + trials.failed} of ${wanted}`,
              String(trials.pruned),
              best === undefined ? '-' : String(Number(best.toPrecision(4))),
              timeText(seconds),
            ]),
            (head) => head,
            width,
          );
    answer(options, { sweeps: rows }, text);
  });
}

function summary({ id, name, state, seconds, definition, result, createdAt }: StoredSweep) {
  const { trials: wanted, objectives } = definition as SweepDefinition;
  const best = (result as SweepResult | undefined)?.best?.metric;
  return {
    sweepId: id,
    name,
    state,
    wanted,
    objectives: objectives.map(({ name: objective }) => objective),
    seconds,
    createdAt: createdAt.toISOString(),
    ...(best === undefined ? {} : { best }),
  };
}

async function status(reference: string, options: CommonOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const sweep = await store.findSweep(reference);
    const trials = counts(await store.listTrials(sweep.id));
    const result = sweep.result as SweepResult | undefined;
    const resumable = sweep.state === 'interrupted' || sweep.state === 'stopped';
    const { wanted } = summary(sweep);
    const done = trials.complete + trials.pruned + trials.failed;
    const lines = [
      `sweep ${sweep.id}  ${sweep.name}  ${sweep.state}, ${done} of ${wanted} trials in ${timeText(sweep.seconds)}`,
      ...(result === undefined ? [] : ['', ...sweepLines(result, openDefinition(sweep.definition as SweepDefinition))]),
      ...(resumable ? ['', `Go on with: ballast sweeps resume ${sweep.id.slice(0, 8)}`] : []),
    ];
    answer(options, { ...summary(sweep), trials, ...(result === undefined ? {} : { result }) }, lines.join('\n'));
  });
}

async function resume(reference: string, options: SweepCommandOptions): Promise<void> {
  await driveSweep(options, { create: false }, (common) => resumeSweep(reference, common));
}

async function stop(reference: string, options: StopOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const { sweepId, state, stopped } = await stopSweep(store, reference, options.reason);
    const goOn = `Go on with: ballast sweeps resume ${sweepId.slice(0, 8)}`;
    const text = stopped
      ? `Asked sweep ${sweepId.slice(0, 8)} to stop. ${goOn}`
      : `Sweep ${sweepId.slice(0, 8)} is ${state} already.`;
    answer(options, { sweepId, stopped }, text);
  });
}
