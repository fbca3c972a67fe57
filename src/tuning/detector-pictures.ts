import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readTable } from '../data/read/read.js';
import { findColumn, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import type { TruthBox } from '../evaluation/units/detection.js';
import type { Shape } from './detector-ports.js';

const OBJECTS = z.object({
  images: z
    .array(
      z.object({ id: z.number(), file_name: z.string().min(1), width: z.number().gt(0), height: z.number().gt(0) }),
    )
    .min(1),
  annotations: z.array(
    z.object({
      image_id: z.number(),
      category_id: z.number(),
      bbox: z.tuple([z.number(), z.number(), z.number().min(0), z.number().min(0)]),
      area: z.number().optional(),
      iscrowd: z.number().optional(),
    }),
  ),
  categories: z.array(z.object({ id: z.number(), name: z.string() })).min(1),
});

type Objects = z.infer<typeof OBJECTS>;

/** Pictures of a COCO file, as a network takes them, with the objects on them. */
export interface DetectorPictures {
  /** One column, `image`: [channels, height, width], bytes. */
  readonly table: Table;
  readonly images: readonly number[];
  /** Pixels of each picture for one of the input, across and down. */
  readonly scales: readonly (readonly [number, number])[];
  readonly truth: readonly (readonly TruthBox[])[];
  /** Ascending by id: the order of a detector's classes. */
  readonly categories: readonly { readonly id: number; readonly name: string }[];
}

/** Reads COCO annotations: which categories there are is known before the pictures are read. @throws BallastError DETECTOR_DATA naming the place */
export async function readObjects(path: string): Promise<Objects> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw fault(path, missing ? 'there is no such file' : 'the file is not JSON', cause);
  }
  const parsed = OBJECTS.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fault(path, `${issue.path.join('.') || 'the file'}: ${issue.message}`);
  }
  const { images, annotations, categories } = parsed.data;
  const ids = new Set(images.map(({ id }) => id));
  const known = new Set(categories.map(({ id }) => id));
  if (ids.size < images.length) throw fault(path, 'two images have the same id');
  if (known.size < categories.length) throw fault(path, 'two categories have the same id');
  annotations.forEach(({ image_id, category_id }, i) => {
    if (!ids.has(image_id)) throw fault(path, `annotations.${i}: there is no image ${image_id}`);
    if (!known.has(category_id)) throw fault(path, `annotations.${i}: there is no category ${category_id}`);
  });
  return { ...parsed.data, categories: categories.toSorted((a, b) => a.id - b.id) };
}

/**
 * Reads pictures that a COCO file names, from the folder that the file is in, stretched to the size that a detector takes.
 *
 * @throws BallastError of reading images
 */
export async function readPictures(
  path: string,
  { images, annotations, categories }: Objects,
  [channels, height, width]: Shape,
): Promise<DetectorPictures> {
  const files = images.map(({ file_name }) => join(dirname(path), file_name));
  const read = await readTable(files, { format: 'images', image: { size: [height, width], channels } });
  const column = findColumn(read, 'image');
  if (column === undefined || read.rows !== images.length) throw fault(path, 'a picture is named twice or is a folder');
  const truth = new Map<number, TruthBox[]>(images.map(({ id }) => [id, []]));
  for (const { image_id, category_id, bbox, area, iscrowd } of annotations) {
    const box = { image: image_id, category: category_id, box: bbox, crowd: iscrowd === 1 };
    truth.get(image_id)!.push(area === undefined ? box : { ...box, area });
  }
  return {
    table: { rows: read.rows, columns: [column] },
    images: images.map(({ id }) => id),
    scales: images.map((image) => [image.width / width, image.height / height]),
    truth: images.map(({ id }) => truth.get(id)!),
    categories,
  };
}

function fault(path: string, message: string, cause?: unknown): BallastError {
  return new BallastError(message, {
    code: 'DETECTOR_DATA',
    place: path,
    remedy:
      'Give COCO annotations (images with file_name, width and height; annotations; categories) beside their pictures',
    cause,
  });
}
