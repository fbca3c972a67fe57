/**
 * What serving costs beside the model: processor seconds a request of the server and its child processes, over HTTP with JSON and over
 * gRPC with bytes, against a bare loop of `session.run` on the same rows of a model of about 1 ms, against one that sleeps a millisecond
 * before each run (a process that is woken finds its caches cold: that is none of the server's doing), and against MLServer (a Python with mlserver and onnxruntime,
 * BALLAST_MLSERVER_PYTHON) on the same model; the time that is added to a request, by one client and at half of
 * what the bare loop can do, requests coming at random; memory and failures over many requests, with hot swaps under way. The load comes from this process, which is not counted, on the same machine.
 *
 *     npm run bench -- serving [--json] [--requests 3000] [--rounds 5] [--soak 100000]
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { float32, type Model, openRuntime, type Runtime, writeModel } from '../src/graph/index.js';
import { medianInterval } from '../src/numeric/intervals.js';
import { derive } from '../src/numeric/random.js';
import { openStore, type Store } from '../src/store/index.js';
import { type GrpcClient, grpcClient } from '../test/support/grpc-client.js';
import { startMlserver } from './peers/mlserver.js';
import { type BenchmarkRow, machine, median, print } from './support/report.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WIDTH = 16;
const CONCURRENT = 8;

/** What the model is to take, ms. */
const MODEL_MS = 1;

function network(hidden: number, layers: number): Model {
  const weights = (rows: number, columns: number) =>
    float32(
      [rows, columns],
      Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i) / Math.sqrt(rows)),
    );
  const sizes = [WIDTH, ...Array.from({ length: layers }, () => hidden), 1];
  const nodes = sizes.slice(1).flatMap((_, i) => {
    const last = i === sizes.length - 2;
    const plain = { domain: '', attributes: {} };
    const product = { ...plain, name: `m${i}`, opType: 'MatMul', inputs: [i === 0 ? 'x' : `r${i - 1}`, `w${i}`] };
    if (last) return [{ ...product, outputs: ['prediction'] }];
    return [
      { ...product, outputs: [`h${i}`] },
      { ...plain, name: `a${i}`, opType: 'Relu', inputs: [`h${i}`], outputs: [`r${i}`] },
    ];
  });
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'benchmark', version: '' },
    graph: {
      name: 'network',
      inputs: [{ name: 'x', type: 'float32', shape: ['batch', WIDTH] }],
      outputs: [{ name: 'prediction', type: 'float32', shape: ['batch', 1] }],
      initializers: new Map(sizes.slice(1).map((size, i) => [`w${i}`, weights(sizes[i] ?? 1, size)])),
      nodes,
      valueInfo: new Map(),
    },
    metadata: new Map(),
  };
}

/** Layers of 1,024 units that take about {@link MODEL_MS} a row here. */
async function layersHere(runtime: Runtime): Promise<number> {
  const [layers, runs] = [20, 100];
  const session = await runtime.load(writeModel(network(1024, layers)), { threads: 1 });
  const feeds = { x: float32([1, WIDTH], row) };
  for (let i = 0; i < runs; i++) await session.run(feeds);
  const start = performance.now();
  for (let i = 0; i < runs; i++) await session.run(feeds);
  return Math.max(1, Math.round((layers * MODEL_MS * runs) / (performance.now() - start)));
}

async function register(store: Store, name: string, model: Uint8Array): Promise<void> {
  const recorded = { seed: 1, datasetName: null, dataVersion: null, regularizerId: 'rg-0', manifest: {} };
  const runId = await store.createRun({ name, kind: 'train', spec: {}, environment: {}, ...recorded });
  await store.putArtifact(runId, 'model/model.onnx', model);
  await store.finishRun(runId, 'finished');
  for (let version = 0; version < 2; version++) {
    await store.createVersion({ name, source: `runs:/${runId}`, from: { kind: 'run', runId, path: 'model' } });
  }
}

interface Server {
  readonly url: string;
  readonly grpc: string;
  readonly process: ChildProcess;
}

