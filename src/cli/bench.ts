import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { Command } from 'commander';
import { formatBytes, formatSeconds } from '../charts/index.js';
import { type BenchReport, type BenchSubject, bench, benchRatio } from '../compression/measure/bench.js';
import type { PairedRatio } from '../compression/measure/latency.js';
import { startAgent } from '../compression/remote/agent.js';
import { benchRemotely, type RemoteBench } from '../compression/remote/client.js';
import { Scratch } from '../data/read/scratch.js';
import { BallastError } from '../errors.js';
import { readModelFile, writeModelFile } from '../graph/format/file.js';
import { normalize } from '../graph/format/normalize.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { collected, withFileOptions } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { interruptible } from './interruptible.js';
import { type FeedOptions, feedsOf } from './model-feeds.js';
import { duration, positive, wholeNumber } from './option-values.js';
import { answer, note } from './output.js';

interface BenchCommandOptions extends FeedOptions {
  against?: string;
  seconds: number;
  threads: (number | 'all')[];
  remote?: string;
  agent?: boolean;
  host: string;
  port: number;
  maxMb: number;
  longest: number;
  coldStarts: number;
  price?: number;
  provider?: string;
}

/** The secret between an agent and who asks it. */
const TOKEN = 'BALLAST_BENCH_TOKEN';

const OF_MEASURING = [
  'against',
  'data',
  'batch',
  'dim',
  'seconds',
  'threads',
  'coldStarts',
  'price',
  'provider',
  'remote',
];

export function benchCommand(): Command {
  return withFileOptions(new Command('bench'))
    .argument('[model]', '.onnx file')
    .option('--against <model>', 'another .onnx file; their times are compared interleaved')
    .option('--data <source>', 'rows to feed; made-up values unless given')
    .option('--batch <rows>', 'rows of a call', wholeNumber(1, 65_536), 1)
    .option('--dim <name=size>', 'extent of a free axis: its name, or INPUT:AXIS; repeatable', collected, [])
    .option('--seconds <time>', 'time of each warm measurement', positive, 2)
    .option('--threads <list>', 'threads of an operator: 1, 2, ..., all; the first is the headline', threadList, [1])
    .option('--cold-starts <count>', 'fresh processes for cold start and memory; 0 for none', wholeNumber(0, 100), 5)
    .option('--price <money>', 'of an hour of this machine: for the cost of 1,000 rows', positive)
    .option('--provider <name>', 'execution provider of the runtime: cpu, cuda')
    .option('--remote <url>', 'measure on another device: the address of its agent')
    .option('--agent', 'be the agent of this device: measures what --remote sends it, one at a time, until Ctrl-C')
    .option('--host <address>', 'of --agent: where it listens; off 127.0.0.1 it wants a token', '127.0.0.1')
    .option('--port <number>', 'of --agent; 0 for any free one', wholeNumber(0, 65_535), 4790)
    .option('--max-mb <megabytes>', 'of --agent: most that one request may send', wholeNumber(1, 100_000), 2048)
    .option('--longest <time>', 'of --agent: most that one request may take', duration, 900)
    .addHelpText(
      'after',
      `
Warm latency is that of single calls on bound memory. A cold start is a fresh process: Node, the plain runtime, the model,
one answer. The ratio of two models is measured in turns, so that what else the machine does falls on both.

On the device that counts, start an agent with a secret in BALLAST_BENCH_TOKEN; ask it with the same variable set.

Examples:
  ballast bench model.onnx
  ballast bench small.onnx --against large.onnx --threads 1,all --price 0.1
  ballast bench encoder.onnx --dim sequence=128 --batch 8 --json
  ballast bench --agent --host 0.0.0.0
  ballast bench small.onnx --against large.onnx --remote http://camera.local:4790
`,
    )
    .action(benchAction);
}

async function benchAction(path: string | undefined, options: BenchCommandOptions, command: Command): Promise<void> {
  if (options.agent === true) {
    refuseGiven(command, OF_MEASURING, { reason: 'is said where the bench is asked for, and this is the agent' });
    await serveBenches(options);
    return;
  }
  refuseGiven(command, ['host', 'port', 'maxMb', 'longest'], { reason: 'is of --agent' });
  if (path === undefined) {
    throw new BallastError('there is no model to measure', { code: 'USAGE', remedy: 'ballast bench MODEL.onnx' });
  }
  if (options.remote === undefined) await measureHere(path, options);
  else await measureThere(path, options, options.remote);
}

async function measureHere(path: string, options: BenchCommandOptions): Promise<void> {
  const runtime = await openRuntime();
  const { signal, stop } = interruptible();
  const scratch = new Scratch();
  try {
    const settings = {
      seconds: options.seconds,
      threads: options.threads.map((count) => (count === 'all' ? availableParallelism() : count)),
      starts: options.coldStarts,
      price: options.price,
      provider: options.provider,
      signal,
      tell: note,
    };
    const subject = await subjectOf(path, options, scratch);
    const other = options.against === undefined ? undefined : await subjectOf(options.against, options, scratch);
    const report = await bench(runtime, subject, settings);
    if (other === undefined) {
      answerBench(path, options, { reports: [report], ratio: null });
      return;
    }
    const against = await bench(runtime, other, settings);
    note('the two in turns');
    const ratio = await benchRatio(runtime, subject, other, settings);
    answerBench(path, options, { reports: [report, against], ratio });
  } catch (error) {
    throw signal.aborted ? new BallastError('interrupted', { code: 'CANCELLED', kind: 'cancelled' }) : error;
  } finally {
    stop();
    await scratch.remove();
  }
}

