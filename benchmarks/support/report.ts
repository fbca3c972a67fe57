import { availableParallelism, cpus } from 'node:os';

/** One comparison, as every benchmark prints it. */
export interface BenchmarkRow {
  readonly case: string;
  /** Ours, in `unit`: the median round. */
  readonly ours: number;
  /** Name and version of what it is compared with. */
  readonly peer: string;
  /** The peer's median round, or 'absent' where it is not installed. */
  readonly theirs: number | 'absent';
  readonly unit: string;
  /** ours / theirs: below 1 is better. */
  readonly ratio: number | undefined;
  /** 95 % interval of the median ratio over the rounds, by order statistics. */
  readonly interval: readonly [number, number] | undefined;
  readonly threads: number;
  /** What the ratio should not exceed. */
  readonly target?: number;
  readonly note?: string;
}

export interface BenchmarkReport {
  readonly name: string;
  readonly machine: string;
  readonly rows: readonly BenchmarkRow[];
}

/** Processor, its count and the Node version. */
export function machine(): string {
  return `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} processors, Node ${process.version}`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Prints a report: one JSON document, or a line for each row. */
export function print(report: BenchmarkReport, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  process.stdout.write(`${report.name}, ${report.machine}\n`);
  for (const row of report.rows) process.stdout.write(`${lineOf(row)}\n`);
}

/** A row in one line for reading. */
export function lineOf(row: BenchmarkRow): string {
  const head = `${row.case}, ${row.threads} thread${row.threads === 1 ? '' : 's'}: ${digits(row.ours)} ${row.unit}`;
  const note = row.note === undefined ? '' : ` [${row.note}]`;
  if (row.theirs === 'absent' || row.ratio === undefined) return `${head}; ${row.peer}: absent${note}`;
  const target = row.target === undefined ? '' : `, target ${row.target}${row.ratio <= row.target ? '' : ' MISSED'}`;
  const interval = row.interval === undefined ? '' : ` (${row.interval.map(digits).join(' to ')})`;
  return `${head} against ${digits(row.theirs)} (${row.peer}): ratio ${digits(row.ratio)}${interval}${target}${note}`;
}

/** Three significant digits. */
const digits = (value: number): string => (value === 0 ? '0' : Number(value.toPrecision(3)).toString());
