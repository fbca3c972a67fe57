import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import { bytesOfModel } from '../compression/measure/bench.js';
import type { Subject } from '../compression/pipeline/subject.js';
import type { Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import { readModelFile } from '../graph/format/file.js';
import type { Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { CompressionOptions } from '../spec/compression-options.js';
import type { Run, Store } from '../store/types.js';
import { compressionSubject, type RowSource } from '../tuning/compression-subject.js';
import { primaryMetric } from '../tuning/judge.js';
import type { ModelPorts } from '../tuning/model-ports.js';
import { modelOfRun, otherRows, ownRows, specOfRun, unlockedRows } from '../tuning/run-rows.js';
import { detectorTarget } from './compress-detector.js';
import type { CompressOptions } from './compress-options.js';
import { readSubject } from './evaluate-file.js';
import { OF_FILES } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { localFolder } from './local-folder.js';
import { note } from './output.js';
import { storeExists, withStore } from './use-store.js';

/** What is compressed, and where what becomes of it belongs. */
export interface CompressTarget {
  readonly subject: Subject;
  /** Where the models go unless told otherwise. */
  readonly folder: string;
  /** The run that the model is of, in a store that is open. */
  readonly record: { readonly store: Store; readonly run: Run } | undefined;
  /** What the run's spec, or that of `--spec`, declares of its compression. */
  readonly declared: CompressionOptions | undefined;
}

/** Rows of each source, at most. */
const MOST_ROWS = 100_000;
const QUICK_ROWS = 5000;

/**
 * Reads what is to be compressed, a model file or a run's model, with its rows, and hands it over. Rows that are locked as
 * the holdout of the run's data set are never among them.
 */
export async function withCompressTarget(
  runtime: Runtime,
  reference: string,
  options: CompressOptions,
  command: Command,
  use: (target: CompressTarget) => Promise<void>,
): Promise<void> {
  const mostRows = options.quick === true ? QUICK_ROWS : MOST_ROWS;
  if (!reference.endsWith('.onnx')) {
    refuseGiven(command, [...OF_FILES, 'judge'], { reason: 'describes an .onnx file, and a run knows it already' });
    await withStore(options.store, { create: false }, async (store) => {
      const run = await store.findRun(reference);
      const { spec } = specOfRun(run);
      const { bytes, model, ports } = await modelOfRun(store, run);
      const subject = await compressionSubject(runtime, {
        model,
        ports,
        ...(await rowsOfRun(store, run, options.data)),
        primary: primaryMetric(spec),
        seed: spec.training.seed,
        source: { path: reference, bytes: bytes.length, sha256: digest(bytes) },
        mostRows,
      });
      const folder = join(localFolder(options.store), 'experiments', run.groupId ?? run.id, 'compressed');
      await use({ subject, folder, record: { store, run }, declared: spec.compression });
    });
    return;
  }
  const { data, task } = options;
  if (data === undefined) {
    throw new BallastError('without rows nobody can say what a compression loses', {
      code: 'COMPRESS_DATA',
      remedy: 'Add --data SOURCE with the right answers, or do one step: --method fp16 --out FILE',
    });
  }
  if (task === 'detection') {
    await use(await detectorTarget(runtime, reference, { ...options, data }, command));
    return;
  }
  // As it was read: where its preprocessing ends is told by names that tidying would lose.
  const model = await readModelFile(reference);
  await withRunOf(model, options.store, async (record) => {
    const read = async (source: string) => {
      const { ports, table, raw, setting } = await readSubject(reference, { ...options, task, data: source });
      const { roles } = setting;
      return { ports, setting, rows: { table, roles, rows: await free(record, { table, raw }, roles, source) } };
    };
    const first = await read(data);
    const second = options.judge === undefined ? undefined : await read(options.judge);
    const { ports, setting } = first;
    const subject = await compressionSubject(runtime, {
      model,
      ports,
      fit: first.rows,
      judge: second?.rows,
      primary: primaryOf(setting, ports),
      seed: setting.seed,
      source: {
        path: reference,
        bytes: await bytesOfModel(reference),
        sha256: digest(await readFile(reference)),
      },
      mostRows,
    });
    const folder = join(dirname(reference), `${basename(reference, '.onnx')}.compressed`);
    await use({ subject, folder, record, declared: setting.compression });
  });
}

/** The metric that a model is judged by: what its spec names, or the task's own. */
export function primaryOf(
  setting: { readonly primary?: string | undefined },
  { task }: Pick<ModelPorts, 'task'>,
): string {
  return setting.primary ?? (task === 'classification' ? 'accuracy' : 'rmse');
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A run's own training rows, judged on its validation rows; or rows of another source. */
async function rowsOfRun(
  store: Store,
  run: Run,
  data: string | undefined,
): Promise<{ fit: RowSource; judge?: RowSource }> {
  if (data === undefined) {
    return {
      fit: await ownRows(store, run, 'train', 'compress'),
      judge: await ownRows(store, run, 'validation', 'compress'),
    };
  }
  const { table, roles } = await otherRows(store, run, data);
  return { fit: { table, roles, rows: await unlockedRows(store, run, table, roles) } };
}

/** With the run that a model file says it is of, where this store knows it. */
async function withRunOf(
  { metadata }: Model,
  url: string,
  use: (record: CompressTarget['record']) => Promise<void>,
): Promise<void> {
  const id = metadata.get('ballast.run');
  if (id === undefined || !(await storeExists(url))) {
    await use(undefined);
    return;
  }
  await withStore(url, { create: false }, async (store) => {
    let run: Run | undefined;
    try {
      run = await store.findRun(id);
    } catch (error) {
      // Of another store: its rows are not locked here.
      if (!(error instanceof BallastError) || error.kind !== 'not-found') throw error;
    }
    await use(run === undefined ? undefined : { store, run });
  });
}

/** The rows of a source that are not locked. */
async function free(
  record: CompressTarget['record'],
  { table, raw }: { table: Table; raw: Table },
  roles: RowSource['roles'],
  source: string,
): Promise<Uint32Array> {
  const all = Uint32Array.from({ length: table.rows }, (_, row) => row);
  if (record === undefined || raw.rows !== table.rows) return all;
  const rows = await unlockedRows(record.store, record.run, raw, roles);
  if (rows.length < all.length) {
    note(`${all.length - rows.length} rows of ${source} are in the locked holdout and left alone`);
  }
  return rows;
}
