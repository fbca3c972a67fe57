import { basename } from 'node:path';
import { BallastError } from '../../errors.js';
import type { Table } from '../table.js';
import { imageSize } from './image-size.js';
import type { ReadRequest } from './read.js';
import { encodeCategories } from './strings.js';
import { readWhole } from './whole-file.js';

/**
 * Reads JSON files of flat numbers, `{"data": [...]}` or `[...]`: each file is a class, called as the file, and each
 * run of channels * height * width numbers an image of it. `image.size` says which. Fractions 0-1 are scaled to bytes 0-255.
 */
export async function readJsonClasses({ files, resolved, options, budget }: ReadRequest): Promise<Table> {
  const place = resolved.source;
  if (options.image?.size === undefined) {
    throw new BallastError('JSON files of numbers do not say how large an image is', {
      code: 'DATA_IMAGE_SIZE',
      place,
      remedy: 'Set image.size. (JSON objects one a line are read from .jsonl.)',
    });
  }
  const [height, width] = imageSize(options.image.size, place);
  const channels = options.image.channels ?? 1;
  const pixels = channels * height * width;
  const classes: string[] = [];
  const parts: Float32Array[] = [];
  for (const file of files) {
    const numbers = numbersOf(await readWhole(file, budget.left), file);
    budget.spend(4 * numbers.length, file);
    if (numbers.length === 0 || numbers.length % pixels !== 0) {
      throw new BallastError(`${numbers.length} numbers are not a multiple of the ${pixels} of an image`, {
        code: 'DATA_IMAGE_SIZE',
        place: file,
        remedy: 'Check image.size and image.channels.',
      });
    }
    parts.push(numbers);
    const name = basename(file).replace(/\.json$/i, '');
    for (let image = 0; image < numbers.length / pixels; image++) classes.push(name);
  }
  const scale = parts.every(isFraction) ? 255 : 1;
  const exact = scale === 255 || parts.every(isByte);
  const data = exact ? new Uint8Array(classes.length * pixels) : new Float32Array(classes.length * pixels);
  let at = 0;
  for (const part of parts) for (const value of part) data[at++] = exact ? Math.round(scale * value) : value;
  return {
    rows: classes.length,
    columns: [
      { kind: 'array', name: 'image', content: 'image', shape: [channels, height, width], data },
      encodeCategories('label', classes),
    ],
  };
}

function isFraction(part: Float32Array): boolean {
  for (const value of part) if (!(value >= 0 && value <= 1)) return false;
  return true;
}

function isByte(part: Float32Array): boolean {
  for (const value of part) if (!(value >= 0 && value <= 255 && Number.isInteger(value))) return false;
  return true;
}

function numbersOf(bytes: Buffer, place: string): Float32Array {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new BallastError('the file is not JSON', { code: 'DATA_JSON', place, cause: error });
  }
  const values = Array.isArray(parsed) ? parsed : Object(parsed).data;
  if (!Array.isArray(values)) {
    throw new BallastError('the file does not hold {"data": [numbers]}', { code: 'DATA_JSON', place });
  }
  const numbers = new Float32Array(values.length);
  for (let index = 0; index < values.length; index++) {
    const value: unknown = values[index];
    if (typeof value !== 'number') {
      throw new BallastError(`element ${index} of data is not a number`, { code: 'DATA_JSON', place, value });
    }
    numbers[index] = value;
  }
  return numbers;
}
