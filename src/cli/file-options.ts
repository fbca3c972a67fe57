import { type Command, Option } from 'commander';
import { type CommonOptions, withCommonOptions } from './output.js';

/** What a user says of a model file that does not say it itself; a run knows all of it. */
export interface FileOptions extends CommonOptions {
  data?: string;
  spec?: string;
  target?: string;
  task?: 'classification' | 'regression';
  output?: string;
  classes?: string[];
  input: string[];
}

/** The names of those that describe the file rather than the rows. */
export const OF_FILES = ['spec', 'target', 'task', 'output', 'classes', 'input'] as const;

/** Adds them to a command that takes models of any origin, and the options of every command. */
export function withFileOptions(
  command: Command,
  tasks: readonly string[] = ['classification', 'regression'],
): Command {
  return withCommonOptions(command)
    .option('--spec <file>', 'spec that says how --data is read (.onnx files)')
    .option('--target <column>', 'target column (.onnx files)')
    .addOption(new Option('--task <task>', 'what is predicted (.onnx files)').choices(tasks))
    .option('--output <name:kind>', 'output and what it is: NAME:logits|probabilities|labels|predictions')
    .option('--classes <list>', 'classes in the order of the output: A,B,...', (list: string) => list.split(','))
    .option('--input <name=column>', 'column(s) of an input: NAME=COLUMN or NAME=A+B+C; repeatable', collected, []);
}

/** Collects the values of a repeatable option. */
export const collected = (value: string, before: string[]): string[] => [...before, value];
