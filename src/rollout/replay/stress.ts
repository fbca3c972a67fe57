import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BallastError } from '../../errors.js';
import { quantileSorted } from '../../numeric/index.js';
import { derive } from '../../numeric/random.js';

export interface StressOptions {
  /** Requests a second, at random moments. */
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  /** Processes whose memory is watched. */
  readonly processIds?: () => readonly number[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (state: { readonly sent: number; readonly failed: number; readonly waiting: number }) => void;
}

export interface StressReport {
  readonly requests: number;
  readonly answered: number;
  /** By what was wrong. */
  readonly failed: Readonly<Record<string, number>>;
  readonly failedShare: number;
  readonly seconds: number;
  /** Answers a second. */
  readonly throughput: number;
  /** From the moment at which a request was due, ms: what waits behind others counts. Null where nothing was answered. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | null;
  /** Of the processes that run the model, bytes at the beginning and at the end; null where not known. */
  readonly memory: { readonly before: number; readonly after: number } | null;
  readonly interrupted: boolean;
}

/** So many unanswered requests end the run: it is lost. */
const MOST_WAITING = 20_000;
/** How often the progress is told, ms. */
const TELL_MS = 1000;

/**
 * Asks at a rate that does not wait for answers (an open loop, Poisson arrivals), and reports what became of it.
 *
 * @param ask makes the i-th request; what it throws is a failure, counted by its code
 * @throws BallastError `STRESS_LOST`
 */
export async function stress(
  ask: (i: number) => Promise<unknown>,
  { rate, seconds, seed, processIds, signal, onProgress }: StressOptions,
): Promise<StressReport> {
  const random = derive(seed, 'stress');
  const latencies: number[] = [];
  const failed: Record<string, number> = {};
  const waiting = new Set<Promise<void>>();
  const before = await memoryOf(processIds);
  const start = performance.now();
  const until = start + 1000 * seconds;
  let [sent, told] = [0, start];
  for (let due = start; signal?.aborted !== true; sent++) {
    due += (-Math.log(1 - random.uniform()) * 1000) / rate;
    if (due >= until) break;
    const early = due - performance.now();
    if (early > 1) await sleep(early);
    if (waiting.size >= MOST_WAITING) throw lost(rate);
    const one = ask(sent)
      .then(
        () => void latencies.push(performance.now() - due),
        (error: unknown) => {
          const what = error instanceof BallastError ? error.code : String(error);
          failed[what] = (failed[what] ?? 0) + 1;
        },
      )
      .finally(() => waiting.delete(one));
    waiting.add(one);
    if (performance.now() - told < TELL_MS) continue;
    told = performance.now();
    onProgress?.({ sent, failed: totalOf(failed), waiting: waiting.size });
  }
  await Promise.all(waiting);
  const took = (performance.now() - start) / 1000;
  const after = await memoryOf(processIds);
  const sorted = latencies.sort((a, b) => a - b);
  const at = (p: number): number => Number(quantileSorted(sorted, p).toFixed(3));
  return {
    requests: sent,
    answered: sorted.length,
    failed,
    failedShare: sent === 0 ? 0 : totalOf(failed) / sent,
    seconds: Number(took.toFixed(2)),
    throughput: Number((sorted.length / took).toFixed(1)),
    latencyMs: sorted.length === 0 ? null : { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    memory: before === undefined || after === undefined ? null : { before, after },
    interrupted: signal?.aborted === true,
  };
}

const totalOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, each) => sum + each, 0);

/** Resident memory of processes, where the system tells (Linux). */
async function memoryOf(processIds: StressOptions['processIds']): Promise<number | undefined> {
  if (processIds === undefined || process.platform !== 'linux') return undefined;
  let bytes = 0;
  for (const id of processIds()) {
    try {
      const status = await readFile(`/proc/${id}/status`, 'utf8');
      bytes += 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
    } catch (error) {
      // It ended meanwhile: it holds nothing.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return bytes;
}

function lost(rate: number): BallastError {
  return new BallastError(`${MOST_WAITING} requests wait for an answer: it cannot answer ${rate} a second`, {
    code: 'STRESS_LOST',
    kind: 'environment',
    remedy: 'Ask less of it: --rate',
  });
}
