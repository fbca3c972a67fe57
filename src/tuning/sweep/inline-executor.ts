import type { Executor, Judge } from './executor.js';
import { type RunnerOptions, TrialRunner } from './trial-runner.js';
import { thisWorker } from './worker-name.js';

/** Trains one trial at a time in this very process. */
export function inlineExecutor(options: RunnerOptions, judge: Judge): Executor {
  const runner = new TrialRunner(options);
  const stopping = new AbortController();
  return {
    slots: 1,
    async run(number) {
      const trial = await options.store.claimTrial(options.sweepId, number, { worker: thisWorker(), silentMs: 0 });
      if (trial === undefined) return { state: 'lost' };
      return runner.run(trial, {
        signal: stopping.signal,
        report: async (progress, after) => judge(number, progress, after),
      });
    },
    interrupt: () => stopping.abort(),
    close: async () => undefined,
  };
}
