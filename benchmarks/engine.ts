/**
 * One training step of seven networks against the same step of peers, and against the step's bare matrix products.
 *
 *     npm run bench -- engine [--json] [--clock cpu] [--rounds 25] [--only TEXT] [--threads 1,2]
 *
 * Ours does all that the training loop does for a step: batch indices, scalars, gathering rows, forward, backward,
 * update. A peer repeats one ready batch, in the quickest of its variants. PyTorch is that of BALLAST_PYTHON, or of
 * `python3`; @tensorflow/tfjs that of the folder BALLAST_TFJS. `--clock cpu` counts processor time instead of time
 * passed, which holds while others use the machine (one thread only).
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openRuntime } from '../src/graph/runtime/choose.js';
import type { Runtime } from '../src/graph/runtime/runtime.js';
import { CASES, type EngineCase } from './engine/cases.js';
import { loopOverhead } from './engine/loop-overhead.js';
import { type OurStep, ourStep } from './engine/ours.js';
import { bareProducts, operationsOf, productsOf } from './engine/products.js';
import { type Clock, type Contender, compare, quickest, type RoundOptions } from './support/interleave.js';
import { Peer } from './support/peer.js';
import { type BenchmarkReport, type BenchmarkRow, lineOf, machine, print } from './support/report.js';

/** Freed memory stays with the process: PyTorch's steps are up to 1.5 times faster so. */
const KEEP_MEMORY = { MALLOC_MMAP_THRESHOLD_: '4000000000', MALLOC_TRIM_THRESHOLD_: '4000000000' };

export async function engineBenchmark(
  cases: readonly EngineCase[],
  threads: readonly number[],
  options: RoundOptions,
  onRow: (row: BenchmarkRow) => void = () => {},
): Promise<BenchmarkReport> {
  const runtime = await openRuntime();
  const peers = { torch: await startTorch(), tensorflow: await startTensorFlow() };
  const rows: BenchmarkRow[] = [];
  const add = (...measured: readonly BenchmarkRow[]): void => {
    rows.push(...measured);
    measured.forEach(onRow);
  };
  for (const subject of cases) {
    for (const count of threads) {
      const ours = await ourStep(runtime, subject, count);
      const timed = count === 1 ? options : { ...options, clock: 'wall' as const };
      add(await againstTorch(ours, subject, peers.torch, count, timed));
      if (count === 1) {
        add(await againstProducts(runtime, ours, subject, timed));
        add(...(await againstTensorFlow(ours, subject, peers.tensorflow, timed)));
      }
      ours.release();
    }
  }
  const mlp = cases.find(({ name }) => name.startsWith('MLP'));
  if (mlp !== undefined) add(await loopOverhead(runtime, mlp, options));
  peers.torch?.close();
  peers.tensorflow?.close();
  return { name: 'engine', machine: machine(), rows };
}

const startTorch = (): Promise<Peer | undefined> =>
  Peer.start(process.env.BALLAST_PYTHON ?? 'python3', [beside('peers/engine_torch.py')], KEEP_MEMORY);

async function startTensorFlow(): Promise<Peer | undefined> {
  if (process.env.BALLAST_TFJS === undefined) return undefined;
  return await Peer.start(process.execPath, [beside('peers/engine_tfjs.mjs')]);
}

const beside = (path: string): string => join(fileURLToPath(new URL('.', import.meta.url)), path);

async function againstTorch(
  ours: OurStep,
  subject: EngineCase,
  torch: Peer | undefined,
  threads: number,
  options: RoundOptions,
): Promise<BenchmarkRow> {
  const target = threads === 1 ? subject.target : undefined;
  const about = `${ours.nodes} nodes, created in ${ours.createMs.toFixed(0)} ms`;
  if (torch === undefined) return await absent(ours, subject.name, 'PyTorch', threads, options);
  const theirs = await quickest(await torch.prepare(subject, threads), options);
  return {
    ...(await row(subject.name, ours, theirs, `${torch.name}, ${theirs.variant}`, threads, options)),
    ...(target === undefined ? {} : { target }),
    note: about,
  };
}

async function againstProducts(
  runtime: Runtime,
  ours: OurStep,
  subject: EngineCase,
  options: RoundOptions,
): Promise<BenchmarkRow> {
  const products = productsOf(subject);
  const bare = await bareProducts(runtime, products, 1);
  const peer = `its matrix products alone, ONNX Runtime ${runtime.version}`;
  const result = await row(`${subject.name}: distance to the limit`, ours, bare, peer, 1, options);
  bare.release();
  const rate = (ms: number): string => (operationsOf(products) / ms / 1e6).toFixed(1);
  return { ...result, note: `${rate(result.ours)} of ${rate(result.theirs as number)} GFLOP/s` };
}

async function againstTensorFlow(
  ours: OurStep,
  subject: EngineCase,
  peer: Peer | undefined,
  options: RoundOptions,
): Promise<BenchmarkRow[]> {
  if (peer === undefined) return [await absent(ours, subject.name, '@tensorflow/tfjs', 1, options)];
  const rows: BenchmarkRow[] = [];
  for (const theirs of await peer.prepare(subject, 1)) {
    const fewer = { ...options, rounds: Math.min(5, options.rounds) };
    rows.push(await row(subject.name, ours, theirs, `${peer.name}, ${theirs.variant}`, 1, fewer));
  }
  return rows;
}

async function row(
  name: string,
  ours: Contender,
  theirs: Contender,
  peer: string,
  threads: number,
  options: RoundOptions,
): Promise<BenchmarkRow> {
  return { case: name, ...(await compare(ours, theirs, options)), peer, unit: 'ms', threads };
}

async function absent(
  ours: OurStep,
  name: string,
  peer: string,
  threads: number,
  options: RoundOptions,
): Promise<BenchmarkRow> {
  const { ours: time } = await compare(ours, ours, { ...options, rounds: Math.min(5, options.rounds) });
  return {
    case: name,
    ours: time,
    peer,
    theirs: 'absent',
    unit: 'ms',
    ratio: undefined,
    interval: undefined,
    threads,
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      clock: { type: 'string', default: 'wall' },
      rounds: { type: 'string', default: '25' },
      block: { type: 'string', default: '60' },
      only: { type: 'string', default: '' },
      threads: { type: 'string', default: '1,2' },
    },
  });
  const options = {
    clock: values.clock as Clock,
    rounds: Number(values.rounds),
    block: Number(values.block),
  };
  const cases = CASES.filter(({ name }) => name.includes(values.only));
  // It takes minutes: what is for reading is written as it comes.
  const onRow = values.json ? undefined : (row: BenchmarkRow) => process.stderr.write(`${lineOf(row)}\n`);
  const report = await engineBenchmark(cases, values.threads.split(',').map(Number), options, onRow);
  print(report, values.json);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
