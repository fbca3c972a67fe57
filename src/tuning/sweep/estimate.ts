import { BallastError } from '../../errors.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { PreparedData } from '../../spec/prepare.js';
import type { ResolvedSpec } from '../../spec/read.js';
import { planRuns } from '../plan.js';
import { problemOf, trainRun } from '../train-run.js';
import type { Budget } from './definition.js';

/** What a sweep will cost, as far as the first epochs of the spec itself tell. */
export interface Estimate {
  /** Seconds of one trial that trains to its last epoch. */
  readonly trialSeconds: number;
  /** Seconds of all trials on all workers. */
  readonly seconds: number;
  /** Money of all trials, where there is a price. */
  readonly money?: number;
  /** Trials that the budget lets end; all of them where there is none. */
  readonly trials: number;
}

/** Seconds of training after which an estimate is good enough. */
const ENOUGH_SECONDS = 0.5;

/**
 * Trains the spec's own model for a few epochs and reckons the rest: every epoch of every fold and seed. Early stopping
 * and pruning make a sweep quicker, larger points slower.
 *
 * @throws BallastError of the spec and its data
 */
export async function secondsOfTrial(
  resolved: ResolvedSpec,
  data: PreparedData,
  { runtime, signal }: { runtime: Runtime; signal: AbortSignal },
): Promise<number> {
  const plans = planRuns(resolved.spec, data).filter(({ role }) => role === 'model');
  const started = performance.now();
  const { problem } = await problemOf(resolved, data, plans[0]);
  const enough = new AbortController();
  let trainingSince = 0;
  let epochs = 0;
  let left = 0;
  await trainRun(problem, {
    runtime,
    signal: AbortSignal.any([signal, enough.signal]),
    resume: undefined,
    async onEvent(event) {
      if (event.type === 'started') trainingSince = performance.now();
      if (event.type !== 'epoch' && event.type !== 'progress') return;
      const seconds = (performance.now() - trainingSince) / 1000;
      if (event.type === 'epoch') {
        epochs++;
        left = (seconds / epochs) * (resolved.spec.training.epochs - epochs);
      } else if (epochs === 0) left = event.secondsLeft;
      if (seconds > ENOUGH_SECONDS && left > 0) enough.abort();
    },
  });
  const spent = (performance.now() - started) / 1000;
  return plans.length * (spent + left);
}

/** @throws BallastError SWEEP_BUDGET where not even one trial fits */
export function estimateOf(
  trialSeconds: number,
  { trials, workers, budget = {} }: { trials: number; workers: number; budget?: Budget | undefined },
): Estimate {
  const price = budget.pricePerHour;
  const most = affordable(trialSeconds, { workers, budget });
  if (most < 1) {
    throw new BallastError(`one trial takes about ${trialSeconds.toPrecision(2)} s, more than the whole budget`, {
      code: 'SWEEP_BUDGET',
      place: '--budget',
      remedy: 'Raise the budget, lower training.epochs, or search a smaller model',
    });
  }
  const done = Math.min(trials, most);
  return {
    trialSeconds,
    seconds: Math.ceil(done / workers) * trialSeconds,
    trials: done,
    ...(price === undefined ? {} : { money: (done * trialSeconds * price) / 3600 }),
  };
}

/** Trials that a budget pays for. */
function affordable(trialSeconds: number, { workers, budget }: { workers: number; budget: Budget }): number {
  const byTime = budget.seconds === undefined ? Number.POSITIVE_INFINITY : (budget.seconds * workers) / trialSeconds;
  const byMoney =
    budget.money === undefined || budget.pricePerHour === undefined
      ? Number.POSITIVE_INFINITY
      : (budget.money / budget.pricePerHour) * (3600 / trialSeconds);
  return Math.floor(Math.min(byTime, byMoney));
}

/** Seconds of wall clock after which the budget is spent, on so many workers. */
export function secondsAllowed({ seconds, money, pricePerHour }: Budget, workers: number): number {
  const paid =
    money === undefined || pricePerHour === undefined
      ? Number.POSITIVE_INFINITY
      : ((money / pricePerHour) * 3600) / workers;
  return Math.min(seconds ?? Number.POSITIVE_INFINITY, paid);
}
