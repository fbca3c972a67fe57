import type { Command } from 'commander';

/** Options that every command has. */
export interface CommonOptions {
  json?: boolean;
  store: string;
}

/** Adds `--json` and `--store`. */
export function withCommonOptions(command: Command): Command {
  return command
    .option('--json', 'one JSON document on stdout; progress on stderr')
    .option(
      '--store <url>',
      'where runs are kept: a folder or postgres://...',
      process.env.BALLAST_STORE ?? './.ballast',
    );
}

/** Writes the answer: the document with `--json`, the text otherwise. */
export function answer(options: { json?: boolean }, document: unknown, text: string): void {
  process.stdout.write(options.json === true ? `${JSON.stringify(document)}\n` : `${text}\n`);
}

let code = 0;

/** Says that the command is done and the answer is no: exit code 1. */
export function answerIsNo(): void {
  code = 1;
}

/** The exit code of what was answered since the last call. */
export function takeExitCode(): number {
  const taken = code;
  code = 0;
  return taken;
}

/** A line of progress on stderr. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
