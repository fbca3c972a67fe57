import { BallastError } from '../../errors.js';
import { findColumn, type Table } from '../table.js';
import { readAudio } from './audio.js';
import { Budget } from './budget.js';
import { readJsonLines, readParquet } from './columnar.js';
import { readDelimited } from './delimited.js';
import { chooseFormat } from './format.js';
import { readIdx } from './idx.js';
import { readImages } from './images.js';
import { readJsonClasses } from './json-classes.js';
import { readNpy, readNpz } from './npz.js';
import type { Format, ReadOptions } from './options.js';
import { Scratch } from './scratch.js';
import { type Resolved, resolveSource } from './source.js';
import { readSvmlight } from './svmlight.js';
import { readText } from './text.js';

const DOWNLOAD_SILENCE_MS = 30_000;

/** What a reader of one format is given. */
export interface ReadRequest {
  readonly files: readonly string[];
  readonly resolved: Resolved;
  readonly options: ReadOptions;
  readonly budget: Budget;
  readonly scratch: Scratch;
}

/**
 * Reads a source as a table.
 *
 * `source` is a path, a folder, a glob, an http(s):// URL, or `npm:<package>/<path>` (a data file of an installed
 * package); several tables of one layout are read as one. Formats by extension: .csv .tsv .jsonl (also .gz), .parquet,
 * .npz, .npy, svmlight, idx, .txt; folders of images, .wav or JSON arrays, whose sub-folders (or file names) are the classes.
 *
 * Errors: what is missing, malformed, truncated, of no known format or larger than `maxBytes` is a {@link BallastError}
 * of kind `input` or `not-found` (exit 2); a failing disk or network is `environment` (exit 3). Temporary files are
 * removed in either case.
 */
export async function readTable(source: string | readonly string[], options: ReadOptions = {}): Promise<Table> {
  const scratch = new Scratch();
  try {
    const budget = new Budget(options.maxBytes);
    const resolved = await resolveAll(typeof source === 'string' ? [source] : source, options, budget, scratch);
    const { format, files } = chooseFormat(resolved, options.format);
    const table = await read(format, { files, resolved, options, budget, scratch });
    requireTarget(table, options.target, resolved.source);
    return table;
  } finally {
    await scratch.remove();
  }
}

async function resolveAll(
  sources: readonly string[],
  options: ReadOptions,
  budget: Budget,
  scratch: Scratch,
): Promise<Resolved> {
  const limits = {
    baseDirectory: options.baseDirectory ?? process.cwd(),
    maxBytes: budget.limit,
    timeoutMs: options.timeoutMs ?? DOWNLOAD_SILENCE_MS,
    scratch,
  };
  const all: Resolved[] = [];
  for (const source of sources) all.push(await resolveSource(source, limits));
  const [first, ...rest] = all;
  if (first === undefined) throw new BallastError('no source is given', { code: 'DATA_SOURCE' });
  if (rest.length === 0) return first;
  return { files: all.flatMap(({ files }) => files), root: first.root, folder: false, source: sources.join(', ') };
}

/** Reads files of one format as a table. */
export function read(format: Format, request: ReadRequest): Promise<Table> {
  const { files, resolved, options, budget, scratch } = request;
  switch (format) {
    case 'csv':
    case 'tsv':
      return readDelimited(files, format === 'tsv', resolved.source, options, budget, scratch);
    case 'parquet':
      return readParquet(files, resolved.source, options, budget);
    case 'jsonl':
      return readJsonLines(files, resolved.source, options, budget, scratch);
    case 'idx':
      return readIdx(request);
    case 'npz':
      return readNpz(request);
    case 'npy':
      return readNpy(request);
    case 'svmlight':
      return readSvmlight(request);
    case 'json-classes':
      return readJsonClasses(request);
    case 'images':
      return readImages(request);
    case 'audio':
      return readAudio(request);
    case 'text':
      return readText(request);
    default:
      return format satisfies never;
  }
}

function requireTarget(table: Table, target: string | undefined, place: string): void {
  if (target === undefined || findColumn(table, target) !== undefined) return;
  const names = table.columns.map(({ name }) => name);
  const unnamed = names.every((name, index) => name === `column${index}`);
  throw new BallastError(`there is no column ${target}, the target`, {
    code: 'DATA_TARGET_MISSING',
    place,
    remedy: `The columns are ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', ...' : ''}.${
      unnamed ? ' The file does not name them: list their names in data.header.' : ''
    }`,
  });
}
