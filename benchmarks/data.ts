/**
 * Reading a CSV of 1,000,000 x 30 as a table, and on to training tensors (rows hashed, split, encoded), against the
 * embedded engine's own `CREATE TABLE AS` of the same file: time and peak memory. Every measurement is a process of its
 * own, ours and theirs in turn.
 *
 *     npx tsx benchmarks/data.ts [--json] [--rows 1000000] [--rounds 5]
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { DuckDBInstance, version } from '@duckdb/node-api';
import { assignHoldout } from '../src/data/holdout.js';
import { dataOptionsSchema } from '../src/data/options.js';
import { fitPreprocessor } from '../src/data/preprocess/fit.js';
import { readTable } from '../src/data/read/read.js';
import { resolveRoles } from '../src/data/roles.js';
import { splitInput } from '../src/data/split-input.js';
import type { Table } from '../src/data/table.js';

const run = promisify(execFile);

const FLOATS = 20;
const INTEGERS = 6;
const CATEGORIES = 3;
const COLUMNS = FLOATS + INTEGERS + CATEGORIES + 1;

export interface BenchmarkRow {
  readonly case: string;
  readonly ours: number;
  readonly peer: string;
  readonly theirs: number;
  readonly unit: string;
  /** ours / theirs: below 1 is better. */
  readonly ratio: number;
  /** Least and greatest ratio of a round. */
  readonly interval: readonly [number, number];
  readonly threads: number;
}

interface Measured {
  readonly ms: number;
  /** Peak resident memory over what the process held before reading. */
  readonly bytes: number;
  /** Of what was made, as float32 tensors. */
  readonly tensors: number;
}

type Case = 'exact' | 'float32' | 'tensors';

