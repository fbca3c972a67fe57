import { readFile, stat } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { BallastError } from '../../errors.js';
import { externalFiles } from '../../graph/format/external-files.js';
import type { Runtime, Session } from '../../graph/runtime/runtime.js';
import { measureColdStart } from './cold-start.js';
import { energyCounters, energyPer1000 } from './energy.js';
import type { Feeds } from './feeds.js';
import { type Latency, measureLatency, type PairedRatio, pairedRatio, type Runnable, runnable } from './latency.js';

export interface BenchOptions {
  /** Time for each warm measurement. */
  readonly seconds: number;
  /** Threads of an operator; the first is the headline. */
  readonly threads: readonly number[];
  /** Fresh processes for the cold start; 0 = none. */
  readonly starts: number;
  /** Money for an hour of this machine. */
  readonly price?: number | undefined;
  readonly provider?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((doing: string) => void) | undefined;
}

/** What a model costs here. Times are of one call with `batch` rows. */
export interface BenchReport {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Rows a second, one call after the other. */
  readonly throughput: number;
  readonly coldStartMs: number | null;
  readonly peakMemoryBytes: number | null;
  /** The model file and its external data. */
  readonly bytes: number;
  /** Money for 1,000 rows at the price given, with the machine busy; null without a price. */
  readonly costPer1000: number | null;
  /** Joules of the processor's packages for 1,000 rows; null where the machine does not tell. */
  readonly joulesPer1000: number | null;
  readonly batch: number;
  readonly byThreads: readonly (Pick<Latency, 'p50Ms' | 'p99Ms' | 'calls'> & {
    readonly threads: number;
    readonly throughput: number;
  })[];
  readonly machine: Machine;
}

/** Where figures were measured. */
export interface Machine {
  readonly processor: string;
  readonly processors: number;
  readonly platform: string;
  readonly runtime: string;
  readonly provider: string;
}

/** This machine, as figures are told with. */
export function machineOf(runtime: Runtime, provider = 'cpu'): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    platform: `${process.platform}-${process.arch}`,
    runtime: `onnxruntime ${runtime.version} (${runtime.name})`,
    provider,
  };
}

/** A model file with what it is fed. */
export interface BenchSubject {
  readonly path: string;
  readonly feeds: Feeds;
}

/** Measures a model file: warm latency by threads, cold start and memory in fresh processes, bytes, cost. */
export async function bench(runtime: Runtime, subject: BenchSubject, options: BenchOptions): Promise<BenchReport> {
  const { seconds, threads, starts, price, provider, signal, tell } = options;
  const batch = batchOf(subject.feeds);
  const byThreads: BenchReport['byThreads'][number][] = [];
  const counters = await energyCounters();
  let joulesPer1000: number | null = null;
  for (const count of threads) {
    tell?.(`${subject.path}: warm latency, ${count} thread${count === 1 ? '' : 's'}`);
    const loaded = await load(runtime, subject, count, provider);
    try {
      const { meanMs, ...latency } = await measureLatency(loaded.target, { seconds, signal });
      byThreads.push({ threads: count, ...latency, throughput: (1000 * batch) / meanMs });
      if (byThreads.length === 1)
        joulesPer1000 = await energyPer1000(loaded.target, { seconds, batch, signal }, counters);
    } finally {
      loaded.release();
    }
  }
  const [first] = byThreads;
  if (starts > 0) tell?.(`${subject.path}: ${starts} cold starts`);
  const cold =
    starts === 0
      ? undefined
      : await measureColdStart(subject.path, subject.feeds, { starts, threads: first.threads, signal });
  return {
    p50Ms: first.p50Ms,
    p99Ms: first.p99Ms,
    throughput: first.throughput,
    coldStartMs: cold?.coldStartMs ?? null,
    peakMemoryBytes: cold?.peakMemoryBytes ?? null,
    bytes: await bytesOfModel(subject.path),
    costPer1000: price === undefined ? null : (price / 3600) * (1000 / first.throughput),
    joulesPer1000,
    batch,
    byThreads,
    machine: machineOf(runtime, provider),
  };
}

/** How long the first takes compared with the second, interleaved: below 1 is faster. */
export async function benchRatio(
  runtime: Runtime,
  first: BenchSubject,
  second: BenchSubject,
  { seconds, threads, provider, signal }: Pick<BenchOptions, 'seconds' | 'threads' | 'provider' | 'signal'>,
): Promise<PairedRatio> {
  const a = await load(runtime, first, threads[0], provider);
  try {
    const b = await load(runtime, second, threads[0], provider);
    try {
      return await pairedRatio(a.target, b.target, { seconds, signal });
    } finally {
      b.release();
    }
  } finally {
    a.release();
  }
}

async function load(
  runtime: Runtime,
  { path, feeds }: BenchSubject,
  threads: number,
  provider: string | undefined,
): Promise<{ target: Runnable; release: () => void }> {
  const options = { threads, externalData: dirname(path), ...(provider === undefined ? {} : { provider }) };
  let session: Session | undefined;
  try {
    session = await runtime.load(await readFile(path), options);
    const target = await runnable(runtime, session, feeds);
    const loaded = session;
    return {
      target,
      release: () => {
        target.release();
        loaded.release();
      },
    };
  } catch (error) {
    session?.release();
    throw error instanceof BallastError ? error.within(path) : error;
  }
}

/** Rows of a call: the first extent of the first input. */
function batchOf(feeds: Feeds): number {
  const [first] = Object.values(feeds);
  return first?.shape[0] ?? 1;
}

/** Bytes of a model file and of the data files that it names. */
export async function bytesOfModel(path: string): Promise<number> {
  const model = await readFile(path);
  const names = externalFiles(model);
  const others = await Promise.all(names.map(async (name) => (await stat(join(dirname(path), name))).size));
  return others.reduce((sum, bytes) => sum + bytes, model.length);
}
