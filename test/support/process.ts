import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/ballast', import.meta.url));

/** A running `bin/ballast`. */
export interface CommandProcess {
  /** What it has written so far. */
  readonly output: { stdout: string; stderr: string };
  /** Waits until what it wrote to stderr matches. */
  said(pattern: RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts the compiled command line as a process of its own. */
export function start(folder: string, ...argv: string[]): CommandProcess {
  const child = spawn(process.execPath, [BIN, ...argv], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  let heard: () => void = () => undefined;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (piece: Buffer) => {
      output[name] += piece.toString();
      heard();
    });
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => {
      resolve(code ?? signal ?? 0);
      heard();
    });
  });
  return {
    output,
    ended,
    signal: (name) => child.kill(name),
    async said(pattern) {
      while (!pattern.test(output.stderr)) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it ended: ${output.stderr}`);
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    },
  };
}
