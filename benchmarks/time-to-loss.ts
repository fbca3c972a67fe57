/**
 * How long until a sweep is as good as Optuna's in the end: the same digits, a network of the same size, the same space of
 * strengths, TPE and asynchronous successive halving on both sides, one thread each.
 *
 *     BALLAST_DATASETS=... BALLAST_PYTHON=... npm run bench -- time-to-loss [--json] [--seeds 20] [--trials 40] [--clock cpu]
 *
 * BALLAST_PYTHON is a Python with optuna and torch; Optuna's trials are a training loop in PyTorch that is handed the rows as
 * our own preprocessing made them, and the weights that our trials begin with: what a draw of them is worth (a tenth and more of
 * the loss) is luck of neither search. Its study runs to the end: the least validation loss of its complete trials, and its time
 * from the first suggestion on. Ours is the time until a complete trial has a loss as low, everything that `ballast sweep` does
 * included: reading and splitting the data, the estimate, the compiled graph, the records of every run. It may take three times
 * as many trials; a sweep that is not there by then counts as never. Neither knows anything beforehand (`prior: none`).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import type { Graph } from '../src/graph/model.js';
import { openRuntime } from '../src/graph/runtime/choose.js';
import { medianInterval } from '../src/numeric/intervals.js';
import { networkOf } from '../src/spec/network.js';
import { prepareData } from '../src/spec/prepare.js';
import { type ResolvedSpec, readSpec } from '../src/spec/read.js';
import { openStore } from '../src/store/index.js';
import { startSweep } from '../src/tuning/sweep/run-sweep.js';
import { digitsData } from './results/support/digits-table.js';
import type { Clock, Elapsed } from './support/interleave.js';
import { type BenchmarkRow, machine, median, print } from './support/report.js';

const TARGET = 0.5;
const EPOCHS = 27;
const BATCH = 32;
const HIDDEN = [64, 64];
/** Trials of ours for each of Optuna's, at most. */
const PATIENCE = 3;
const PEER = join(import.meta.dirname, 'peers', 'time_to_loss_optuna.py');

/** What varies: the same names, ranges and scales on both sides. */
const SPACE = {
  'training.optimizer.learningRate': { low: 1e-4, high: 3e-2, scale: 'log' },
  'regularizers.weight-decay.strength': { low: 1e-4, high: 1, scale: 'log' },
  'regularizers.dropout.strength': { low: 0.01, high: 0.6 },
  'regularizers.label-smoothing.strength': { low: 0.001, high: 0.3, scale: 'log' },
} as const;

interface PeerEnd extends Elapsed {
  readonly loss: number;
}

function specOf(datasets: string, seed: number): object {
  return {
    name: 'time-to-loss',
    data: digitsData(datasets, { strategy: 'stratified', validation: 0.25, holdout: 0.15, seed }),
    task: 'classification',
    model: { type: 'mlp', hidden: HIDDEN },
    training: { epochs: EPOCHS, batchSize: BATCH, seed, optimizer: { type: 'adamw', learningRate: 1e-3 } },
    regularizers: [
      { type: 'weight-decay', strength: 0.01 },
      { type: 'dropout', strength: 0.2 },
      { type: 'label-smoothing', strength: 0.05 },
    ],
    objectives: { primary: 'logLoss' },
    search: { space: SPACE, sampler: { type: 'tpe' }, pruner: { type: 'asha' }, prior: 'none', seed },
  };
}

