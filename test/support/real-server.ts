import { execFileSync, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where a program is; undefined where it is not installed. */
export function findProgram(...names: string[]): string | undefined {
  for (const name of names) {
    try {
      return execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
    } catch {
      // Another name, perhaps.
    }
  }
  return undefined;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

export interface RealServer {
  stop(): Promise<void>;
}

/** Starts a program that serves, and waits until an address of it answers. */
export async function startReal(
  program: string,
  words: readonly string[],
  { ready, within = 60_000 }: { readonly ready: string; readonly within?: number },
): Promise<RealServer> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece) => {
      said = `${said}${String(piece)}`.slice(-4000);
    });
  }
  const ended = new Promise<void>((resolve) => {
    child.on('exit', () => resolve());
  });
  const until = Date.now() + within;
  for (;;) {
    if (child.exitCode !== null || Date.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`${program} did not start: ${said}`);
    }
    try {
      if ((await fetch(ready)).ok) break;
    } catch {
      // Not yet.
    }
    await sleep(200);
  }
  return {
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(late);
    },
  };
}
