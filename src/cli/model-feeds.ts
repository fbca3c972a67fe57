import { type Feeds, syntheticFeeds } from '../compression/measure/feeds.js';
import { BallastError } from '../errors.js';
import { readModelFile } from '../graph/format/file.js';
import type { ValueInfo } from '../graph/model.js';
import type { PortInfo } from '../graph/runtime/runtime.js';
import { readSubject } from './evaluate-file.js';
import type { FileOptions } from './file-options.js';

/** What says how a model is fed for a measurement. */
export interface FeedOptions extends FileOptions {
  batch: number;
  dim: string[];
}

/** The first rows of the data as a model takes them, or made-up ones. @throws BallastError BENCH_DIMENSION, MODEL_AMBIGUOUS */
export async function feedsOf(path: string, options: FeedOptions): Promise<Feeds> {
  const { data, batch, dim } = options;
  if (data !== undefined) {
    const { ports, table } = await readSubject(path, { ...options, data });
    const rows = ports.batch ?? Math.min(batch, table.rows);
    return ports.feed(
      table,
      Uint32Array.from({ length: rows }, (_, row) => row),
    );
  }
  const { graph } = await readModelFile(path);
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name)).map((input) => portOf(input, path));
  return syntheticFeeds(inputs, { batch, dimensions: new Map(dim.map(dimension)) });
}

function portOf({ name, type, shape, container }: ValueInfo, path: string): PortInfo {
  if (container === undefined && shape !== undefined) return { name, type, shape };
  throw new BallastError(`the input "${name}" is declared without a shape`, {
    code: 'BENCH_DIMENSION',
    place: path,
    remedy: 'Give real rows with --data',
  });
}

function dimension(text: string): [string, number] {
  const [, name, size] = /^(.+)=(\d+)$/.exec(text) ?? [];
  if (name !== undefined && Number(size) >= 1) return [name, Number(size)];
  throw new BallastError(`--dim ${text} does not say an extent`, {
    code: 'BENCH_DIMENSION',
    remedy: 'Write NAME=SIZE, or INPUT:AXIS=SIZE',
  });
}
