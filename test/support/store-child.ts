import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const WRITER = fileURLToPath(new URL('store-writer.ts', import.meta.url));

/** A running store-writer.ts. */
export interface StoreChild {
  readonly pid: number;
  /** The lines it has written so far. */
  readonly lines: readonly string[];
  /** Waits until it has written so many lines. */
  written(lines: number): Promise<void>;
  /** Kills it as a power switch would and waits until it is gone. */
  kill(): Promise<void>;
  /** Waits until it has ended by itself; an error if it failed. */
  ended(): Promise<void>;
}

/** Starts store-writer.ts on a store. */
export function startStoreChild(url: string, ...task: string[]): StoreChild {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, url, ...task], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let errors = '';
  let progress: () => void = () => {};
  const output = createInterface(child.stdout);
  output.on('line', (line) => {
    lines.push(line);
    progress();
  });
  child.stderr.on('data', (piece: Buffer) => {
    errors += piece.toString();
  });
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      resolve(code);
      progress();
    });
  });
  return {
    pid: child.pid ?? 0,
    lines,
    async written(count) {
      while (lines.length < count) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the writer ended: ${errors}`);
        await new Promise<void>((resolve) => {
          progress = resolve;
        });
      }
    },
    async kill() {
      child.kill('SIGKILL');
      await exit;
    },
    async ended() {
      if ((await exit) !== 0) throw new Error(`the writer failed: ${errors}`);
    },
  };
}
