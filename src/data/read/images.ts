import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import { BallastError } from '../../errors.js';
import type { Table } from '../table.js';
import { fileFault, systemCode } from './faults.js';
import { fileColumns } from './file-labels.js';
import { imageSize } from './image-size.js';
import type { ReadRequest } from './read.js';

/** Pixels of an image file that are still decoded: more is taken for a decompression bomb. */
const MAXIMUM_PIXELS = 268_402_689;

interface Shape {
  readonly channels: 1 | 3;
  readonly height: number;
  readonly width: number;
}

/**
 * Reads PNG, JPEG and WebP files as the column `image` ([channels, height, width], bytes), turned upright as their EXIF
 * says, converted to grey or sRGB without transparency, and resized to one size (Lanczos; sides are not kept in
 * proportion). Labels: see {@link fileColumns}.
 */
export async function readImages({ files, resolved, options, budget }: ReadRequest): Promise<Table> {
  const place = resolved.source;
  const skip = options.image?.unreadable === 'skip';
  const shape = await shapeOf(files, options.image ?? {}, place, skip);
  const pixels = shape.channels * shape.height * shape.width;
  budget.spend(pixels * files.length, place);
  const data = new Uint8Array(pixels * files.length);
  const unreadable = new Set<number>();
  await inParallel(files.length, async (index) => {
    try {
      data.set(await decode(files[index], shape), index * pixels);
    } catch (error) {
      const fault = imageFault(error, files[index]);
      if (!skip || fault.code !== 'DATA_IMAGE_UNREADABLE') throw fault;
      unreadable.add(index);
    }
  });
  const kept = files.filter((_, index) => !unreadable.has(index));
  if (unreadable.size > 0) {
    const message = `${unreadable.size} of ${files.length} images cannot be decoded and were left out`;
    options.notice?.({ code: 'IMAGES_SKIPPED', message, count: unreadable.size });
    if (kept.length === 0) throw new BallastError('no image can be decoded', { code: 'DATA_EMPTY', place });
  }
  const columns = fileColumns(kept, resolved.root, options.files ?? {}, place);
  return {
    rows: kept.length,
    columns: [
      {
        kind: 'array',
        name: 'image',
        content: 'image',
        shape: [shape.channels, shape.height, shape.width],
        data: unreadable.size === 0 ? data : compact(data, pixels, unreadable),
      },
      ...columns,
    ],
  };
}

async function shapeOf(
  files: readonly string[],
  options: NonNullable<ReadRequest['options']['image']>,
  place: string,
  skip: boolean,
): Promise<Shape> {
  const given = options.size === undefined ? undefined : imageSize(options.size, place);
  if (given !== undefined && options.channels !== undefined) {
    return { channels: options.channels, height: given[0], width: given[1] };
  }
  for (const file of files) {
    try {
      const { autoOrient, space } = await sharp(file, { limitInputPixels: MAXIMUM_PIXELS }).metadata();
      const [height, width] = given ?? imageSize([autoOrient.height, autoOrient.width], file);
      const grey = space === 'b-w' || space === 'grey16';
      return { channels: options.channels ?? (grey ? 1 : 3), height, width };
    } catch (error) {
      const fault = imageFault(error, file);
      if (!skip || fault.code !== 'DATA_IMAGE_UNREADABLE') throw fault;
    }
  }
  throw new BallastError('no image can be decoded', { code: 'DATA_EMPTY', place });
}

/** Bytes of one image, channel by channel. */
async function decode(file: string, { channels, height, width }: Shape): Promise<Uint8Array> {
  const { data, info } = await sharp(file, { failOn: 'error', limitInputPixels: MAXIMUM_PIXELS })
    .autoOrient()
    .resize(width, height, { fit: 'fill' })
    .removeAlpha()
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const pixels = height * width;
  if (info.channels === channels && channels === 1) return data;
  const planes = new Uint8Array(channels * pixels);
  for (let channel = 0; channel < channels; channel++) {
    // A grey file read as colour has one channel that stands for all three.
    const from = Math.min(channel, info.channels - 1);
    for (let pixel = 0; pixel < pixels; pixel++) {
      planes[channel * pixels + pixel] = data[pixel * info.channels + from];
    }
  }
  return planes;
}

function imageFault(error: unknown, file: string): BallastError {
  if (error instanceof BallastError || systemCode(error) !== undefined) return fileFault(error, file);
  const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return new BallastError(`the image cannot be decoded: ${reason}`, {
    code: 'DATA_IMAGE_UNREADABLE',
    place: file,
    remedy: "Mend or remove it, or set image.unreadable: 'skip'.",
    cause: error,
  });
}

/** Runs a task for each index, as many at a time as there are processors; the first failure ends it. */
async function inParallel(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < count && !failed) {
      try {
        await task(next++);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, availableParallelism()) }, worker));
}

function compact(data: Uint8Array, size: number, without: ReadonlySet<number>): Uint8Array {
  let rows = 0;
  for (let row = 0; row * size < data.length; row++) {
    if (!without.has(row)) data.copyWithin(rows++ * size, row * size, (row + 1) * size);
  }
  return data.slice(0, rows * size);
}
