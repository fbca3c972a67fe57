/** A worker process of a sweep: takes trials from the process that started it, one at a time, until that is gone. */

import { BallastError } from '../../errors.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Verdict } from '../../search/pruner.js';
import { openStore } from '../../store/open-store.js';
import { patiently } from '../queue/patience.js';
import { openDefinition, type SweepDefinition } from './definition.js';
import type { FromWorker, ToWorker } from './pool-messages.js';
import { sharedSessions } from './shared-sessions.js';
import { trainTrial } from './trial-claim.js';
import { type TrialHost, TrialRunner } from './trial-runner.js';

const tell = (message: FromWorker): void => {
  process.send?.(message);
};

const stopping = new AbortController();
let verdict: (verdict: Verdict) => void = () => undefined;
let work: ((number: number) => Promise<void>) | undefined;

async function open({ store: url, sweepId, workFolder }: Extract<ToWorker, { type: 'open' }>): Promise<void> {
  const store = await patiently(() => openStore(url), stopping.signal);
  const { definition } = await patiently(() => store.findSweep(sweepId), stopping.signal);
  const sweep = openDefinition(definition as SweepDefinition);
  const runtime = sharedSessions(await openRuntime());
  const runner = new TrialRunner({ store, runtime, workFolder, sweepId, sweep });
  work = async (number) => {
    const host: TrialHost = {
      signal: stopping.signal,
      report: (progress, after) =>
        new Promise((resolve) => {
          verdict = resolve;
          tell({ type: 'report', progress, after });
        }),
    };
    tell({ type: 'ended', end: (await trainTrial(store, runner, { sweepId, number, host })) ?? { state: 'lost' } });
  };
  tell({ type: 'ready' });
}

function fault(error: unknown): void {
  const known = error instanceof BallastError ? error : undefined;
  tell({
    type: 'fault',
    code: known?.code,
    message: error instanceof Error ? (known?.message ?? error.stack ?? error.message) : String(error),
    remedy: known?.remedy,
  });
}

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'open':
      open(message).catch(fault);
      break;
    case 'trial':
      work?.(message.number).catch(fault);
      break;
    case 'verdict':
      verdict(message.verdict);
      break;
    case 'interrupt':
      stopping.abort();
      break;
    default:
      message satisfies never;
  }
});
// The terminal's Ctrl-C reaches every process: what to do about it is for the one that drives the sweep to say.
process.on('SIGINT', () => undefined);
// Whoever drives the sweep is gone, killed or done: what was not given back is taken again by its successor.
process.on('disconnect', () => process.exit(0));
