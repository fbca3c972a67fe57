import { type Command, InvalidArgumentError } from 'commander';
import type { Asked } from '../evaluation/asked.js';
import { collected } from './file-options.js';

export interface AskedOptions {
  metric?: string[];
  positive?: string;
  cost?: number[][];
}

/** Adds what may be asked of an evaluation beside its standard metrics. */
export function withAskedOptions(command: Command): Command {
  return command
    .option(
      '--metric <name>',
      'a metric beside the standard ones: precision@100, pinball@0.9; repeatable',
      collected,
      [],
    )
    .option('--positive <class>', 'class that counts as positive (and favourable, with --fairness)')
    .option('--cost <matrix>', 'cost of each error as JSON, a row a true class: [[0,1],[5,0]]', costMatrix);
}

export function askedOf({ metric = [], positive, cost }: AskedOptions): Asked {
  return { metrics: metric, positive, cost };
}

function costMatrix(text: string): number[][] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('It is JSON, such as [[0,1],[5,0]].');
  }
  if (Array.isArray(value) && value.every((row) => Array.isArray(row) && row.every((cell) => Number.isFinite(cell)))) {
    return value as number[][];
  }
  throw new InvalidArgumentError('It is rows of numbers, such as [[0,1],[5,0]].');
}
