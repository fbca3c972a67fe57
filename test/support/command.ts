import { run } from '../../src/cli/main.js';

/** What a command answered. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The one JSON document on stdout; an error of the test where there is none, or more. */
  json<T = Record<string, unknown>>(): T;
}

/** Runs the command line within this process, in a folder, and keeps what it writes. */
export async function ballast(folder: string, ...argv: string[]): Promise<CommandResult> {
  const before = { folder: process.cwd(), argv: process.argv };
  const written = { stdout: '', stderr: '' };
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const stream = process[name];
    const { write } = stream;
    stream.write = ((piece: string | Uint8Array) => {
      written[name] += typeof piece === 'string' ? piece : Buffer.from(piece).toString();
      return true;
    }) as typeof write;
    return () => {
      stream.write = write;
    };
  });
  process.chdir(folder);
  process.argv = ['node', 'ballast', ...argv];
  try {
    const code = await run(argv);
    return { code, ...written, json: () => JSON.parse(written.stdout) };
  } finally {
    process.argv = before.argv;
    process.chdir(before.folder);
    for (const undo of restore) undo();
  }
}
