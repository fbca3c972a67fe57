import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { BallastError } from '../../errors.js';
import type { Model } from '../model.js';
import type { Tensor } from '../tensor.js';
import { writeFileAtomically, writeNamedAfterwards } from './atomic-file.js';
import { type ReadOptions, readModel } from './decode.js';
import { encodeModel, initializerBytes } from './encode.js';
import { modelFault } from './fault.js';
import { MAX_MESSAGE_BYTES } from './limits.js';
import { allGraphs } from './subgraphs.js';
import { bytesOf, type ExternalRegion } from './tensor-proto.js';
import { validate } from './validate.js';

/** Initializers below this many bytes stay in the model file when `auto` puts the others outside. */
const AUTO_THRESHOLD = 1024;

/** Room that `auto` leaves for everything but the numeric initializers. */
const AUTO_SPARE = 2 ** 26;

/** Large tensors start at multiples of the coarsest page size (Windows), small ones at cache lines, for memory maps. */
const ALIGNMENT = { large: 65_536, small: 64, largeFrom: 2 ** 20 } as const;

export interface WriteOptions {
  /**
   * Which initializers go into a data file beside the model: `auto` (default) those of 1 kB and more, if the model
   * would not fit the 2 GB of one file; a number, those of at least so many bytes.
   */
  readonly externalData?: 'auto' | number;
}

/** Most bytes hashed at once: the limit of the hash function's interface is 2 GB. */
const HASH_BYTES = 2 ** 28;

/** What {@link writeModelFile} wrote. */
export interface WrittenModel {
  /** The model file, then its data file if it has one. */
  readonly files: readonly string[];
}

/**
 * Reads a model file; see {@link readModel}. External data is read from the file's directory unless another is given.
 *
 * @throws BallastError MODEL_NOT_FOUND, MODEL_READ (kind 'environment'), and those of {@link readModel}
 */
export async function readModelFile(path: string, options: ReadOptions = {}): Promise<Model> {
  const bytes = await readBytes(path);
  try {
    return readModel(bytes, { externalData: dirname(path), ...options });
  } catch (error) {
    throw error instanceof BallastError ? inFile(path, error) : error;
  }
}

/** The same error, placed in a file. */
function inFile(path: string, error: BallastError): BallastError {
  const { message, code, kind, value, remedy, cause } = error;
  return new BallastError(message, {
    code,
    kind,
    place: error.place === undefined ? path : `${path}: ${error.place}`,
    ...(value === undefined ? {} : { value }),
    ...(remedy === undefined ? {} : { remedy }),
    ...(cause === undefined ? {} : { cause }),
  });
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_MESSAGE_BYTES) {
      throw modelFault('MODEL_TOO_LARGE', path, `an ONNX file holds at most 2 GB, and this one has ${size} bytes`);
    }
    return await readFile(path);
  } catch (cause) {
    if (cause instanceof BallastError) throw cause;
    const missing = cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');
    if (missing)
      throw new BallastError('there is no such model file', {
        code: 'MODEL_NOT_FOUND',
        kind: 'not-found',
        place: path,
        remedy: 'Give the path of an .onnx file; ballast train says where it wrote that of a run.',
        cause,
      });
    throw new BallastError('the model file cannot be read', {
      code: 'MODEL_READ',
      kind: 'environment',
      place: path,
      remedy: 'Check that it is a file and may be read.',
      cause,
    });
  }
}

/**
 * Writes a model file atomically; see {@link writeModel}. External data goes, first, into `NAME.HASH.data` beside it,
 * named by its content: so an older model at the same path keeps its own data until the new one takes its place, and
 * is whole at every moment. Data files of models that were replaced are left for the caller to remove.
 *
 * @throws BallastError as {@link writeModel} does, and FILE_WRITE (kind 'environment')
 */
export async function writeModelFile(model: Model, path: string, options: WriteOptions = {}): Promise<WrittenModel> {
  validate(model);
  const threshold = thresholdOf(model, options.externalData ?? 'auto');
  const layout = layOut(model, threshold);
  if (layout.length === 0) {
    await writeFileAtomically(path, [encodeModel(model, () => undefined)]);
    return { files: [path] };
  }
  const data = await writeData(layout, path);
  const regions = new Map<Tensor['data'], ExternalRegion>();
  for (const { tensor, offset } of layout) {
    regions.set(tensor.data, { location: basename(data.path), offset, length: bytesOf(tensor).length });
  }
  try {
    await writeFileAtomically(path, [encodeModel(model, (tensor) => regions.get(tensor.data))]);
  } catch (error) {
    // No model refers to it, unless one with the same content was there before.
    if (data.isNew) await rm(data.path, { force: true });
    throw error;
  }
  return { files: [path, data.path] };
}

function thresholdOf(model: Model, choice: 'auto' | number): number {
  if (choice !== 'auto') return Math.max(1, choice);
  return initializerBytes(model, () => undefined) > MAX_MESSAGE_BYTES - AUTO_SPARE ? AUTO_THRESHOLD : Infinity;
}

interface Placed {
  readonly tensor: Tensor;
  readonly offset: number;
}

/** Offsets of the initializers that go outside; data that several share is stored once. */
function layOut(model: Model, threshold: number): Placed[] {
  const placed = new Map<Tensor['data'], Placed>();
  let end = 0;
  for (const graph of allGraphs(model.graph)) {
    for (const tensor of graph.initializers.values()) {
      if (tensor.type === 'string' || placed.has(tensor.data)) continue;
      const { length } = bytesOf(tensor);
      if (length < threshold) continue;
      const alignment = length >= ALIGNMENT.largeFrom ? ALIGNMENT.large : ALIGNMENT.small;
      const offset = Math.ceil(end / alignment) * alignment;
      placed.set(tensor.data, { tensor, offset });
      end = offset + length;
    }
  }
  return [...placed.values()];
}

/** Writes the data file, named by its content. */
async function writeData(
  layout: readonly Placed[],
  modelPath: string,
): Promise<{ readonly path: string; readonly isNew: boolean }> {
  const hash = createHash('sha256');
  function* chunks(): Generator<Uint8Array> {
    let end = 0;
    for (const { tensor, offset } of layout) {
      const bytes = bytesOf(tensor);
      yield new Uint8Array(offset - end);
      for (let start = 0; start < bytes.length; start += HASH_BYTES) yield bytes.subarray(start, start + HASH_BYTES);
      end = offset + bytes.length;
    }
  }
  function* hashed(): Generator<Uint8Array> {
    for (const chunk of chunks()) {
      hash.update(chunk);
      yield chunk;
    }
  }
  const directory = dirname(modelPath);
  const stem = basename(modelPath, extname(modelPath));
  let isNew = true;
  const path = await writeNamedAfterwards(directory, hashed(), () => {
    const named = join(directory, `${stem}.${hash.digest('hex').slice(0, 16)}.data`);
    isNew = !existsSync(named);
    return named;
  });
  return { path, isNew };
}
