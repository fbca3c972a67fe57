import type { BoundInputs, BoundTensor, Runtime, Session, StringTensor } from '../../graph/runtime/runtime.js';
import type { NumericArray, Tensor } from '../../graph/tensor.js';
import { medianInterval } from '../../numeric/intervals.js';
import { median, quantile } from '../../numeric/quantile.js';
import type { Feeds } from './feeds.js';

/** A loaded model on one set of feeds: one call is one inference. */
export interface Runnable {
  call(): Promise<void>;
  release(): void;
}

/**
 * The cheapest way to call a model again and again on the same feeds: bound memory for numbers, strings copied in once; outputs of
 * strings are computed and not read. The session's own `run` where nothing else is answered. The first call has been made when this
 * returns.
 */
export async function runnable(runtime: Runtime, session: Session, feeds: Feeds): Promise<Runnable> {
  const first = Object.entries(await session.run(feeds)).filter(([, { type }]) => type !== 'string');
  if (first.length === 0) {
    return {
      call: async () => {
        await session.run(feeds);
      },
      release: () => undefined,
    };
  }
  const bound: BoundTensor[] = [];
  const own = (tensor: Tensor): BoundTensor => {
    const target = runtime.allocate(tensor.type as BoundTensor['type'], tensor.shape);
    bound.push(target);
    return target;
  };
  const inputs = Object.entries(feeds).map(([name, tensor]): [string, BoundInputs[string]] => {
    if (isString(tensor)) return [name, tensor];
    const target = own(tensor);
    copyInto(target.data, tensor);
    return [name, target];
  });
  const outputs = first.map(([name, tensor]): [string, BoundTensor] => [name, own(tensor)]);
  const binding = session.bind(Object.fromEntries(inputs), Object.fromEntries(outputs));
  return {
    call: async () => binding.runSync(),
    release: () => {
      binding.release();
      for (const tensor of bound) tensor.release();
    },
  };
}

const isString = (tensor: Tensor): tensor is StringTensor => tensor.type === 'string';

function copyInto(target: NumericArray, { data }: Tensor): void {
  // One class each, by the element type.
  (target as Float32Array).set(data as Float32Array);
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly meanMs: number;
  readonly calls: number;
}

export interface MeasureOptions {
  /** Time to measure for, after as much as a fifth of it to warm up. */
  readonly seconds: number;
  /** At least so many calls, however long they take. */
  readonly leastCalls?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Times single calls. */
export async function measureLatency(
  target: Runnable,
  { seconds, leastCalls = 20, signal }: MeasureOptions,
): Promise<Latency> {
  await warmUp(target, seconds / 5);
  const times: number[] = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end || times.length < leastCalls) {
    signal?.throwIfAborted();
    const start = performance.now();
    await target.call();
    times.push(performance.now() - start);
    // Timers and signals get their turn now and then; it is outside of what is timed.
    if (times.length % 256 === 0) await pause();
  }
  return summary(times);
}

function summary(times: readonly number[]): Latency {
  const meanMs = times.reduce((sum, time) => sum + time, 0) / times.length;
  return { p50Ms: median(times), p99Ms: quantile(times, 0.99), meanMs, calls: times.length };
}

async function warmUp(target: Runnable, seconds: number): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  for (let calls = 0; calls < 3 || performance.now() < end; calls++) await target.call();
}

const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time of one model over that of another, in the same seconds. */
export interface PairedRatio {
  readonly value: number;
  readonly interval: readonly [number, number];
  readonly rounds: number;
}

/**
 * first / second, interleaved: the two take turns in blocks of some milliseconds, who begins changes from round to round,
 * and the figure is the median of the rounds' ratios with its distribution-free 95 % interval. What else the machine does
 * then falls on both alike.
 */
export async function pairedRatio(
  first: Runnable,
  second: Runnable,
  { seconds, signal }: Pick<MeasureOptions, 'seconds' | 'signal'>,
): Promise<PairedRatio> {
  const both = [first, second];
  const blockMs = Math.max(5, (1000 * seconds) / 60);
  const calls: number[] = [];
  for (const target of both) calls.push(await callsOfBlock(target, blockMs));
  const ratios: number[] = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end || ratios.length < 7) {
    signal?.throwIfAborted();
    const each = [0, 0];
    for (const who of ratios.length % 2 === 0 ? [0, 1] : [1, 0]) each[who] = await block(both[who], calls[who]);
    ratios.push(each[0] / each[1]);
    await pause();
  }
  return { value: median(ratios), interval: medianInterval(ratios), rounds: ratios.length };
}

/** Milliseconds a call. */
async function block(target: Runnable, calls: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) await target.call();
  return (performance.now() - start) / calls;
}

async function callsOfBlock(target: Runnable, blockMs: number): Promise<number> {
  await warmUp(target, blockMs / 1000);
  const each = await block(target, 3);
  return Math.max(1, Math.round(blockMs / each));
}