async function start(store: string): Promise<Server> {
  const ports = ['--port', '0', '--grpc-port', '0'];
  const words = [
    join(ROOT, 'bin', 'ballast'),
    'serve',
    '--models',
    'net/1',
    'small',
    ...ports,
    '--store',
    store,
    '--json',
  ];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await new Promise<string[]>((resolve, reject) => {
    createInterface(child.stdout).once('line', (text) => resolve([text]));
    child.once('exit', () => reject(new Error('the server ended')));
  });
  return { ...(JSON.parse(line ?? '') as { url: string; grpc: string }), process: child };
}

/** The process and those that it started. */
function family(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return [pid, ...stdout.split('\n').filter(Boolean).map(Number)];
}

/** Processor time of processes, ms (a tick is 10 ms on Linux). */
function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * 10;
  }, 0);
}

function residentMb(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const found = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return sum + Number(found?.[1] ?? 0) / 1024;
  }, 0);
}

const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENT });
const row = Array.from({ length: WIDTH }, (_, i) => Math.fround(Math.cos(i)));
const body = JSON.stringify({ inputs: [{ name: 'x', shape: [1, WIDTH], datatype: 'FP32', data: row }] });

function ask(address: string, text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': text.length };
    const sent = request(address, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(text);
  });
}

const grpcRequest = {
  modelName: 'net',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1n, BigInt(WIDTH)] }],
  rawInputContents: [Buffer.from(Float32Array.from(row).buffer)],
};

async function askGrpc(client: GrpcClient): Promise<number> {
  await client.call('modelInfer', grpcRequest);
  return 200;
}

/** @returns times of the requests, ms, and how many were not answered with 200 */
async function load(
  requests: number,
  clients: number,
  send: () => Promise<number>,
): Promise<{ times: number[]; failed: number }> {
  const times: number[] = [];
  let left = requests;
  let failed = 0;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const start = performance.now();
      const status = await send();
      times.push(performance.now() - start);
      if (status !== 200) failed++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  return { times, failed };
}

/**
 * Requests that come at random times, so many a second on average, whatever became of those before.
 *
 * @returns times from when each was due to its answer, ms
 */
async function arriving(requests: number, perSecond: number, send: () => Promise<unknown>): Promise<number[]> {
  const random = derive(1, 'arrivals');
  const begun = performance.now();
  const answered: Promise<number>[] = [];
  let due = 0;
  for (let i = 0; i < requests; i++) {
    due += (-Math.log(1 - random.uniform()) / perSecond) * 1000;
    const wait = begun + due - performance.now();
    if (wait > 1) await sleep(wait);
    const from = begun + due;
    answered.push(send().then(() => performance.now() - from));
  }
  return Promise.all(answered);
}

/** The bare model behind a queue: one run at a time, as they come. */
function queued(run: () => Promise<unknown>): () => Promise<unknown> {
  let last: Promise<unknown> = Promise.resolve();
  return () => {
    last = last.then(run);
    return last;
  };
}

const at = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;

/** A server that is measured: how it is asked, and its processes. */
interface Measured {
  readonly send: () => Promise<number>;
  readonly pids: readonly number[];
}

/** Processor time and times of a round of requests. */
async function roundOf({ send, pids }: Measured, requests: number, clients: number) {
  const before = cpuMs(pids);
  const { times, failed } = await load(requests, clients, send);
  return { cpu: (cpuMs(pids) - before) / requests, times, failed };
}

type Round = Awaited<ReturnType<typeof roundOf>>;

const sharesOfTimes = [
  ['p50', 0.5],
  ['p99', 0.99],
] as const;

