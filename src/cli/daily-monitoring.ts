import { spawn } from 'node:child_process';
import { BallastError } from '../errors.js';
import type { KeptObservations, Store } from '../store/index.js';
import { expiredLines } from './retention.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The first round begins so long after the start: a server that is restarted often is not always at it. */
const FIRST_MS = 10 * 60_000;

/**
 * Once a day, while a server runs: every model that was observed is held against its reference (`ballast drift MODEL`, in a process of its
 * own), and what is older than the store's policy keeps is removed, by one of the servers over a store.
 *
 * @returns what ends it
 */
export function startDailyMonitoring(
  store: Store,
  options: { readonly store: string; readonly kept: Partial<KeptObservations>; readonly tell: (line: string) => void },
): { stop(): Promise<void> } {
  const controller = new AbortController();
  let underWay = Promise.resolve();
  let timer = setTimeout(begin, FIRST_MS).unref();

  function begin(): void {
    underWay = round().finally(() => {
      if (!controller.signal.aborted) timer = setTimeout(begin, DAY).unref();
    });
  }

  async function round(): Promise<void> {
    try {
      await clear();
      for (const model of await store.observedModels()) {
        if (controller.signal.aborted) return;
        await measure(model);
      }
    } catch (error) {
      // The next round tries again; the server goes on.
      options.tell(`daily monitoring: ${error instanceof BallastError ? error.describe() : String(error)}`);
    }
  }

  async function clear(): Promise<void> {
    if (!(await store.takeTurn('retention', DAY - HOUR))) return;
    const policy = { ...(await store.retentionPolicy()), ...options.kept };
    for (const line of expiredLines(await store.applyRetention({ policy }), false)) options.tell(line);
  }

  async function measure(model: string): Promise<void> {
    const words = ['drift', '--json', '--store', options.store, '--', model];
    const { code, errors } = await run([...process.execArgv, process.argv[1], ...words], controller.signal);
    if (code === 1) options.tell(`${model} drifted: ballast drift ${model} tells how`);
    else if (code !== 0 && !controller.signal.aborted) options.tell(`drift of ${model}: ${errors.trim()}`);
  }

  return {
    async stop() {
      clearTimeout(timer);
      controller.abort();
      await underWay;
    },
  };
}

function run(words: readonly string[], signal: AbortSignal): Promise<{ code: number; errors: string }> {
  return new Promise((resolve) => {
    let errors = '';
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'], signal });
    child.stderr.on('data', (piece: Buffer) => {
      errors = (errors + piece.toString()).slice(-2000);
    });
    child.on('error', (error) => resolve({ code: -1, errors: error.message }));
    child.on('close', (code) => resolve({ code: code ?? -1, errors }));
  });
}
