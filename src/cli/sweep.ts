import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { BallastError } from '../errors.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { readSpec } from '../spec/read.js';
import type { Budget } from '../tuning/sweep/definition.js';
import { type SweepLimits, type SweepOptions, startSweep } from '../tuning/sweep/run-sweep.js';
import { interruptible } from './interruptible.js';
import { localFolder } from './local-folder.js';
import { duration, money, wholeNumber } from './option-values.js';
import { type CommonOptions, withCommonOptions } from './output.js';
import { answerSweep } from './sweep-answer.js';
import { SweepProgress } from './sweep-progress.js';
import { withStore } from './use-store.js';
import { version } from './version.js';

export interface SweepCommandOptions extends CommonOptions {
  trials?: number;
  workers: number;
  stopWhen?: 'noise' | 'never';
  budget?: number;
  maxCost?: number;
  pricePerHour?: number;
  on?: string;
  silent: number;
  newHoldout?: boolean;
  out?: string;
}

export function sweepCommand(): Command {
  return withSweepOptions(withCommonOptions(new Command('sweep')))
    .argument('<spec>', 'spec file (YAML or JSON); its search section says what varies, every strength unless given')
    .option('--new-holdout', 'draw a new holdout where the spec no longer fits the locked one; recorded')
    .addHelpText(
      'after',
      `
Ctrl-C, kill -9 and power failures lose nothing but seconds: ballast sweeps resume ID goes on.

Examples:
  ballast sweep weather/spec.yaml --trials 30
  ballast sweep weather/spec.yaml --trials 200 --workers 4 --budget 20m
  ballast sweep weather/spec.yaml --trials 200 --stop-when noise
`,
    )
    .action(async (path: string, options: SweepCommandOptions) => {
      const resolved = await readSpec(path);
      await driveSweep(options, { create: true }, (common) =>
        startSweep(resolved, { ...common, newHoldout: options.newHoldout === true }),
      );
    });
}

/** Drives a sweep, new or resumed, to its end and answers with what it came to. */
export async function driveSweep(
  options: SweepCommandOptions,
  opening: { readonly create: boolean },
  begin: (common: SweepOptions & ReturnType<typeof limitsOf>) => ReturnType<typeof startSweep>,
): Promise<void> {
  const url = options.on ?? options.store;
  await withStore(url, opening, async (store) => {
    const interruption = interruptible();
    const progress = new SweepProgress();
    try {
      const driven = await begin({
        store,
        storeUrl: url,
        queued: options.on !== undefined,
        silentMs: 1000 * options.silent,
        runtime: await openRuntime(),
        workFolder: localFolder(url),
        ballastVersion: version(),
        workers: options.workers,
        signal: interruption.signal,
        onEvent: (event) => progress.show(event),
        ...limitsOf(options),
      });
      await answerSweep(driven, store, { ...options, store: url });
    } finally {
      interruption.stop();
    }
  });
}

/** Options that a new sweep and a resumed one share. */
export function withSweepOptions(command: Command): Command {
  return command
    .option(
      '--trials <count>',
      'trials in all; search.trials of the spec, or 30, unless given',
      wholeNumber(1, 1_000_000),
    )
    .option(
      '--workers <count>',
      'trials at once, each in a process of its own; 1 gives the same sweep every time',
      wholeNumber(1, 1024),
      Math.min(8, availableParallelism()),
    )
    .addOption(
      new Option(
        '--stop-when <what>',
        'noise: end once what is left to gain is less than the noise of the best; search.stop of the spec unless given',
      ).choices(['noise', 'never']),
    )
    .option('--budget <time>', 'stop after this time: 90s, 20m, 2h', duration)
    .option('--max-cost <money>', 'stop once this much is spent; needs --price-per-hour', money)
    .option('--price-per-hour <money>', 'what an hour of one worker costs', money)
    .option('--on <url>', 'a PostgreSQL store whose ballast workers train the trials; recorded there')
    .option('--silent <time>', 'with --on: take a worker for dead that was not heard of for so long', duration, 30)
    .option('--out <folder>', 'folder for report and best spec; under the store unless given');
}

/** Trials and budget as the tuning room takes them. */
function limitsOf({ trials, stopWhen, budget, maxCost, pricePerHour }: SweepCommandOptions): SweepLimits {
  const limits: Budget = {
    ...(budget === undefined ? {} : { seconds: budget }),
    ...(maxCost === undefined ? {} : { money: maxCost }),
    ...(pricePerHour === undefined ? {} : { pricePerHour }),
  };
  if (maxCost !== undefined && pricePerHour === undefined) throw withoutPrice();
  return {
    ...(trials === undefined ? {} : { trials }),
    ...(stopWhen === undefined ? {} : { stopWhen }),
    ...(Object.keys(limits).length === 0 ? {} : { budget: limits }),
  };
}

function withoutPrice(): BallastError {
  return new BallastError('what a sweep may cost says nothing without a price', {
    code: 'USAGE',
    place: '--max-cost',
    remedy: 'Give --price-per-hour as well, or --budget for time',
  });
}
