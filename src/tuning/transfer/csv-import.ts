import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { BallastError } from '../../errors.js';
import type { NewMetricPoint } from '../../store/types.js';
import type { ForeignRun } from './imported-run.js';

/** Columns with a meaning of their own. */
const RUN = 'run';
const STEP = 'step';

/**
 * Runs from a CSV file: a column `run` names them; with a column `step` each row is a point in the life of its run,
 * without it each row is a run. Columns may be named `param.NAME`, `metric.NAME` and `tag.NAME`; of the others those of
 * numbers are metrics, the rest parameters.
 *
 * @throws BallastError `IMPORT_UNREADABLE`, `IMPORT_COLUMNS`, `IMPORT_ROW`
 */
export async function runsInCsv(path: string, experiment: string): Promise<ForeignRun[]> {
  const [header = [], ...rows] = parseCsv(await read(path));
  const [runAt, stepAt] = [header.indexOf(RUN), header.indexOf(STEP)];
  if (runAt < 0) {
    throw new BallastError('The table names no runs', {
      code: 'IMPORT_COLUMNS',
      place: path,
      value: header.join(', '),
      remedy: `Give it a column "${RUN}".`,
    });
  }
  const columns = header.map((name, at) =>
    columnOf(
      name,
      rows.map((row) => row[at] ?? ''),
    ),
  );
  const runs = new Map<string, Pick<Draft, 'params' | 'tags' | 'metrics'>>();
  for (const [i, row] of rows.entries()) {
    const line = `${path} line ${i + 2}`;
    if (row.length !== header.length) {
      throw new BallastError(`The row has ${row.length} cells, and the header ${header.length}`, {
        code: 'IMPORT_ROW',
        place: line,
        remedy: 'Quote cells that hold commas or line breaks.',
      });
    }
    const run = runs.get(row[runAt]) ?? { params: {}, tags: {}, metrics: [] };
    runs.set(row[runAt], run);
    const step = stepAt < 0 ? 0 : integer(row[stepAt], line);
    for (const [at, { kind, name }] of columns.entries()) {
      const text = row[at];
      if (at === runAt || at === stepAt || text === '') continue;
      if (kind === 'metric') run.metrics.push({ name, value: number(text, `${line} ${name}`), step });
      else run[kind === 'tag' ? 'tags' : 'params'][name] = text;
    }
  }
  const now = new Date();
  return [...runs].map(([name, { params, tags, metrics }]) => ({
    name,
    experiment,
    origin: `csv ${resolve(path)} ${name}`,
    startedAt: now,
    endedAt: now,
    status: 'finished',
    params,
    tags,
    metrics: metrics.map((point) => ({ ...point, timestamp: now.getTime() })),
  }));
}

interface Draft {
  readonly params: Record<string, string>;
  readonly tags: Record<string, string>;
  readonly metrics: NewMetricPoint[];
}

function columnOf(name: string, cells: readonly string[]): { kind: 'metric' | 'param' | 'tag'; name: string } {
  const [, kind, short] = /^(param|metric|tag)\.(.+)$/.exec(name) ?? [];
  if (short !== undefined) return { kind: kind as 'metric' | 'param' | 'tag', name: short };
  const isNumeric = cells.every((cell) => cell === '' || isNumber(cell)) && cells.some((cell) => cell !== '');
  return { kind: isNumeric ? 'metric' : 'param', name };
}

const isNumber = (text: string): boolean =>
  /^\s*(nan|[+-]?inf(inity)?)\s*$/i.test(text) || Number.isFinite(Number(text));

function number(text: string, place: string): number {
  const word = text.trim().toLowerCase();
  if (word === 'nan') return Number.NaN;
  if (/^[+-]?inf(inity)?$/.test(word))
    return word.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new BallastError('This is no number', {
    code: 'IMPORT_ROW',
    place,
    value: text,
    remedy: 'Name the column param.NAME.',
  });
}

function integer(text: string, place: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value)) return value;
  throw new BallastError('This is no step', { code: 'IMPORT_ROW', place, value: text, remedy: 'Give an integer.' });
}

/** Cells of a CSV text (RFC 4180): commas, quotes doubled within quotes, either line ending; empty lines passed over. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const found = cell.exec(text);
    if (found === null) {
      const line = text.slice(0, at).split('\n').length;
      throw new BallastError('A quote stands where it ends no cell', {
        code: 'IMPORT_ROW',
        place: `line ${line}`,
        remedy: 'Quote the whole cell, and double the quotes in it.',
      });
    }
    row.push(found[1]?.replaceAll('""', '"') ?? found[2]);
    if (found[3] === ',') {
      if (cell.lastIndex === text.length) row.push('');
      else continue;
    }
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push(row);
  return rows;
}

async function read(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).replace(/^\ufeff/, '');
  } catch (error) {
    throw new BallastError('The file cannot be read', {
      code: 'IMPORT_UNREADABLE',
      place: path,
      remedy: 'Check that it exists and that this user may read it.',
      cause: error,
    });
  }
}
