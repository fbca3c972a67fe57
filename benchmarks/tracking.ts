/**
 * A tracking server against MLflow's own, both over SQLite on this machine, driven by one client in turn: 100,000 metrics
 * logged in batches, all of 1,500 runs with 150 parameters each searched, a filtered and ordered search over them, and the
 * memory of the server's processes after it. MLflow runs with one worker: the client sends one request at a time.
 *
 *     BALLAST_PYTHON=... npm run bench -- tracking [--json] [--metrics 100000] [--runs 1500] [--rounds 3]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { medianInterval } from '../src/numeric/intervals.js';
import { type BenchmarkRow, machine, median, print } from './support/report.js';

const PYTHON = process.env.BALLAST_PYTHON ?? '';
const CLIENT = join(import.meta.dirname, 'peers', 'tracking_mlflow.py');
const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Server {
  readonly url: string;
  readonly process: ChildProcess;
}

interface Client {
  ask(task: string): Promise<{ ms: number; found?: number }>;
  end(): void;
}

interface Case {
  readonly name: string;
  readonly task: string;
  readonly target: number;
}

async function trackingBenchmark(metrics: number, runs: number, rounds: number): Promise<BenchmarkRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-benchmark-'));
  const version = mlflowVersion();
  const cases: Case[] = [
    { name: `log ${metrics} metrics in batches of 1000`, task: `log ${metrics}`, target: 0.2 },
    { name: `search all of ${runs} runs x 150 params`, task: 'search', target: 0.1 },
    { name: `filtered, ordered search over ${runs} runs x 150 params`, task: 'filter', target: 0.1 },
  ];
  const ours = await startOurs(folder);
  const theirs = version === undefined ? undefined : await startMlflow(folder);
  try {
    const servers = theirs === undefined ? [ours] : [ours, theirs];
    const clients = servers.map((server) => startClient(server.url, runs));
    for (const client of clients) await client.ask('fill');
    const rows: BenchmarkRow[] = [];
    for (const { name, task, target } of cases) {
      const times: number[][] = servers.map(() => []);
      for (let round = 0; round < rounds; round++) {
        const order = servers.map((_, i) => i);
        for (const who of round % 2 === 0 ? order : order.reverse()) times[who].push((await clients[who].ask(task)).ms);
      }
      rows.push(compared({ name, unit: 'ms', target }, times, version));
    }
    rows.push(
      compared({ name: 'memory of the server after it', unit: 'MB', target: 0.5 }, servers.map(memoryOf), version),
    );
    for (const client of clients) client.end();
    return rows;
  } finally {
    for (const server of [ours, theirs]) await stop(server);
    await rm(folder, { recursive: true, force: true });
  }
}

function compared(
  { name, unit, target }: { name: string; unit: string; target: number },
  [ours = [], theirs]: readonly number[][],
  version: string | undefined,
): BenchmarkRow {
  const base = { case: name, unit, threads: 1, target, ours: median(ours), peer: `mlflow ${version ?? ''}`.trim() };
  if (theirs === undefined) return { ...base, theirs: 'absent', ratio: undefined, interval: undefined };
  const ratios = ours.map((value, i) => value / theirs[i]);
  return {
    ...base,
    theirs: median(theirs),
    ratio: median(ratios),
    interval: ratios.length < 3 ? undefined : medianInterval(ratios),
  };
}

function startClient(url: string, runs: number): Client {
  const child = spawn(PYTHON === '' ? 'python3' : PYTHON, [CLIENT, url, String(runs)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(task) {
      child.stdin.write(`${task}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`the client ended at "${task}"`);
      return JSON.parse(value) as { ms: number; found?: number };
    },
    end: () => child.stdin.end(),
  };
}

async function startOurs(folder: string): Promise<Server> {
  const port = await freePort();
  const store = join(folder, 'ours');
  const words = [join(ROOT, 'bin', 'ballast'), 'serve', '--port', String(port), '--store', store];
  return listening(spawn(process.execPath, words, { stdio: 'ignore', detached: true }), port);
}

async function startMlflow(folder: string): Promise<Server> {
  const port = await freePort();
  const words = [
    '-m',
    'mlflow',
    'server',
    '--port',
    String(port),
    '--workers',
    '1',
    '--backend-store-uri',
    'sqlite:///theirs.db',
  ];
  return listening(spawn(PYTHON, words, { cwd: folder, stdio: 'ignore', detached: true }), port);
}

async function listening(process: ChildProcess, port: number): Promise<Server> {
  if (process.pid !== undefined) started.add(process.pid);
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 480; tries++) {
    try {
      if ((await fetch(`${url}/health`)).ok) return { url, process };
    } catch {
      // It does not listen yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`${url} does not answer`);
}

/** Servers outlive the process that started them; an interrupted benchmark leaves none behind. */
const started = new Set<number>();
process.once('exit', () => {
  for (const pid of started) process.kill(-pid, 'SIGTERM');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

async function stop(server: Server | undefined): Promise<void> {
  if (server?.process.pid === undefined || server.process.exitCode !== null) return;
  started.delete(server.process.pid);
  const ended = new Promise((resolve) => server.process.once('exit', resolve));
  process.kill(-server.process.pid, 'SIGTERM');
  await ended;
}

/** Resident memory of a server's process group, in MB; nothing where the system does not tell it. */
function memoryOf({ process: { pid } }: Server): number[] {
  if (process.platform !== 'linux') return [];
  let kilobytes = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const group = Number(
        readFileSync(`/proc/${entry}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')[2],
      );
      if (group !== pid) continue;
      kilobytes += Number(/^Rss:\s+(\d+)/m.exec(readFileSync(`/proc/${entry}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch (error) {
      // It ended meanwhile.
      if (!['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return [kilobytes / 1024];
}

function mlflowVersion(): string | undefined {
  if (PYTHON === '') return undefined;
  try {
    const code = 'from importlib.metadata import version; print(version("mlflow"))';
    return execFileSync(PYTHON, ['-c', code], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    metrics: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '1500' },
    rounds: { type: 'string', default: '3' },
  },
});
const rows = await trackingBenchmark(Number(values.metrics), Number(values.runs), Number(values.rounds));
print({ name: 'tracking', machine: machine(), rows }, values.json);
