/**
 * What a trial costs beside its training.
 *
 *     npm run bench -- tuning [--json] [--trials 10000]
 *
 * Choosing a point: 100 trials of TPE on Hartmann's function beside Optuna's, alternating (absent without BALLAST_PYTHON). The
 * queue: a trial offered, rung for, taken, claimed, heard and ended on PostgreSQL as a worker does it, all of them waiting
 * from the start, against a limit of 5 ms (absent without it).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tpeSampler } from '../src/search/index.js';
import { openStore } from '../src/store/index.js';
import { reachForTrial } from '../src/tuning/sweep/trial-claim.js';
import { openTrialQueue } from '../src/tuning/sweep/trial-queue.js';
import { findPostgres, startPostgres } from '../test/support/postgres-server.js';
import { type BenchmarkRow, machine, median, print } from './support/report.js';
import { ourStudy } from './tuning/compare.js';
import { FUNCTIONS } from './tuning/functions.js';
import { OptunaPeer } from './tuning/optuna.js';

const LIMIT_MS = 5;
const ROUNDS = 7;
const TRIALS = 100;

async function choosing(): Promise<BenchmarkRow> {
  const { parameters, value } = FUNCTIONS.find(({ name }) => name === 'hartmann6')!;
  const of = (point: Readonly<Record<string, number>>): readonly number[] => [value(point)];
  const python = process.env.BALLAST_PYTHON;
  const peer = python === undefined ? undefined : new OptunaPeer(python);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let seed = 0; seed <= ROUNDS; seed++) {
    const setting = { trials: TRIALS, seed, objectives: 1 };
    const start = performance.now();
    await ourStudy(tpeSampler(), parameters, of, setting);
    const between = performance.now();
    await peer?.study({ sampler: 'tpe', parameters, ...setting }, of);
    // The first round warms up.
    if (seed === 0) continue;
    ours.push((between - start) / TRIALS);
    theirs.push((performance.now() - between) / TRIALS);
  }
  peer?.close();
  const ratios = ours.map((each, i) => each / theirs[i]).sort((a, b) => a - b);
  return {
    case: 'choose a point by TPE, six parameters, 100 trials',
    ours: median(ours),
    peer: 'Optuna TPE',
    theirs: peer === undefined ? 'absent' : median(theirs),
    unit: 'ms a trial',
    ratio: peer === undefined ? undefined : median(ratios),
    interval: peer === undefined ? undefined : [ratios[0], ratios[ratios.length - 1]],
    threads: 1,
  };
}

async function queueing(trials: number): Promise<BenchmarkRow> {
  const head = { case: `${trials} queued trials on PostgreSQL`, peer: 'the limit', unit: 'ms a trial', threads: 1 };
  const found = findPostgres();
  if ('missing' in found) {
    return { ...head, ours: Number.NaN, theirs: 'absent', ratio: undefined, interval: undefined, note: found.missing };
  }
  const folder = mkdtempSync(join(tmpdir(), 'ballast-bench-'));
  const server = await startPostgres();
  try {
    const url = `${await server.createDatabase()}?artifacts=${folder}`;
    const store = await openStore(url);
    const queue = await openTrialQueue(url);
    const sweepId = '0123456789abcdef';
    await store.createSweep({ id: sweepId, name: 'bench', definition: {} });
    const [start, cpu] = [performance.now(), process.cpuUsage()];
    const numbers = Array.from({ length: trials }, (_, number) => number);
    for (let from = 0; from < trials; from += 500) {
      const part = numbers.slice(from, from + 500);
      await store.addTrials(
        sweepId,
        part.map((number) => ({ number, point: { x: number }, tag: undefined })),
      );
      await queue.send(part.map((number) => ({ sweepId, number })));
    }
    for (;;) {
      const jobs = await queue.take(1);
      if (jobs.length === 0) break;
      const { state } = await store.findSweep(sweepId);
      const { number } = jobs[0].data;
      const reached =
        state === 'running' ? await reachForTrial(store, { sweepId, number, silentMs: 30_000 }) : undefined;
      await queue.heard(jobs);
      if (reached !== undefined && 'claim' in reached) await store.endTrial(reached.claim, 'complete', { losses: [0] });
    }
    const ours = (performance.now() - start) / trials;
    const { user, system } = process.cpuUsage(cpu);
    const done = (await store.listTrials(sweepId)).filter(({ state }) => state === 'complete').length;
    if (done !== trials) throw new Error(`${done} of ${trials} trials were done`);
    await queue.close();
    await store.close();
    const note = `${((user + system) / 1000 / trials).toFixed(2)} ms of processor time, the database's not counted`;
    return { ...head, ours, theirs: LIMIT_MS, ratio: ours / LIMIT_MS, interval: undefined, target: 1, note };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, trials: { type: 'string', default: '10000' } },
});
const rows = [await choosing(), await queueing(Number(values.trials))];
print({ name: 'tuning', machine: machine(), rows }, values.json);
