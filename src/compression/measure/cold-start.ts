import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { BallastError } from '../../errors.js';
import { childProgram, loaderArguments } from '../../graph/runtime/child-program.js';
import { median } from '../../numeric/quantile.js';
import { ANSWER, type ColdAnswer } from './cold-child.js';
import type { Feeds } from './feeds.js';

export interface ColdStart {
  /** From the start of a process to its first answer: Node, the runtime's library, the model, one inference. */
  readonly coldStartMs: number;
  /** Of it: reading the model and making a session. */
  readonly loadMs: number;
  /** Most resident memory of that process, after its first answers. */
  readonly peakMemoryBytes: number;
  readonly starts: number;
}

export interface ColdOptions {
  readonly starts?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Starts fresh processes one after the other that load a model file by the plain runtime and answer once: what a function
 * pays on its first request. Medians; files are in the page cache from the second start on.
 *
 * @throws BallastError BENCH_COLD_START where the process does not answer
 */
export async function measureColdStart(path: string, feeds: Feeds, options: ColdOptions = {}): Promise<ColdStart> {
  const { starts = 5, threads = 1, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'ballast-cold-'));
  try {
    const file = join(folder, 'feeds');
    await writeFile(file, serialize(feeds));
    const answers: (ColdAnswer & { ms: number })[] = [];
    for (let start = 0; start < starts; start++) answers.push(await startOnce([path, file, String(threads)], signal));
    return {
      coldStartMs: median(answers.map(({ ms }) => ms)),
      loadMs: median(answers.map(({ loadMs }) => loadMs)),
      peakMemoryBytes: median(answers.map(({ peakMemoryBytes }) => peakMemoryBytes)),
      starts,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function startOnce(argv: readonly string[], signal: AbortSignal | undefined): Promise<ColdAnswer & { ms: number }> {
  const program = childProgram('cold-child', import.meta.url);
  const settings = { windowsHide: true, ...(signal === undefined ? {} : { signal }) };
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let ms: number | undefined;
    const child = execFile(
      process.execPath,
      [...loaderArguments(program), program, ...argv],
      settings,
      (error, stdout, stderr) => {
        const line = stdout.split('\n').findLast((text) => text.startsWith(ANSWER));
        if (line !== undefined && ms !== undefined) {
          resolve({ ...(JSON.parse(line.slice(ANSWER.length)) as ColdAnswer), ms });
          return;
        }
        if (signal?.aborted) reject(signal.reason);
        reject(
          new BallastError('a fresh process did not answer', {
            code: 'BENCH_COLD_START',
            kind: 'environment',
            place: argv[0],
            remedy: stderr.trim().split('\n').at(-1) ?? error?.message ?? 'It ended without a word',
          }),
        );
      },
    );
    // The first line is the answer; what follows is about memory.
    child.stdout?.once('data', () => {
      ms = performance.now() - began;
    });
  });
}