async function servingBenchmark(requests: number, rounds: number, soak: number): Promise<BenchmarkRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-benchmark-'));
  const runtime = await openRuntime({ backend: 'stock' });
  const model = writeModel(network(1024, await layersHere(runtime)));
  const session = await runtime.load(model, { threads: 1 });
  const feeds = { x: float32([1, WIDTH], row) };
  const bare = async (asleepMs = 0): Promise<Round> => {
    const times: number[] = [];
    let cpu = 0;
    for (let i = 0; i < requests; i++) {
      if (asleepMs > 0) await sleep(asleepMs);
      const [start, before] = [performance.now(), process.cpuUsage()];
      await session.run(feeds);
      const { user, system } = process.cpuUsage(before);
      cpu += user + system;
      times.push(performance.now() - start);
    }
    return { cpu: cpu / 1000 / requests, times, failed: 0 };
  };
  const place = join(folder, 'store');
  const store = await openStore(place);
  await register(store, 'net', model);
  await register(store, 'small', writeModel(network(16, 1)));
  await store.setTraffic('small', { shares: [{ version: 1, role: 'live', weight: 1 }], reason: 'benchmark' });
  const server = await start(place);
  const grpc = grpcClient(server.grpc);
  const mlservers = (
    await Promise.all((['as it comes', 'one'] as const).map((processes) => startMlserver(folder, model, processes)))
  ).filter((each) => each !== undefined);
  try {
    const pids = family(server.process.pid ?? 0);
    const http: Measured = { send: () => ask(`${server.url}/v2/models/net/infer`, body), pids };
    const overGrpc: Measured = { send: () => askGrpc(grpc), pids };
    const peers = mlservers.map(
      ({ url, process: { pid } }): Measured => ({
        send: () => ask(`${url}/v2/models/net/infer`, body),
        pids: family(pid ?? 0),
      }),
    );
    for (const each of [http, overGrpc, ...peers]) await load(500, 1, each.send);
    await bare();
    const rows: BenchmarkRow[] = [];
    for (const clients of [1, CONCURRENT]) {
      const who = clients === 1 ? 'one client' : `${clients} clients`;
      const all: Record<'bare' | 'woken' | 'http' | 'grpc', Round[]> = { bare: [], woken: [], http: [], grpc: [] };
      const ofPeers = peers.map((): Round[] => []);
      for (let round = 0; round < rounds; round++) {
        all.bare.push(await bare());
        if (clients === 1) all.woken.push(await bare(1));
        all.http.push(await roundOf(http, requests, clients));
        all.grpc.push(await roundOf(overGrpc, requests, clients));
        for (const [i, peer] of peers.entries()) ofPeers[i].push(await roundOf(peer, Math.ceil(requests / 3), clients));
      }
      const loop = { name: 'bare session.run loop', rounds: all.bare };
      rows.push(cpuRow(`HTTP, ${who}`, all.http, loop, 1.18), cpuRow(`gRPC, ${who}`, all.grpc, loop, 1.18));
      if (clients === 1) {
        const woken = { name: 'bare session.run, a millisecond asleep before each', rounds: all.woken };
        rows.push(
          cpuRow(`HTTP, ${who}`, all.http, woken),
          cpuRow(`gRPC, ${who}`, all.grpc, woken),
          ...addedRows('HTTP, one client', all.http, all.bare),
          ...addedRows('gRPC, one client', all.grpc, all.bare),
        );
        const half =
          500 /
          at(
            all.bare.flatMap(({ times }) => times),
            0.5,
          );
        const loaded: Record<'bare' | 'http', Pick<Round, 'times'>[]> = { bare: [], http: [] };
        for (let round = 0; round < rounds; round++) {
          loaded.bare.push({
            times: await arriving(
              requests,
              half,
              queued(() => session.run(feeds)),
            ),
          });
          loaded.http.push({ times: await arriving(requests, half, http.send) });
        }
        rows.push(...addedRows('HTTP, at 50 % load', loaded.http, loaded.bare, [0.3, 2]));
      }
      if (mlservers.length === 0) rows.push(absent('MLServer', who, median(all.http.map(({ cpu }) => cpu))));
      for (const [i, { name }] of mlservers.entries())
        rows.push(...peerRows(who, all.http, { name, rounds: ofPeers[i] }));
    }
    rows.push(...(await endure(store, server, () => ask(`${server.url}/v2/models/small/infer`, body), soak)));
    return rows;
  } finally {
    grpc.close();
    await ended(server.process);
    await Promise.all(mlservers.map((each) => ended(each.process)));
    await store.close();
    agent.destroy();
    await rm(folder, { recursive: true, force: true });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await new Promise((resolve) => child.once('exit', resolve));
}

function ratioRow(
  ours: readonly number[],
  theirs: readonly number[],
): Pick<BenchmarkRow, 'ours' | 'theirs' | 'ratio' | 'interval'> {
  const ratios = ours.map((value, i) => value / (theirs[i] ?? Number.NaN));
  return { ours: median(ours), theirs: median(theirs), ratio: median(ratios), interval: medianInterval(ratios) };
}

interface Peer {
  readonly name: string;
  readonly rounds: readonly Round[];
}

