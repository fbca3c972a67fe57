import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { BallastError } from '../../errors.js';
import type { NewMetricPoint } from '../../store/types.js';
import type { ForeignRun } from './imported-run.js';
import { recordsInLog } from './wandb-log.js';

/** Fields of W&B's messages that are read, by their numbers in its published protocol (wandb_internal.proto). */
const RECORD = { history: 2, summary: 3, config: 4, run: 17, exit: 18 } as const;
const RUN = { id: 1, project: 3, config: 4, name: 8, notes: 9, tags: 10, startTime: 17 } as const;
const ITEM = { key: 1, nestedKey: 2, json: 16 } as const;

interface Draft {
  id: string;
  project: string;
  name: string;
  notes: string;
  labels: string[];
  startedAt: Date;
  exitCode: number | undefined;
  readonly config: Map<string, unknown>;
  readonly summary: Map<string, unknown>;
  readonly points: NewMetricPoint[];
}

/**
 * A run that W&B logged offline: configuration as parameters, every logged number at its step, the summary's other values
 * as tags.
 *
 * @param path the folder `offline-run-...`, or the file `run-ID.wandb` in it
 * @throws BallastError `WANDB_LOG_INVALID`, `IMPORT_UNREADABLE`
 */
export async function offlineWandbRun(path: string, experiment?: string): Promise<ForeignRun> {
  const file = await logFile(path);
  const draft: Draft = {
    ...{ id: '', project: 'wandb', name: '', notes: '', labels: [], startedAt: new Date(0), exitCode: undefined },
    ...{ config: new Map(), summary: new Map(), points: [] },
  };
  for (const record of recordsInLog(await readFile(file), file)) readRecord(record, draft);
  const logged = new Set(draft.points.map(({ name }) => name));
  const rest = [...draft.summary].filter(([name]) => !logged.has(name) && !name.startsWith('_'));
  const endedAt = new Date(Math.max(draft.startedAt.getTime(), ...draft.points.map(({ timestamp = 0 }) => timestamp)));
  const lastStep = draft.points.reduce((last, { step = 0 }) => Math.max(last, step), 0);
  return {
    name: draft.name || draft.id,
    experiment: experiment ?? draft.project,
    origin: `wandb ${draft.project} ${draft.id}`,
    startedAt: draft.startedAt,
    endedAt,
    status: draft.exitCode === undefined ? 'cancelled' : draft.exitCode === 0 ? 'finished' : 'failed',
    params: Object.fromEntries([...draft.config].flatMap(([name, value]) => flat(name, value))),
    tags: {
      ...(draft.notes === '' ? {} : { 'mlflow.note.content': draft.notes }),
      ...Object.fromEntries(draft.labels.map((label) => [label, 'true'])),
      ...Object.fromEntries(rest.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []))),
    },
    metrics: [
      ...draft.points,
      ...rest.flatMap(([name, value]) =>
        typeof value === 'number' ? [{ name, value, step: lastStep, timestamp: endedAt.getTime() }] : [],
      ),
    ],
  };
}

function readRecord(bytes: Uint8Array, draft: Draft): void {
  for (const [field, value] of fields(bytes)) {
    if (!(value instanceof Uint8Array)) continue;
    if (field === RECORD.history) readHistory(value, draft);
    else if (field === RECORD.summary) for (const [name, item] of items(value, 1)) draft.summary.set(name, item);
    else if (field === RECORD.config) readConfig(value, draft);
    else if (field === RECORD.run) readRun(value, draft);
    else if (field === RECORD.exit) draft.exitCode = 0;
    if (field === RECORD.exit) {
      for (const [inner, code] of fields(value)) if (inner === 1 && typeof code === 'number') draft.exitCode = code;
    }
  }
}

