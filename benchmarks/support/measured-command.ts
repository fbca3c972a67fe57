import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { BenchmarkRow } from './report.js';

export interface MeasuredCommand {
  /** Of the whole process, its start included. */
  readonly seconds: number;
  /** Peak resident memory. */
  readonly bytes: number;
  readonly code: number | null;
  readonly stdout: string;
}

/** Runs a command of `ballast` from the sources, as a process of its own. */
export async function measuredCommand(words: readonly string[]): Promise<MeasuredCommand> {
  const started = performance.now();
  const command = ['--import', 'tsx', join(import.meta.dirname, 'command-with-peak.mjs'), ...words];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const peak = Number(/peak (\d+)\n$/.exec(stdout)?.[1] ?? Number.NaN);
  return { seconds: (performance.now() - started) / 1000, bytes: peak, code, stdout };
}

/** A figure against what it should not exceed. */
export const againstLimit = (
  row: Pick<BenchmarkRow, 'case' | 'ours' | 'unit' | 'threads'>,
  limit: number,
): BenchmarkRow => ({
  ...row,
  peer: 'limit',
  theirs: limit,
  ratio: row.ours / limit,
  interval: undefined,
  target: 1,
});