function cpuRow(how: string, ours: readonly Round[], { name, rounds }: Peer, target?: number): BenchmarkRow {
  const cpu = (list: readonly Round[]) => list.map((each) => each.cpu);
  return {
    ...{ case: `processor time a request, ${how}`, unit: 'ms', threads: 1, peer: name },
    ...(target === undefined ? {} : { target }),
    ...ratioRow(cpu(ours), cpu(rounds)),
    note: `${ours.reduce((sum, { failed }) => sum + failed, 0)} of ${ours.reduce((sum, { times }) => sum + times.length, 0)} failed`,
  };
}

function addedRows(
  how: string,
  ours: readonly Pick<Round, 'times'>[],
  loop: readonly Pick<Round, 'times'>[],
  targets: readonly number[] = [],
): BenchmarkRow[] {
  return sharesOfTimes.map(([name, share], i) => ({
    ...{
      case: `${name} added to a request, ${how}`,
      unit: 'ms',
      threads: 1,
      peer: 'bare session.run loop',
    },
    ours: median(ours.map(({ times }, round) => at(times, share) - at(loop[round]?.times ?? [], share))),
    ...{ theirs: 'absent', ratio: undefined, interval: undefined },
    note: `the client shares the machine${targets[i] === undefined ? '' : `; target ${targets[i]} ms`}`,
  }));
}

function peerRows(who: string, ours: readonly Round[], peer: Peer): BenchmarkRow[] {
  return [
    cpuRow(`HTTP, ${who}`, ours, peer, 1 / 3),
    {
      ...{ case: `p99 of a request, HTTP, ${who}`, unit: 'ms', threads: 1, target: 1, peer: peer.name },
      ...ratioRow(
        ours.map(({ times }) => at(times, 0.99)),
        peer.rounds.map(({ times }) => at(times, 0.99)),
      ),
    },
  ];
}

/** Parts of a soak, after each of which memory is read. */
const PARTS = 10;

/** Many requests to a small model, a change of its version every two seconds: memory after each tenth. */
async function endure(
  store: Store,
  { process: server }: Server,
  send: () => Promise<number>,
  requests: number,
): Promise<BenchmarkRow[]> {
  let version = 1;
  let swaps = 0;
  const swapping = setInterval(() => {
    version = 3 - version;
    swaps++;
    void store.setTraffic('small', { shares: [{ version, role: 'live', weight: 1 }], reason: 'benchmark' });
  }, 2000);
  const memory: number[] = [];
  let failed = 0;
  for (let part = 0; part < PARTS; part++) {
    failed += (await load(Math.ceil(requests / PARTS), CONCURRENT, send)).failed;
    memory.push(residentMb([server.pid ?? 0]));
  }
  clearInterval(swapping);
  const note = `${memory.map((each) => each.toFixed(0)).join(', ')} MB after each tenth; ${swaps} hot swaps, ${failed} requests failed`;
  const row = (name: string, peer: string, after: number, before: number) => ({
    ...{ case: `${name} of the server, ${requests} requests`, unit: 'MB', threads: 1, interval: undefined, note },
    ...{ ours: after, theirs: before, peer, ratio: after / before },
  });
  const half = (part: 0 | 1): number => Math.max(...memory.slice((part * PARTS) / 2, ((part + 1) * PARTS) / 2));
  return [
    { ...row('memory at the end', 'itself after three tenths of them', memory[PARTS - 1], memory[2]), target: 1.1 },
    // Garbage goes some time or other: where the end is above the target, peaks tell whether anything stays.
    row('peak memory in the second half', 'its own peak in the first half', half(1), half(0)),
  ];
}

function absent(peer: string, who: string, ours: number): BenchmarkRow {
  return {
    ...{ case: `processor time a request, HTTP, ${who}`, unit: 'ms', threads: 1, peer, ours },
    ...{ theirs: 'absent', ratio: undefined, interval: undefined },
  };
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    requests: { type: 'string', default: '3000' },
    rounds: { type: 'string', default: '5' },
    soak: { type: 'string', default: '100000' },
  },
});
const rows = await servingBenchmark(Number(values.requests), Number(values.rounds), Number(values.soak));
print({ name: 'serving', machine: machine(), rows }, values.json);
