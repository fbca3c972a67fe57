/** Streams with events that are known: what the tests of drift and the detectors say of them, and when. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Budget } from '../../src/data/read/budget.js';
import { readTable } from '../../src/data/read/read.js';
import { readZip } from '../../src/data/read/zip.js';
import { findColumn, type Table } from '../../src/data/table.js';
import { takeRows } from '../../src/data/take-rows.js';
import { productionDrift } from '../../src/monitoring/drift/production.js';
import { referenceOfTable } from '../../src/monitoring/reference/build.js';
import { ColumnSketch } from '../../src/monitoring/sketch/column-sketch.js';
import { Adwin } from '../../src/monitoring/streams/adwin.js';

const range = (from: number, to: number): Uint32Array => Uint32Array.from({ length: to - from }, (_, i) => from + i);

function sketchesOf(table: Table): Map<string, ColumnSketch> {
  const sketches = new Map<string, ColumnSketch>();
  for (const column of table.columns) {
    if (column.kind !== 'number') continue;
    const sketch = new ColumnSketch();
    sketch.add(Array.from(column.values));
    sketches.set(`feature/${column.name}`, sketch);
  }
  return sketches;
}

interface StreamDrift {
  /** By column, the first window in which it drifted and drifted in the next too; undefined where it never did. */
  readonly first: ReadonlyMap<string, number>;
  readonly windows: number;
}

/** The first rows as the reference, the others window by window as a model in production meets them. */
function windowsOf(table: Table, columns: readonly string[], reference: number, rows: number): StreamDrift {
  const own = { ...table, columns: table.columns.filter(({ name }) => columns.includes(name)) };
  const before = referenceOfTable(takeRows(own, range(0, reference)));
  const spans = [];
  for (let from = reference; from + rows <= own.rows; from += rows) {
    spans.push({ start: from, ms: rows, columns: sketchesOf(takeRows(own, range(from, from + rows))) });
  }
  const { features } = productionDrift(before, spans);
  const first = new Map<string, number>();
  for (const { name, windows } of features) {
    const at = windows.findIndex(({ drifted }, i) => drifted && windows[i + 1]?.drifted === true);
    if (at >= 0) first.set(name, at);
  }
  return { first, windows: spans.length };
}

const dayOf = (start: string, days: number): string =>
  new Date(Date.parse(start) + days * 86_400_000).toISOString().slice(0, 10);

/** New South Wales electricity: from 2 May 1997 on Victoria's market is in the data, columns that were constant before. */
export async function elec2(datasets: string): Promise<string[]> {
  const table = await readTable(join(datasets, 'elec2', 'elec.csv.gz'), { baseDirectory: '.' });
  const week = 7 * 48;
  const { first } = windowsOf(table, ['nswprice', 'nswdemand', 'vicprice', 'vicdemand', 'transfer'], 26 * week, week);
  const told = (name: string): string => {
    const at = first.get(name);
    return at === undefined ? 'never' : `week of ${dayOf('1996-05-07', 7 * (26 + at))}`;
  };
  return ['vicprice', 'vicdemand', 'transfer', 'nswprice', 'nswdemand'].map(
    (name) =>
      `| elec2 | ${name} | ${/vic|transfer/.test(name) ? 'begins on 1997-05-02, constant before' : 'seasons; no single event'} | ${told(name)} |`,
  );
}

/** Bellevue's weather: seasons alone when windows are short, decades when they are years. */
export async function weather(datasets: string): Promise<string[]> {
  const table = await readTable(join(datasets, 'noaa-weather', 'weather.csv'), { baseDirectory: '.' });
  const columns = table.columns.map(({ name }) => name).filter((name) => name !== 'target');
  const years = windowsOf(table, columns, 5 * 365, 365);
  const months = windowsOf(table, columns, 5 * 365, 30);
  return [
    `| noaa-weather | 8 features, windows of a year | slow drift over 50 years | ${years.first.size} of 8, the first ${years.first.size === 0 ? '' : `in year ${6 + Math.min(...years.first.values())}`} |`,
    `| noaa-weather | 8 features, windows of 30 days | seasons: every month is unlike 5 years | ${months.first.size} of 8: a window should hold a season |`,
  ];
}

/** Bikes: the service grew by two thirds from 2011 to 2012; the weather did not. */
export async function bikes(datasets: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-bikes-'));
  try {
    const archive = join(datasets, 'bike-sharing', 'bike_sharing_dataset.zip');
    const budget = new Budget(2 ** 26);
    const spend = (name: string, bytes: number) => budget.spend(bytes, name);
    await readZip(archive, spend, async (name, content) => {
      if (name === 'hour.csv') await writeFile(join(folder, name), content);
    });
    const table = await readTable('hour.csv', { baseDirectory: folder });
    const year = findColumn(table, 'yr');
    if (year?.kind !== 'number') throw new Error('bike-sharing has a column yr');
    const first = year.values.indexOf(1);
    const own = {
      ...table,
      columns: table.columns.filter(({ name }) => ['temp', 'hum', 'windspeed', 'cnt', 'registered'].includes(name)),
    };
    const spans = [{ start: 0, ms: 1, columns: sketchesOf(takeRows(own, range(first, table.rows))) }];
    const { features } = productionDrift(referenceOfTable(takeRows(own, range(0, first))), spans);
    const names = features.filter(({ drifted }) => drifted).map(({ name }) => name);
    return [
      `| bike-sharing | 2012 against 2011, hours | rides grew by two thirds; 2012 began warmer | ${names.join(', ') || 'none'} |`,
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Machines with incidents that operators labelled: how many of them ADWIN falls into, and how often it speaks outside. */
export async function operations(datasets: string): Promise<string[]> {
  const windows = JSON.parse(
    await readFile(join(datasets, 'nab-operations', 'combined_windows.json'), 'utf8'),
  ) as Record<string, [string, string][]>;
  const lines: string[] = [];
  for (const name of [
    'machine_temperature_system_failure',
    'cpu_utilization_asg_misconfiguration',
    'ambient_temperature_system_failure',
    'nyc_taxi',
    'rogue_agent_key_hold',
    'ec2_request_latency_system_failure',
  ]) {
    const text = await readFile(join(datasets, 'nab-operations', `${name}.csv`), 'utf8');
    const rows = text
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
    const incidents = windows[`realKnownCause/${name}.csv`].map(([from, to]) => [
      Date.parse(`${from}Z`),
      Date.parse(`${to}Z`),
    ]);
    const detector = new Adwin();
    const changes = rows.flatMap(([at, value]) => (detector.update(Number(value)) ? [Date.parse(`${at}Z`)] : []));
    const hit = incidents.filter(([from, to]) => changes.some((at) => at >= from && at <= to)).length;
    const inside = changes.filter((at) => incidents.some(([from, to]) => at >= from && at <= to)).length;
    lines.push(
      `| nab ${name} | ${rows.length} values | ${incidents.length} incidents | ${hit} incidents with a change of level; ${changes.length} changes told, ${inside} of them in an incident |`,
    );
  }
  return lines;
}