function readRun(bytes: Uint8Array, draft: Draft): void {
  for (const [field, value] of fields(bytes)) {
    if (!(value instanceof Uint8Array)) continue;
    const text = (): string => Buffer.from(value).toString('utf8');
    if (field === RUN.id) draft.id = text();
    else if (field === RUN.project) draft.project = text();
    else if (field === RUN.name) draft.name = text();
    else if (field === RUN.notes) draft.notes = text();
    else if (field === RUN.tags) draft.labels = [...new Set([...draft.labels, text()])];
    else if (field === RUN.config) readConfig(value, draft);
    else if (field === RUN.startTime) {
      for (const [inner, seconds] of fields(value)) {
        if (inner === 1 && typeof seconds === 'number') draft.startedAt = new Date(seconds * 1000);
      }
    }
  }
}

function readConfig(bytes: Uint8Array, draft: Draft): void {
  for (const [name, value] of items(bytes, 1)) if (!name.startsWith('_')) draft.config.set(name, value);
}

/** One call of `log`: numbers at a step. W&B's own entries (`_step`, `_timestamp`) say when. */
function readHistory(bytes: Uint8Array, draft: Draft): void {
  const logged = new Map(items(bytes, 1));
  let step = Number(logged.get('_step') ?? 0);
  for (const [field, value] of fields(bytes)) {
    if (field !== 2 || !(value instanceof Uint8Array)) continue;
    for (const [inner, number] of fields(value)) if (inner === 1 && typeof number === 'number') step = number;
  }
  const timestamp = Math.round(Number(logged.get('_timestamp') ?? 0) * 1000);
  for (const [name, value] of logged) {
    if (name.startsWith('_')) continue;
    for (const [key, number] of numbersIn(name, value))
      draft.points.push({ name: key, value: number, step, timestamp });
  }
}

function* numbersIn(name: string, value: unknown): Generator<[string, number]> {
  if (typeof value === 'number') yield [name, value];
  else if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') yield [name, Number(value)];
  else if (typeof value === 'object' && value !== null && !Array.isArray(value) && !('_type' in value)) {
    for (const [key, inner] of Object.entries(value)) yield* numbersIn(`${name}.${key}`, inner);
  }
}

/** A nested configuration as parameters with dots: `model.dropout`. */
function flat(name: string, value: unknown): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
  }
  // Configuration files wrap each value; the log does not.
  return Object.entries(value).flatMap(([key, inner]) => flat(`${name}.${key}`, inner));
}

/** Key and value of each item of a list of them: `{ key | nested_key, value_json }`. */
function* items(bytes: Uint8Array, list: number): Generator<[string, unknown]> {
  for (const [field, item] of fields(bytes)) {
    if (field !== list || !(item instanceof Uint8Array)) continue;
    let key = '';
    const nested: string[] = [];
    let json = 'null';
    for (const [inner, value] of fields(item)) {
      if (!(value instanceof Uint8Array)) continue;
      const text = Buffer.from(value).toString('utf8');
      if (inner === ITEM.key) key = text;
      else if (inner === ITEM.nestedKey) nested.push(text);
      else if (inner === ITEM.json) json = text;
    }
    yield [key === '' ? nested.join('.') : key, parsed(json)];
  }
}

/** JSON as Python writes it, where NaN and the infinities are bare words. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    const word = json.trim();
    return /^(NaN|-?Infinity)$/.test(word) ? Number(word) : json;
  }
}

/** The fields of a message: numbers of varints, bytes of everything with a length; others are passed over. */
function* fields(bytes: Uint8Array): Generator<[number, number | Uint8Array]> {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) yield [field, reader.bytes()];
    else if (type === WireType.Varint) yield [field, Number(reader.int64())];
    else reader.skip(type, field);
  }
}

async function logFile(path: string): Promise<string> {
  try {
    if ((await stat(path)).isFile()) return path;
    const found = (await readdir(path)).find((name) => name.endsWith('.wandb'));
    if (found !== undefined) return join(path, found);
  } catch (error) {
    throw unreadable(path, error);
  }
  throw unreadable(path);
}

function unreadable(path: string, cause?: unknown): BallastError {
  return new BallastError('There is no W&B run here', {
    code: 'IMPORT_UNREADABLE',
    place: path,
    remedy: 'Name the folder offline-run-... that wandb made with mode="offline".',
    ...(cause === undefined ? {} : { cause }),
  });
}
