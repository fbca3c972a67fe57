import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/ballast', import.meta.url));

/** A `ballast serve` of its own process. */
export interface ServeProcess extends AsyncDisposable {
  readonly url: string;
  readonly processId: number;
  /** What it said on stderr. */
  readonly said: () => string;
  /** Its child processes: those that run models. */
  children(): number[];
}

/** Starts `ballast serve` on a port of its own, and waits until it answers. */
export async function startServe(folder: string, ...words: string[]): Promise<ServeProcess> {
  const child = spawn(process.execPath, [BIN, 'serve', '--port', '0', '--json', ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString();
      if (output.includes('\n')) resolve((JSON.parse(output) as { url: string }).url);
    });
    void ended.then(() => reject(new Error(`ballast serve ended: ${said}`)));
  });
  const processId = child.pid ?? 0;
  return {
    url,
    processId,
    said: () => said,
    children: () => childrenOf(processId),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Linux: a process may have them of any of its threads. */
function childrenOf(processId: number): number[] {
  const text = readFileSync(`/proc/${processId}/task/${processId}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}
