import type { Executor, Judge } from './executor.js';
import { trainTrial } from './trial-claim.js';
import { type RunnerOptions, type TrialHost, TrialRunner } from './trial-runner.js';

/** Trains one trial at a time in this very process. */
export function inlineExecutor(options: RunnerOptions, judge: Judge): Executor {
  const runner = new TrialRunner(options);
  const stopping = new AbortController();
  return {
    slots: 1,
    async run(number) {
      const { store, sweepId } = options;
      const host: TrialHost = {
        signal: stopping.signal,
        report: async (progress, after) => judge(number, progress, after),
      };
      return (await trainTrial(store, runner, { sweepId, number, host })) ?? { state: 'lost' };
    },
    interrupt: () => stopping.abort(),
    close: async () => undefined,
  };
}
