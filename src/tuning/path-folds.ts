import { createHash, type Hash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Runtime } from '../graph/runtime/runtime.js';
import { scoresOfFold } from '../paths/cross-validate.js';
import { openFoldPool } from '../paths/parallel/fold-pool.js';
import type { FoldRunner, FoldScores, FoldTask } from '../paths/parallel/fold-runner.js';
import type { PathData } from '../paths/problem.js';

/** Values, times folds, from which on threads are worth their start. */
const WORTH_THREADS = 2e7;

/**
 * Folds that are fitted at once unless told otherwise: one for each processor, and one for small data; one too where the
 * time goes into products of all columns, which ONNX Runtime makes on all processors at once.
 */
export function defaultWorkers({ features: { rows, columns } }: PathData, quadratic: boolean, folds: number): number {
  const byProducts = quadratic && 2 * columns <= rows;
  return byProducts || rows * columns * folds < WORTH_THREADS ? 1 : Math.min(folds, availableParallelism());
}

export interface KeptFolds extends FoldRunner {
  /** Folds that an interrupted command had done, and folds that this one has done. */
  readonly counts: { found: number; done: number };
  /** Forgets the folds: what they were for is recorded. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

const scoresSchema = z.object({
  deviances: z.array(z.array(z.number())),
  concordance: z.array(z.number().nullable()).optional(),
});

/**
 * Fits folds, each kept as a file until all is done: a command that was interrupted finds them when it is run again. The
 * name of a file is a hash of all that the fold depends on, its data and this version among them.
 *
 * @param workers folds at once; one is fitted in this thread, several in threads of their own
 */
export function keptFolds(
  folder: string,
  { workers, runtime, version }: { readonly workers: number; readonly runtime: Runtime; readonly version: string },
): KeptFolds {
  const pool = workers > 1 ? openFoldPool(workers) : undefined;
  const run: FoldRunner['run'] =
    pool?.run ?? ((task, control): Promise<FoldScores> => scoresOfFold(task, { ...control, runtime }));
  const counts = { found: 0, done: 0 };
  const used: string[] = [];
  return {
    slots: workers,
    counts,
    async run(task, control) {
      const file = join(folder, `${keyOf(task, version)}.json`);
      const found = await read(file);
      used.push(file);
      if (found !== undefined) {
        counts.found++;
        const models = task.options.lambdas?.length ?? 0;
        control.onProgress?.(models, models);
        return found;
      }
      const scores = await run(task, control);
      await write(folder, file, scores);
      counts.done++;
      return scores;
    },
    async clear() {
      await Promise.all(used.map((file) => rm(file, { force: true })));
    },
    async close() {
      await pool?.close();
    },
  };
}

async function read(file: string): Promise<FoldScores | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return scoresSchema.parse(JSON.parse(text));
}

async function write(folder: string, file: string, scores: FoldScores): Promise<void> {
  await mkdir(folder, { recursive: true });
  const part = `${file}.${process.pid}`;
  await writeFile(part, JSON.stringify(scores));
  await rename(part, file);
}

const DIGESTS = new WeakMap<PathData, string>();

function keyOf({ data, fold, shares, options }: FoldTask, version: string): string {
  const hash = createHash('sha256').update(version).update(digestOf(data));
  addTo(hash, { fold, shares, options });
  return hash.digest('hex').slice(0, 40);
}

function digestOf(data: PathData): string {
  const known = DIGESTS.get(data);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  addTo(hash, data);
  const digest = hash.digest('hex');
  DIGESTS.set(data, digest);
  return digest;
}

/** Names and values of a tree of plain objects, arrays of numbers by their bytes. */
function addTo(hash: Hash, value: unknown): void {
  if (ArrayBuffer.isView(value)) {
    hash.update(`${value.constructor.name} ${value.byteLength} `);
    hash.update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  } else if (value !== null && typeof value === 'object') {
    for (const [name, inner] of Object.entries(value)) {
      if (inner === undefined) continue;
      hash.update(`${name}: `);
      addTo(hash, inner);
    }
    hash.update('; ');
  } else hash.update(`${String(value)}, `);
}