/** Optuna's study on the rows that our preprocessing makes. */
async function theirs(resolved: ResolvedSpec, folder: string, { seed, trials, python }: Setting): Promise<PeerEnd> {
  await using store = await openStore(join(folder, 'theirs'));
  const { split, preprocessor, table, tokenizers } = await prepareData(resolved, {
    register: store.holdoutRegister('bench'),
  });
  const part = (rows: Uint32Array): object => {
    const { inputs, target } = preprocessor.transform(table, rows);
    const [features, ...more] = Object.values(inputs);
    if (target === undefined || more.length > 0) throw new Error('digits are one input with a label');
    return { x: Array.from(features.data, Number), y: Array.from(target.data, Number), rows: rows.length };
  };
  const weights = layers(await networkOf(resolved, preprocessor, tokenizers, resolved.spec.training.seed));
  const setting = { seed, trials, epochs: EPOCHS, batch: BATCH, hidden: HIDDEN, space: SPACE, weights };
  const input = JSON.stringify({ ...setting, train: part(split.train), validation: part(split.validation) });
  const env = { ...process.env, OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  return JSON.parse(execFileSync(python, [PEER], { input, env, encoding: 'utf8' })) as PeerEnd;
}

/** Weights of the dense layers, first to last, as PyTorch keeps them: [out, in], row by row. */
function layers({ initializers }: Graph): number[][] {
  return [...initializers.values()]
    .filter(({ shape }) => shape.length === 2)
    .map(({ shape: [inputs, outputs], data }) =>
      Array.from({ length: inputs * outputs }, (_, i) => Number(data[(i % inputs) * outputs + Math.floor(i / inputs)])),
    );
}

/** Until a complete trial is as good; without limit where none is. */
async function ours(resolved: ResolvedSpec, folder: string, loss: number, trials: number): Promise<Elapsed> {
  const url = join(folder, 'ours');
  const runtime = await openRuntime();
  await using store = await openStore(url);
  const reached = new AbortController();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  let elapsed: Elapsed = { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY };
  await startSweep(resolved, {
    ...{
      store,
      storeUrl: url,
      runtime,
      workFolder: url,
      ballastVersion: 'bench',
      workers: 1,
      trials: PATIENCE * trials,
    },
    signal: reached.signal,
    onEvent(event) {
      if (event.type !== 'trial-ended' || event.trial.state !== 'complete' || reached.signal.aborted) return;
      if ((event.trial.losses?.[0] ?? Number.POSITIVE_INFINITY) > loss) return;
      const { user, system } = process.cpuUsage(cpu);
      elapsed = { wall: performance.now() - start, cpu: (user + system) / 1000 };
      reached.abort();
    },
  });
  return elapsed;
}

interface Setting {
  readonly seed: number;
  readonly trials: number;
  readonly python: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      seeds: { type: 'string', default: '20' },
      trials: { type: 'string', default: '40' },
      clock: { type: 'string', default: 'wall' },
    },
  });
  const clock: Clock = values.clock === 'cpu' ? 'cpu' : 'wall';
  const { BALLAST_DATASETS: datasets, BALLAST_PYTHON: python } = process.env;
  if (datasets === undefined || python === undefined) {
    throw new Error('BALLAST_DATASETS names the folder of data sets, BALLAST_PYTHON a Python with optuna and torch');
  }
  const times: [number[], number[]] = [[], []];
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-bench-'));
    try {
      const file = join(folder, 'spec.yaml');
      writeFileSync(file, stringify(specOf(datasets, seed)));
      const resolved = await readSpec(file);
      const trials = Number(values.trials);
      const peer = await theirs(resolved, folder, { seed, trials, python });
      const own = await ours(resolved, folder, peer.loss, trials);
      times[0].push(own[clock]);
      times[1].push(peer[clock]);
      const [a, b] = [own[clock], peer[clock]].map((time) => (time / 1000).toFixed(2));
      process.stderr.write(`seed ${seed}: loss ${peer.loss.toFixed(4)}, ours ${a} s, Optuna ${b} s\n`);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  const ratios = times[0].map((time, i) => time / times[1][i]);
  const never = times[0].filter((time) => !Number.isFinite(time)).length;
  const row: BenchmarkRow = {
    case: `until a sweep is as good as Optuna's after ${values.trials} trials, ${ratios.length} seeds (${clock})`,
    ours: median(times[0]) / 1000,
    peer: 'Optuna TPE + successive halving over PyTorch',
    theirs: median(times[1]) / 1000,
    unit: 's',
    ratio: median(ratios),
    interval: ratios.length < 3 ? undefined : medianInterval(ratios),
    threads: 1,
    target: TARGET,
    ...(never === 0 ? {} : { note: `not there after ${PATIENCE} times as many trials in ${never} seeds` }),
  };
  print({ name: 'time-to-loss', machine: machine(), rows: [row] }, values.json);
}

await main();
