import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { formatBytes, formatSeconds } from '../charts/index.js';
import { type BenchReport, type BenchSubject, bench, benchRatio } from '../compression/measure/bench.js';
import { type Feeds, syntheticFeeds } from '../compression/measure/feeds.js';
import type { PairedRatio } from '../compression/measure/latency.js';
import { BallastError } from '../errors.js';
import { readModelFile } from '../graph/format/file.js';
import type { ValueInfo } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { PortInfo } from '../graph/runtime/runtime.js';
import { readSubject } from './evaluate-file.js';
import { collected, type FileOptions, withFileOptions } from './file-options.js';
import { interruptible } from './interruptible.js';
import { positive, wholeNumber } from './option-values.js';
import { answer, note } from './output.js';

interface BenchCommandOptions extends FileOptions {
  against?: string;
  batch: number;
  dim: string[];
  seconds: number;
  threads: number[];
  coldStarts: number;
  price?: number;
  provider?: string;
}

export function benchCommand(): Command {
  return withFileOptions(new Command('bench'))
    .argument('<model>', '.onnx file')
    .option('--against <model>', 'another .onnx file; their times are compared interleaved')
    .option('--data <source>', 'rows to feed; made-up values unless given')
    .option('--batch <rows>', 'rows of a call', wholeNumber(1, 65_536), 1)
    .option('--dim <name=size>', 'extent of a free axis: its name, or INPUT:AXIS; repeatable', collected, [])
    .option('--seconds <time>', 'time of each warm measurement', positive, 2)
    .option('--threads <list>', 'threads of an operator: 1, 2, ..., all; the first is the headline', threadList, [1])
    .option('--cold-starts <count>', 'fresh processes for cold start and memory; 0 for none', wholeNumber(0, 100), 5)
    .option('--price <money>', 'of an hour of this machine: for the cost of 1,000 rows', positive)
    .option('--provider <name>', 'execution provider of the runtime: cpu, cuda')
    .addHelpText(
      'after',
      `
Warm latency is that of single calls on bound memory. A cold start is a fresh process: Node, the plain runtime, the model,
one answer. The ratio of two models is measured in turns, so that what else the machine does falls on both.

Examples:
  ballast bench model.onnx
  ballast bench small.onnx --against large.onnx --threads 1,all --price 0.1
  ballast bench encoder.onnx --dim sequence=128 --batch 8 --json
`,
    )
    .action(benchAction);
}

async function benchAction(path: string, options: BenchCommandOptions): Promise<void> {
  const runtime = await openRuntime();
  const { signal, stop } = interruptible();
  try {
    const settings = {
      seconds: options.seconds,
      threads: options.threads,
      starts: options.coldStarts,
      price: options.price,
      provider: options.provider,
      signal,
      tell: note,
    };
    const subject = await subjectOf(path, options);
    const report = await bench(runtime, subject, settings);
    if (options.against === undefined) {
      answer(options, { model: path, ...report }, lines(path, report).join('\n'));
      return;
    }
    const other = await subjectOf(options.against, options);
    const against = await bench(runtime, other, settings);
    note('the two in turns');
    const ratio = await benchRatio(runtime, subject, other, settings);
    answer(
      options,
      { model: path, ...report, against: { model: options.against, ...against }, ratio },
      [...lines(path, report), '', ...lines(options.against, against), '', ratioLine(ratio)].join('\n'),
    );
  } catch (error) {
    throw signal.aborted ? new BallastError('interrupted', { code: 'CANCELLED', kind: 'cancelled' }) : error;
  } finally {
    stop();
  }
}

/** A model file and what it is fed: the first rows of the data, or made-up ones. */
async function subjectOf(path: string, options: BenchCommandOptions): Promise<BenchSubject> {
  return { path, feeds: await feedsOf(path, options) };
}

async function feedsOf(path: string, options: BenchCommandOptions): Promise<Feeds> {
  const { data, batch, dim } = options;
  if (data !== undefined) {
    const { ports, table } = await readSubject(path, { ...options, data });
    const rows = ports.batch ?? Math.min(batch, table.rows);
    return ports.feed(
      table,
      Uint32Array.from({ length: rows }, (_, row) => row),
    );
  }
  const { graph } = await readModelFile(path);
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name)).map((input) => portOf(input, path));
  return syntheticFeeds(inputs, { batch, dimensions: new Map(dim.map(dimension)) });
}

function portOf({ name, type, shape, container }: ValueInfo, path: string): PortInfo {
  if (container === undefined && shape !== undefined) return { name, type, shape };
  throw new BallastError(`the input "${name}" is declared without a shape`, {
    code: 'BENCH_DIMENSION',
    place: path,
    remedy: 'Give real rows with --data',
  });
}

function dimension(text: string): [string, number] {
  const [, name, size] = /^(.+)=(\d+)$/.exec(text) ?? [];
  if (name !== undefined && Number(size) >= 1) return [name, Number(size)];
  throw new BallastError(`--dim ${text} does not say an extent`, {
    code: 'BENCH_DIMENSION',
    remedy: 'Write NAME=SIZE, or INPUT:AXIS=SIZE',
  });
}

function lines(path: string, report: BenchReport): string[] {
  const { machine, byThreads, coldStartMs, peakMemoryBytes, costPer1000, batch } = report;
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
  ];
}

function ratioLine({ value, interval: [low, high], rounds }: PairedRatio): string {
  const verdict = high < 1 ? 'the first is faster' : low > 1 ? 'the first is slower' : 'no clear difference';
  return `time, first / second: ${value.toFixed(3)} (95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}, ${rounds} rounds): ${verdict}`;
}

function threadList(text: string): number[] {
  return text.split(',').map((part) => (part === 'all' ? availableParallelism() : wholeNumber(1, 1024)(part)));
}
