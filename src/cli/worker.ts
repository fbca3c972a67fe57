import { Command } from 'commander';
import { openRuntime } from '../graph/runtime/choose.js';
import { type WorkerEvent, workTrials } from '../tuning/sweep/queue-worker.js';
import { sharedSessions } from '../tuning/sweep/shared-sessions.js';
import { interruptible } from './interruptible.js';
import { duration } from './option-values.js';
import { answer, type CommonOptions, note, withCommonOptions } from './output.js';
import { timeText } from './time-text.js';
import { withStore } from './use-store.js';

interface WorkerCommandOptions extends CommonOptions {
  idle?: number;
  silent: number;
}

export function workerCommand(): Command {
  return withCommonOptions(new Command('worker'))
    .option('--idle <time>', 'end once nothing was to be done for so long; otherwise wait for ever', duration)
    .option('--silent <time>', 'take over from a worker that was not heard of for so long', duration, 30)
    .addHelpText(
      'after',
      `
Takes trials of sweeps from the queue of a PostgreSQL store; start as many as there are cores, on any machines that
reach the database, its artifact folder and the data. Ctrl-C gives the trial at work back.

Example:
  ballast worker --store "postgres://user@host/ballast?artifacts=/shared/artifacts"
  ballast sweep spec.yaml --on "postgres://user@host/ballast?artifacts=/shared/artifacts" --workers 8
`,
    )
    .action(async (options: WorkerCommandOptions) => {
      await withStore(options.store, { create: true }, async (store) => {
        const interruption = interruptible();
        let trials = 0;
        try {
          await workTrials({
            store,
            storeUrl: options.store,
            runtime: sharedSessions(await openRuntime()),
            signal: interruption.signal,
            silentMs: 1000 * options.silent,
            ...(options.idle === undefined ? {} : { idleMs: 1000 * options.idle }),
            onEvent(event) {
              if (event.type === 'ended' && event.end.state !== 'queued') trials++;
              note(lineOf(event));
            },
          });
        } finally {
          interruption.stop();
        }
        answer(options, { trials }, `${trials} trials done.`);
      });
    });
}

function lineOf(event: WorkerEvent): string {
  switch (event.type) {
    case 'waiting':
      return 'waiting for trials';
    case 'taken':
      return `sweep ${event.job.sweepId.slice(0, 8)} trial ${event.job.number}${event.attempt > 1 ? `, take ${event.attempt}` : ''}`;
    case 'ended':
      return event.end.state === 'queued'
        ? '  given back with a checkpoint'
        : `  ${event.end.state} in ${timeText(event.end.outcome.seconds)}`;
    case 'away':
      return `  ${event.message}; waiting for it`;
    default:
      return event satisfies never;
  }
}
