import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { BallastError } from '../../errors.js';
import type { Column, Table } from '../table.js';
import { corrupt } from './faults.js';
import { gunzipToBuffer } from './gunzip.js';
import type { NdArray } from './nd-array.js';
import { columnOf, tableOf } from './nd-columns.js';
import type { ReadRequest } from './read.js';
import { readWhole } from './whole-file.js';

/** Element types of the format by their code. */
const TYPES: Readonly<Record<number, { bytes: number; type: NdArray['type'] }>> = {
  8: { bytes: 1, type: 'uint8' },
  9: { bytes: 1, type: 'int8' },
  11: { bytes: 2, type: 'int16' },
  12: { bytes: 4, type: 'int32' },
  13: { bytes: 4, type: 'float32' },
  14: { bytes: 8, type: 'float64' },
};

/**
 * Reads idx files, the format of MNIST: `*-images-idx3-ubyte` gives the column `image` ([1, H, W]) and the file of the
 * same name with `labels-idx1` beside it the column `label`. A file that is not so named gives its own name as column.
 *
 * Format: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian 32-bit integer, data.
 */
export async function readIdx({ files, resolved, budget }: ReadRequest): Promise<Table> {
  const chosen = await withLabels(files);
  const columns: Column[] = [];
  for (const file of chosen) {
    const bytes = await contentOf(file, budget.left);
    budget.spend(bytes.length, file);
    columns.push(columnOf(columnName(file), parseIdx(bytes, file)));
  }
  const twice = columns.find(({ name }, index) => columns.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined) {
    throw new BallastError(`two files give the column ${twice.name}`, {
      code: 'DATA_DUPLICATE_COLUMN',
      place: resolved.source,
      remedy: 'Read one set of images and labels at a time.',
    });
  }
  return tableOf(columns, resolved.source);
}

/** Parses an idx file; the data's length must be what the header declares. */
export function parseIdx(bytes: Buffer, place: string): NdArray {
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0 || !Object.hasOwn(TYPES, bytes[2])) {
    throw corrupt(place, 'the file is not in idx format');
  }
  const { bytes: size, type } = TYPES[bytes[2]];
  const dimensions = bytes[3];
  const start = 4 + 4 * dimensions;
  if (dimensions === 0 || bytes.length < start) throw corrupt(place, 'the idx header is truncated');
  const shape = Array.from({ length: dimensions }, (_, axis) => bytes.readUInt32BE(4 + 4 * axis));
  const expected = shape.reduce((product, length) => product * length, size);
  if (bytes.length - start !== expected) {
    throw corrupt(
      place,
      `the header declares ${expected} bytes of data (${shape.join(' x ')}), ${bytes.length - start} follow`,
    );
  }
  return { type, shape, data: bytes.subarray(start), bigEndian: size > 1 };
}

/** A single images file brings the labels beside it. */
async function withLabels(files: readonly string[]): Promise<readonly string[]> {
  if (files.length !== 1 || !/images[-.]idx\d/.test(basename(files[0]))) return files;
  const [images] = files;
  const directory = images.slice(0, images.length - basename(images).length);
  const name = basename(images).replace(/images([-.])idx\d/, 'labels$1idx1');
  const plain = name.replace(/\.gz$/, '');
  for (const candidate of [name, plain, `${plain}.gz`]) {
    const exists = await stat(`${directory}${candidate}`).then(
      () => true,
      () => false,
    );
    if (exists) return [images, `${directory}${candidate}`];
  }
  return files;
}

function columnName(file: string): string {
  const name = basename(file).replace(/\.gz$/, '');
  if (/images[-.]idx\d/.test(name)) return 'image';
  if (/labels[-.]idx\d/.test(name)) return 'label';
  return name.replace(/[-.]idx\d.*$/, '');
}

function contentOf(file: string, limit: number): Promise<Buffer> {
  if (/\.gz$/i.test(file)) return gunzipToBuffer(file, limit);
  return readWhole(file, limit);
}
