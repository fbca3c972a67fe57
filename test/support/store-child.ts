import { spawn, spawnSync } from 'node:child_process';
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
  return start(process.execPath, [...writer, url, ...task]);
}

/** Starts store-writer.ts in a folder that is, for it alone, a disk of so many KiB (a tmpfs in its own namespace). */
export function startStoreChildOnDisk(folder: string, size: number, ...task: string[]): StoreChild {
  const mount = `mount -t tmpfs -o size=${size}k none "$1" && shift && exec "$@"`;
  const command = [process.execPath, ...writer, folder, ...task];
  return start('unshare', ['--map-root-user', '--mount', 'sh', '-c', mount, 'sh', folder, ...command]);
}

/** Why {@link startStoreChildOnDisk} cannot be used here; undefined when it can. */
export function smallDiskUnavailable(): string | undefined {
  const options = ['--map-root-user', '--mount', 'mount', '-t', 'tmpfs', 'none', '/tmp'];
  return spawnSync('unshare', options).status === 0 ? undefined : 'a namespace with a small disk cannot be made here';
}

const writer = ['--import', 'tsx', WRITER];

function start(program: string, options: readonly string[]): StoreChild {
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] });
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
