import { cpus } from 'node:os';
import { describeRuntimes, openRuntime } from '../src/graph/runtime/choose.js';
import { encodeModel } from '../src/graph/runtime/minimal-model.js';
import type { Binding, Runtime } from '../src/graph/runtime/runtime.js';

/**
 * What one call costs beyond the arithmetic: a bound model of one addition of 4 numbers, by the fast path and by the
 * stock binding, on the calling thread and awaited. Rounds are interleaved; the figure is the median round.
 * Run: npx tsx benchmarks/runtime-overhead.ts [--json]
 */
const MODEL = encodeModel({
  nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
  inputs: [['x', 'float32', [4]]],
  outputs: [['y', 'float32', [4]]],
});
const ROUNDS = 15;
const CALLS = { sync: 5000, async: 1000 };

type Mode = keyof typeof CALLS;

async function bind(runtime: Runtime): Promise<Binding> {
  const session = await runtime.load(MODEL);
  return session.bind({ x: runtime.allocate('float32', [4]) }, { y: runtime.allocate('float32', [4]) });
}

/** Microseconds a call. */
async function round(binding: Binding, mode: Mode): Promise<number> {
  const calls = CALLS[mode];
  const start = performance.now();
  if (mode === 'sync') for (let i = 0; i < calls; i++) binding.runSync();
  else for (let i = 0; i < calls; i++) await binding.run();
  return ((performance.now() - start) * 1000) / calls;
}

async function compare(ffi: Binding, stock: Binding, mode: Mode) {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (const warm of [ffi, stock]) await round(warm, mode);
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await round(ffi, mode));
    theirs.push(await round(stock, mode));
  }
  const ratios = ours.map((value, i) => value / theirs[i]!).sort((a, b) => a - b);
  return {
    case: `bound call, ${mode}`,
    ours: median(ours),
    theirs: median(theirs),
    unit: 'us/call',
    ratio: median(ratios),
    interval: [ratios[1]!, ratios[ROUNDS - 2]!],
    threads: 1,
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

const bindings = await Promise.all(
  [openRuntime({ backend: 'ffi' }), openRuntime({ backend: 'stock' })].map(async (r) => bind(await r)),
);
const [ffi, stock] = bindings as [Binding, Binding];
const version = (await describeRuntimes()).find((runtime) => runtime.name === 'stock')?.version;
const rows = [await compare(ffi, stock, 'sync'), await compare(ffi, stock, 'async')].map((row) => ({
  ...row,
  peer: `onnxruntime-node ${version}, its own binding`,
}));

if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ name: 'runtime-overhead', machine: cpus()[0]?.model, rows }));
} else {
  for (const { case: name, ours, theirs, unit, ratio } of rows) {
    console.log(`${name}: ${ours.toFixed(1)} against ${theirs.toFixed(1)} ${unit}, ratio ${ratio.toFixed(2)}`);
  }
}
