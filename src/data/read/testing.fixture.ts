import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect } from 'vitest';
import { BallastError } from '../../errors.js';
import { type Column, findColumn, type Table } from '../table.js';

/** Path of a golden file. */
export function golden(name: string): string {
  return join(dirname(fileURLToPath(import.meta.url)), 'goldens', name);
}

export async function expectedValues<T>(): Promise<T> {
  return JSON.parse(await readFile(golden('expected.json'), 'utf8')) as T;
}

/** A folder for the files of one test file, removed at its end. */
export async function testFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-test-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function write(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

export function column(table: Table, name: string): Column {
  const found = findColumn(table, name);
  if (found === undefined) throw new Error(`no column ${name} among ${table.columns.map((c) => c.name).join(', ')}`);
  return found;
}

/** A column's values as JSON would have them: null where missing. */
export function valuesOf(table: Table, name: string): (number | string | null)[] {
  const found = column(table, name);
  switch (found.kind) {
    case 'category':
      return Array.from(found.codes, (code) => found.dictionary[code] ?? null);
    case 'text':
      return found.values.map((text) => (text === '' ? null : text));
    case 'array':
      return Array.from<number>(found.data);
    default:
      return Array.from(found.values, (value) => (Number.isNaN(value) ? null : value));
  }
}

/** The error that a promise rejects with; it must be one of the project's. */
export async function failure(promise: Promise<unknown>): Promise<BallastError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof BallastError)) expect.fail(`a BallastError was expected, not ${String(error)}`);
  return error;
}