/** All rows of this benchmark. */
export async function dataBenchmark(rows = 1_000_000, rounds = 5): Promise<BenchmarkRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-benchmark-'));
  try {
    const file = join(folder, 'table.csv');
    await writeCsv(file, rows);
    const threads = [...new Set([1, Math.min(2, availableParallelism())])];
    const results: BenchmarkRow[] = [];
    for (const count of threads) results.push(...(await compare(file, rows, rounds, count)));
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(file: string, rows: number, rounds: number, threads: number): Promise<BenchmarkRow[]> {
  const measured: Record<Case | 'peer', Measured[]> = { exact: [], float32: [], tensors: [], peer: [] };
  for (let round = 0; round < rounds; round++) {
    for (const what of ['exact', 'peer', 'float32', 'tensors'] as const) {
      measured[what].push(await child(what, file, threads));
    }
  }
  return (['exact', 'float32', 'tensors'] as const).flatMap((what) => {
    const as = what === 'tensors' ? 'to training tensors' : what;
    const label = `${rows.toLocaleString('en')} x ${COLUMNS} CSV, ${as}`;
    const ours = measured[what];
    const [{ tensors }] = ours;
    const times = ours.map(({ ms }, round) => ms / measured.peer[round].ms);
    const memory = ours.map(({ bytes }) => bytes / tensors);
    const peer = `DuckDB ${version()} CREATE TABLE AS`;
    return [
      {
        case: `${label}: time`,
        ours: median(ours.map(({ ms }) => ms)),
        peer,
        theirs: median(measured.peer.map(({ ms }) => ms)),
        unit: 'ms',
        ratio: median(times),
        interval: [Math.min(...times), Math.max(...times)],
        threads,
      },
      {
        case: `${label}: peak memory`,
        ours: median(ours.map(({ bytes }) => bytes)) / 1e6,
        peer: 'the float32 tensors',
        theirs: tensors / 1e6,
        unit: 'MB',
        ratio: median(memory),
        interval: [Math.min(...memory), Math.max(...memory)],
        threads,
      },
    ];
  });
}

/** A table of decimals, integers, short and long categories, and a binary label. */
async function writeCsv(file: string, rows: number): Promise<void> {
  const floats = Array.from(
    { length: FLOATS },
    (_, i) => `round((hash(r + ${i} * 7919) % 2000003 / 1000001.5 - 1) * ${10 ** (i % 4)}, 6) AS f${i}`,
  );
  const integers = Array.from({ length: INTEGERS }, (_, i) => `hash(r * 31 + ${i}) % ${10 ** (i + 1)} AS i${i}`);
  const categories = Array.from(
    { length: CATEGORIES },
    (_, i) => `'${i === 2 ? 'a longer category ' : 'k'}' || (hash(r * 17 + ${i}) % ${20 * (i + 1)}) AS c${i}`,
  );
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const columns = [...floats, ...integers, ...categories, 'hash(r * 13) % 2 AS label'].join(', ');
  await connection.run(`COPY (SELECT ${columns} FROM range(${rows}) t(r)) TO '${file}' (HEADER, DELIMITER ',')`);
  connection.closeSync();
  instance.closeSync();
}

async function child(what: string, file: string, threads: number): Promise<Measured> {
  const script = fileURLToPath(import.meta.url);
  const { stdout } = await run(process.execPath, [
    '--import',
    'tsx',
    script,
    '--measure',
    what,
    '--file',
    file,
    '--threads',
    String(threads),
  ]);
  return JSON.parse(stdout) as Measured;
}

async function measure(what: string, file: string, threads: number): Promise<Measured> {
  // Whatever is loaded on first use is loaded before the clock starts.
  const warm = await DuckDBInstance.create(':memory:', { threads: String(threads) });
  const before = process.memoryUsage().rss;
  const start = performance.now();
  let tensors = 0;
  if (what === 'peer') {
    const connection = await warm.connect();
    await connection.run(`CREATE TABLE t AS SELECT * FROM read_csv('${file}')`);
    connection.closeSync();
  } else {
    const table = await readTable(file, { threads, precision: what === 'exact' ? 'exact' : 'float32' });
    if (table.columns.length !== COLUMNS) throw new Error(`${table.columns.length} columns were read`);
    tensors = what === 'tensors' ? encode(table) : table.rows * COLUMNS * 4;
  }
  const ms = performance.now() - start;
  warm.closeSync();
  return { ms, bytes: process.resourceUsage().maxRSS * 1024 - before, tensors };
}

/** From the table to what a network trains on: hashes, split, lock, fit, encode. Returns the bytes of the tensors. */
function encode(table: Table): number {
  const options = dataOptionsSchema.parse({ source: 'table.csv', target: 'label' });
  const roles = resolveRoles(table, options);
  const settings = { strategy: 'stratified', validation: 0.2, holdout: 0.2, seed: 1 } as const;
  const input = splitInput(table, roles, settings.strategy, options.split.bins);
  const { train, validation } = assignHoldout('table', input, settings, '{}', undefined).split;
  const preprocessor = fitPreprocessor(table, roles, train, { task: 'classification' });
  return [train, validation]
    .flatMap((rows) => {
      const { inputs, target } = preprocessor.transform(table, rows);
      return [...Object.values(inputs), ...(target === undefined ? [] : [target])];
    })
    .reduce((sum, { data }) => sum + data.byteLength, 0);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      rows: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '5' },
      measure: { type: 'string' },
      file: { type: 'string' },
      threads: { type: 'string', default: '1' },
    },
  });
  if (values.measure !== undefined && values.file !== undefined) {
    process.stdout.write(JSON.stringify(await measure(values.measure, values.file, Number(values.threads))));
    return;
  }
  const rows = await dataBenchmark(Number(values.rows), Number(values.rounds));
  const machine = `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} processors, Node ${process.version}`;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ name: 'data', machine, rows }, null, 2)}\n`);
    return;
  }
  process.stdout.write(`data, ${machine}\n`);
  for (const row of rows) {
    const figures = `${row.ours.toFixed(0)} ${row.unit} against ${row.theirs.toFixed(0)} (${row.peer})`;
    const interval = row.interval.map((value) => value.toFixed(2)).join('-');
    process.stdout.write(`${row.case}, ${row.threads} thread(s): ${figures}: ${row.ratio.toFixed(2)} (${interval})\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
