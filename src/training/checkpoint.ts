import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BallastError } from '../errors.js';
import type { EpochRecord } from './events.js';
import type { PlateauState } from './schedules.js';

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  readonly progress: CheckpointProgress;
  /** Weights, optimizer state and running statistics by their names in the step graph. */
  readonly state: ReadonlyMap<string, Float32Array>;
  /** Weights of the best epoch so far, where something monitors. */
  readonly best: ReadonlyMap<string, Float32Array> | undefined;
}

export interface CheckpointProgress {
  readonly seed: number;
  /** Epochs completed. */
  readonly epoch: number;
  /** Batches of the next epoch already done. */
  readonly batch: number;
  /** Steps done in all. */
  readonly step: number;
  /** Sum of the losses of those batches, and seconds they took. */
  readonly lossSum: number;
  readonly seconds: number;
  readonly history: readonly EpochRecord[];
  readonly monitors: readonly Readonly<Record<string, number>>[];
  readonly plateau: PlateauState;
  readonly bestEpoch: number;
}

/**
 * Writes a checkpoint in the safetensors layout (8-byte header length, JSON header, raw little-endian arrays): to a
 * temporary name, synced, renamed, so that a kill at any moment leaves the old file or the new one.
 */
export async function writeCheckpoint(path: string, { progress, state, best }: Checkpoint): Promise<void> {
  const header: Record<string, unknown> = {
    __metadata__: { format: 'ballast-checkpoint-1', progress: encode(progress) },
  };
  const arrays: Float32Array[] = [];
  let offset = 0;
  const add = (name: string, values: Float32Array): void => {
    header[name] = { dtype: 'F32', shape: [values.length], data_offsets: [offset, offset + values.byteLength] };
    arrays.push(values);
    offset += values.byteLength;
  };
  for (const [name, values] of state) add(`state/${name}`, values);
  for (const [name, values] of best ?? []) add(`best/${name}`, values);
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const temporary = `${path}.${process.pid}.partial`;
  const file = await open(temporary, 'w');
  try {
    await file.writev([length, json, ...arrays.map((a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength))]);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Reads a checkpoint. @throws BallastError CHECKPOINT_CORRUPT */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readFile(path);
  const corrupt = (reason: string): BallastError =>
    new BallastError(`the checkpoint cannot be read: ${reason}`, {
      code: 'CHECKPOINT_CORRUPT',
      place: path,
      remedy: 'Start the run again',
    });
  if (bytes.length < 8) throw corrupt('it is too short');
  const headerLength = Number(bytes.readBigUInt64LE(0));
  if (headerLength > bytes.length - 8) throw corrupt('its header is cut off');
  let header: Record<string, { data_offsets?: [number, number]; format?: string; progress?: string }>;
  try {
    header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString());
  } catch {
    throw corrupt('its header is not JSON');
  }
  const metadata = header.__metadata__;
  if (metadata?.format !== 'ballast-checkpoint-1' || metadata.progress === undefined) {
    throw corrupt('it is not a checkpoint of this version');
  }
  const start = 8 + headerLength;
  const state = new Map<string, Float32Array>();
  const best = new Map<string, Float32Array>();
  for (const [name, { data_offsets }] of Object.entries(header)) {
    if (data_offsets === undefined) continue;
    const [from, to] = data_offsets;
    if (start + to > bytes.length || from > to) throw corrupt(`the array ${name} is cut off`);
    const values = new Float32Array((to - from) / 4);
    Buffer.from(values.buffer).set(bytes.subarray(start + from, start + to));
    const [kind, ...rest] = name.split('/');
    (kind === 'best' ? best : state).set(rest.join('/'), values);
  }
  return { progress: decode(metadata.progress), state, best: best.size === 0 ? undefined : best };
}

/** JSON that keeps NaN and infinities: metrics of a diverging epoch, the plateau's first best. */
function encode(progress: CheckpointProgress): string {
  return JSON.stringify(progress, (_key, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? { $number: String(value) } : value,
  );
}

function decode(text: string): CheckpointProgress {
  return JSON.parse(text, (_key, value) =>
    value !== null && typeof value === 'object' && '$number' in value ? Number(value.$number) : value,
  ) as CheckpointProgress;
}
