import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { BallastError } from '../errors.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { type CheckpointProgress, decodeProgress, encodeProgress, type Kept } from './checkpoint-progress.js';

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly progress: CheckpointProgress;
  /** Weights, optimizer state and running statistics by their names in the step graph. */
  readonly state: ReadonlyMap<string, Float32Array>;
  readonly kept: Kept;
}

const FORMAT = 'ballast-checkpoint-2';
/** Longest header that is read: names and offsets of some hundred thousand arrays. */
const MAX_HEADER_BYTES = 2 ** 27;

interface Header {
  __metadata__: { format: string; progress: string; sha256: string };
  [array: string]: ArrayEntry | Header['__metadata__'];
}

interface ArrayEntry {
  dtype: 'F32';
  shape: [number];
  data_offsets: [number, number];
}

/**
 * Writes a checkpoint in the safetensors layout (8-byte header length, JSON header, raw little-endian arrays), with a
 * SHA-256 of header and arrays in its metadata. The write is atomic: a kill at any moment leaves the old file or the new
 * one.
 *
 * @throws BallastError FILE_WRITE, kind 'environment'
 */
export async function writeCheckpoint(path: string, { progress, state, kept }: Checkpoint): Promise<void> {
  const { weights, ...place } = kept;
  const metadata = { format: FORMAT, progress: encodeProgress({ ...progress, kept: place }), sha256: '' };
  const header: Header = { __metadata__: metadata };
  const arrays: Uint8Array[] = [];
  let offset = 0;
  const add = (name: string, values: Float32Array): void => {
    const next = offset + values.byteLength;
    header[name] = { dtype: 'F32', shape: [values.length], data_offsets: [offset, next] };
    arrays.push(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
    offset = next;
  };
  for (const [name, values] of state) add(`state/${name}`, values);
  for (const [name, values] of weights) add(`kept/${name}`, values);
  const hash = hashOfHeader(header);
  for (const array of arrays) hash.update(array);
  metadata.sha256 = hash.digest('hex');
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFileAtomically(path, [length, json, ...arrays]);
}

/**
 * Reads a checkpoint. Nothing of it is used before its hash is found right.
 *
 * @throws BallastError CHECKPOINT_CORRUPT
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const file = await open(path, 'r');
  try {
    return await readFrom(file, path);
  } finally {
    await file.close();
  }
}

async function readFrom(file: FileHandle, path: string): Promise<Checkpoint> {
  const corrupt = (reason: string): BallastError =>
    new BallastError(`the checkpoint cannot be read: ${reason}`, {
      code: 'CHECKPOINT_CORRUPT',
      place: path,
      remedy: 'Start the run again',
    });
  const { size } = await file.stat();
  let position = 0;
  const read = async (bytes: Uint8Array): Promise<void> => {
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, done, Math.min(bytes.length - done, 2 ** 28), position);
      if (bytesRead === 0) throw corrupt('it is cut off');
      done += bytesRead;
      position += bytesRead;
    }
  };
  if (size < 8) throw corrupt('it is too short');
  const prefix = Buffer.alloc(8);
  await read(prefix);
  const headerLength = Number(prefix.readBigUInt64LE(0));
  if (headerLength > Math.min(size - 8, MAX_HEADER_BYTES)) throw corrupt('its header is cut off');
  const json = Buffer.alloc(headerLength);
  await read(json);
  const header = parseHeader(json.toString());
  if (header === undefined) throw corrupt('its header is not that of a checkpoint of this version');
  const { __metadata__: metadata, ...entries } = header;
  const dataLength = size - 8 - headerLength;
  let end = 0;
  for (const [name, { data_offsets: offsets }] of Object.entries(entries as Record<string, ArrayEntry>)) {
    // Arrays follow each other without gaps, so that together they cannot ask for more memory than the file is long.
    if (offsets[0] !== end || offsets[1] < end || offsets[1] > dataLength || (offsets[1] - end) % 4 !== 0) {
      throw corrupt(`the array ${name} is not where it should be`);
    }
    end = offsets[1];
  }
  if (end !== dataLength) throw corrupt('its length is not that of its arrays');
  const hash = hashOfHeader({ ...header, __metadata__: { ...metadata, sha256: '' } });
  const state = new Map<string, Float32Array>();
  const weights = new Map<string, Float32Array>();
  for (const [name, { data_offsets: offsets }] of Object.entries(entries as Record<string, ArrayEntry>)) {
    const values = new Float32Array((offsets[1] - offsets[0]) / 4);
    const bytes = new Uint8Array(values.buffer);
    await read(bytes);
    hash.update(bytes);
    const slash = name.indexOf('/');
    (name.startsWith('kept/') ? weights : state).set(name.slice(slash + 1), values);
  }
  if (hash.digest('hex') !== metadata.sha256) throw corrupt('its content is not what was written');
  const progress = decodeProgress(metadata.progress);
  if (progress === undefined) throw corrupt('its progress is not that of a checkpoint of this version');
  const { kept, ...rest } = progress;
  return { progress: rest, state, kept: { ...kept, weights } };
}

/** The hash of a header without its own hash; those of the arrays are to follow. */
function hashOfHeader(header: Header): Hash {
  return createHash('sha256').update(JSON.stringify(header));
}

function parseHeader(text: string): Header | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || !isRecord(value.__metadata__)) return undefined;
  const { __metadata__: metadata, ...entries } = value;
  const known =
    metadata.format === FORMAT && typeof metadata.progress === 'string' && typeof metadata.sha256 === 'string';
  const isEntry = (entry: unknown): boolean =>
    isRecord(entry) &&
    Array.isArray(entry.data_offsets) &&
    entry.data_offsets.length === 2 &&
    entry.data_offsets.every(Number.isSafeInteger);
  return known && Object.values(entries).every(isEntry) ? (value as unknown as Header) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