/** The same on the device of an agent; rows and names are read here. */
async function measureThere(path: string, options: BenchCommandOptions, url: string): Promise<void> {
  const { signal, stop } = interruptible();
  const scratch = new Scratch();
  const counts = options.threads.filter((count) => count !== 'all');
  try {
    const paths = options.against === undefined ? [path] : [path, options.against];
    const subjects: BenchSubject[] = [];
    for (const each of paths) subjects.push(await subjectOf(each, options, scratch));
    const settings = {
      ...{ seconds: options.seconds, starts: options.coldStarts },
      ...{ price: options.price ?? null, provider: options.provider ?? null },
      threads: counts,
      allThreads: counts.length < options.threads.length,
    };
    const token = process.env[TOKEN];
    answerBench(path, options, await benchRemotely(url, subjects, { settings, token, signal, tell: note }));
  } catch (error) {
    throw signal.aborted ? new BallastError('interrupted', { code: 'CANCELLED', kind: 'cancelled' }) : error;
  } finally {
    stop();
    await scratch.remove();
  }
}

async function serveBenches({ host, port, maxMb, longest }: BenchCommandOptions): Promise<void> {
  const token = process.env[TOKEN];
  const agent = await startAgent({ host, port, token, limit: maxMb * 1e6, longestMs: longest * 1000, tell: note });
  note(`${agent.url}  measures until Ctrl-C${token === undefined ? '' : ', for who knows the token'}`);
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await agent.close();
}

function answerBench(path: string, options: BenchCommandOptions, { reports, ratio }: RemoteBench): void {
  const [report, against] = reports;
  const from = options.remote === undefined ? {} : { remote: options.remote };
  if (against === undefined || ratio === null || options.against === undefined) {
    answer(options, { model: path, ...from, ...report }, lines(path, report).join('\n'));
    return;
  }
  answer(
    options,
    { model: path, ...from, ...report, against: { model: options.against, ...against }, ratio },
    [...lines(path, report), '', ...lines(options.against, against), '', ratioLine(ratio)].join('\n'),
  );
}

/**
 * A model file and what it is fed: the first rows of the data, or made-up ones. One that answers no tensors, only what
 * scikit-learn's ZipMap makes of them, is measured without that, as it is evaluated and served.
 */
async function subjectOf(path: string, options: BenchCommandOptions, scratch: Scratch): Promise<BenchSubject> {
  const feeds = await feedsOf(path, options);
  const { batch } = options;
  if (batch > 1 && !Object.values(feeds).some(({ shape }) => shape[0] === batch)) {
    throw new BallastError(`no input of this model is fed ${batch} rows`, {
      code: 'BENCH_DIMENSION',
      place: path,
      remedy: 'Leave --batch out, export the model with a free batch axis, or give --data as many rows',
    });
  }
  const model = await readModelFile(path);
  const kinds = model.graph.outputs.map(({ container }) => container?.kind);
  if (!kinds.every((kind) => kind === 'sequence' || kind === 'map')) return { path, feeds };
  const plain = await scratch.path(basename(path));
  await writeModelFile(normalize(model), plain);
  return { path: plain, feeds };
}

function lines(path: string, report: BenchReport): string[] {
  const { machine, byThreads, coldStartMs, peakMemoryBytes, costPer1000, joulesPer1000, batch } = report;
  const rows = batch === 1 ? '' : `, ${batch} rows a call`;
  return [
    `${path}  ${formatBytes(report.bytes)}  (${machine.processor}, ${machine.runtime}, ${machine.provider}${rows})`,
    ...byThreads.map(
      ({ threads, p50Ms, p99Ms, throughput }) =>
        `  ${threads} thread${threads === 1 ? ' ' : 's'}   p50 ${formatSeconds(p50Ms / 1000)}   p99 ${formatSeconds(p99Ms / 1000)}   ${Math.round(throughput).toLocaleString('en-US')} rows/s`,
    ),
    ...(coldStartMs === null ? [] : [`  cold start  ${formatSeconds(coldStartMs / 1000)}   process to first answer`]),
    ...(peakMemoryBytes === null ? [] : [`  memory      ${formatBytes(peakMemoryBytes)}   peak of that process`]),
    ...(costPer1000 === null ? [] : [`  cost        ${costPer1000.toPrecision(3)} for 1,000 rows`]),
    ...(joulesPer1000 == null
      ? []
      : [`  energy      ${joulesPer1000.toPrecision(3)} J for 1,000 rows, of the whole processor`]),
  ];
}

function ratioLine({ value, interval: [low, high], rounds }: PairedRatio): string {
  const verdict = high < 1 ? 'the first is faster' : low > 1 ? 'the first is slower' : 'no clear difference';
  return `time, first / second: ${value.toFixed(3)} (95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}, ${rounds} rounds): ${verdict}`;
}

function threadList(text: string): (number | 'all')[] {
  return text.split(',').map((part) => (part === 'all' ? part : wholeNumber(1, 1024)(part)));
}
