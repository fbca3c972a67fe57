import { stat } from 'node:fs/promises';
import type { Table } from '../table.js';
import { Budget } from './budget.js';
import { jsonLinesAsParquet } from './columnar.js';
import { delimitedAsParquet } from './delimited-parquet.js';
import { fileFault } from './faults.js';
import { chooseFormat } from './format.js';
import { type ParquetSummary, summarizeParquet } from './parquet-summary.js';
import { read } from './read.js';
import { Scratch } from './scratch.js';
import { resolveSource } from './source.js';

export interface LargeOptions {
  readonly baseDirectory: string;
  /** Bytes of text, or of Parquet, beyond which a source is not held in memory. */
  readonly heldBytes: number;
  /** Rows of the sample of a source that is not. */
  readonly sampleRows: number;
  readonly seed: number;
  /** Told what is under way. */
  readonly tell?: (line: string) => void;
}

/** Compressed text is some times as large. */
const GZIP_RATIO = 5;
const TIMEOUT_MS = 30_000;

/**
 * Reads a source as a table where it is small; CSV, TSV, JSON lines and Parquet of any size otherwise as a summary, in memory that does not grow
 * with the rows. Other formats are read as tables whatever their size.
 *
 * @throws BallastError as reading a table does
 */
export async function readLarge(
  source: string,
  { baseDirectory, heldBytes, sampleRows, seed, tell }: LargeOptions,
): Promise<{ readonly table: Table } | { readonly summary: ParquetSummary }> {
  const scratch = new Scratch();
  try {
    const limits = { baseDirectory, maxBytes: Number.POSITIVE_INFINITY, timeoutMs: TIMEOUT_MS, scratch };
    const resolved = await resolveSource(source, limits);
    const { format, files } = chooseFormat(resolved, undefined);
    const isText = format === 'csv' || format === 'tsv' || format === 'jsonl';
    if (!(isText || format === 'parquet') || (await bytesOf(files)) <= heldBytes) {
      return {
        table: await read(format, { files, resolved, options: { baseDirectory }, budget: new Budget(), scratch }),
      };
    }
    if (isText) tell?.(`${source}: read once, into a temporary file of its columns`);
    const parquet =
      format === 'parquet'
        ? files
        : [
            format === 'jsonl'
              ? await jsonLinesAsParquet(files, source, scratch)
              : await delimitedAsParquet(files, format === 'tsv', source, scratch),
          ];
    return {
      summary: await summarizeParquet(parquet, source, { sampleRows, seed, ...(tell === undefined ? {} : { tell }) }),
    };
  } finally {
    await scratch.remove();
  }
}

async function bytesOf(files: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    const { size } = await stat(file).catch((error: unknown) => {
      throw fileFault(error, file);
    });
    bytes += /\.gz$/i.test(file) ? GZIP_RATIO * size : size;
  }
  return bytes;
}
