import { createReadStream, createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { BallastError } from '../../errors.js';
import { tooLarge } from './budget.js';
import { corrupt, fileFault } from './faults.js';
import type { Scratch } from './scratch.js';

/** A transform that lets so many bytes through and no more. */
export function limitBytes(limit: number, place: string): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > limit) done(tooLarge(place, Number.POSITIVE_INFINITY, limit));
      else done(null, chunk);
    },
  });
}

/**
 * Decompresses a gzip file into a temporary one and returns its path. The checksum is verified to the end, so that a
 * truncated file is an error and not a shorter table.
 */
export async function gunzipToFile(path: string, scratch: Scratch, limit: number): Promise<string> {
  const target = await scratch.path(basename(path).replace(/\.gz$/i, ''));
  try {
    await pipeline(createReadStream(path), createGunzip(), limitBytes(limit, path), createWriteStream(target));
  } catch (error) {
    throw gzipFault(error, path);
  }
  return target;
}

/** Decompresses a gzip file in memory. */
export async function gunzipToBuffer(path: string, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  try {
    await pipeline(createReadStream(path), createGunzip(), limitBytes(limit, path), async (chunks) => {
      for await (const chunk of chunks) parts.push(chunk as Buffer);
    });
  } catch (error) {
    throw gzipFault(error, path);
  }
  return Buffer.concat(parts);
}

function gzipFault(error: unknown, path: string): BallastError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'Z_BUF_ERROR') return corrupt(path, 'the gzip file is truncated');
  if (code === 'Z_DATA_ERROR') return corrupt(path, 'the file is not gzip, or its content is damaged');
  return fileFault(error, path);
}
