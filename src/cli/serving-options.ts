import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { DEFAULT_POLICIES, type InputPolicies, type Policy, type RequestLimits } from '../serving/index.js';
import type { RunSettings } from '../serving/model/served-version.js';
import { count, positive, wholeNumber } from './option-values.js';

/** How models are served, as the command line says it. */
export interface ServingOptions {
  models?: string[];
  workers: number;
  threads: number;
  batchRows: number;
  batchWaitMs: number;
  queue: number;
  timeoutMs: number;
  maxBodyBytes: number;
  rate: number;
  concurrency: number;
  check: InputPolicies;
}

/** Adds the options of inference. */
export function withServingOptions(command: Command): Command {
  return command
    .option('--models <reference...>', 'registered models to serve: NAME@ALIAS, NAME/VERSION, or NAME')
    .option('--workers <number>', 'processes of each version', wholeNumber(1, 1024), 1)
    .option('--threads <number>', 'threads of one run', wholeNumber(1, availableParallelism()), 1)
    .option('--batch-rows <number>', 'rows that run at once, of several requests together', wholeNumber(1, 1e6), 64)
    .option('--batch-wait-ms <number>', 'how long a request may wait for others to run with', count, 0)
    .option(
      '--queue <number>',
      'requests of a version that may wait; more are refused with 503',
      wholeNumber(1, 1e6),
      512,
    )
    .option('--timeout-ms <number>', 'longest time to an answer', positive, 10_000)
    .option('--max-body-bytes <bytes>', 'the largest request', wholeNumber(1, 2 ** 31 - 1), 16 << 20)
    .option('--rate <number>', 'requests a second of one client, refused with 429 beyond; 0 for any number', count, 0)
    .option('--check <name=policy>', CHECK_HELP, readCheck, DEFAULT_POLICIES)
    .option('--concurrency <number>', 'requests under way at once, of all clients', wholeNumber(1, 1e6), 4096);
}

/** How a version's model is run. */
export function runSettings({
  workers,
  threads,
  batchRows,
  batchWaitMs,
  queue,
  timeoutMs,
}: ServingOptions): RunSettings {
  return { workers, threads, batchRows, batchWaitMs, queue, timeoutMs };
}

/** What clients may ask. */
export function requestLimits({ maxBodyBytes, rate, concurrency }: ServingOptions): RequestLimits {
  return { bodyBytes: maxBodyBytes, perSecond: rate, concurrent: concurrency };
}

const CHECK_HELP =
  'what is done about values that training did not have: range, unseen, missing or infinite = off, flag, clip (range only) or reject; may be given again';

function readCheck(text: string, policies: InputPolicies): InputPolicies {
  const [name = '', policy = ''] = text.split('=');
  const known: readonly string[] = name === 'range' ? ['off', 'flag', 'clip', 'reject'] : ['off', 'flag', 'reject'];
  if (!Object.hasOwn(policies, name) || !known.includes(policy)) {
    throw new InvalidArgumentError(
      'Write range, unseen, missing or infinite, an equals sign, and off, flag, clip (range only) or reject.',
    );
  }
  return { ...policies, [name]: policy as Policy };
}
