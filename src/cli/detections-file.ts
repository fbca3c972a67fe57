import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { BallastError } from '../errors.js';
import type { DetectionInput } from '../evaluation/units/detection.js';

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const TRUTH = z.object({
  images: z.array(z.object({ id: z.number() })),
  annotations: z.array(
    z.object({
      image_id: z.number(),
      category_id: z.number(),
      bbox: box,
      area: z.number().optional(),
      iscrowd: z.number().optional(),
    }),
  ),
});
const RESULTS = z.array(z.object({ image_id: z.number(), category_id: z.number(), bbox: box, score: z.number() }));

/** Larger files are refused rather than read whole. */
const MOST_BYTES = 2 ** 30;

/**
 * Objects and detections in COCO's two files: annotations (`images`, `annotations`) and results (a list).
 *
 * @throws BallastError DETECTIONS_FILE naming the file and the place in it
 */
export async function readDetections(results: string, annotations: string): Promise<DetectionInput> {
  const truth = await read(annotations, TRUTH);
  const detected = await read(results, RESULTS);
  return {
    images: truth.images.map(({ id }) => id),
    truth: truth.annotations.map(({ image_id, category_id, bbox, area, iscrowd }) => ({
      image: image_id,
      category: category_id,
      box: bbox,
      ...(area === undefined ? {} : { area }),
      crowd: iscrowd === 1,
    })),
    detected: detected.map(({ image_id, category_id, bbox, score }) => ({
      image: image_id,
      category: category_id,
      box: bbox,
      score,
    })),
  };
}

async function read<Schema extends z.ZodType>(path: string, schema: Schema): Promise<z.infer<Schema>> {
  const fault = (message: string, remedy: string, cause?: unknown): BallastError =>
    new BallastError(message, { code: 'DETECTIONS_FILE', place: path, remedy, cause });
  const size = await stat(path).then(
    (found) => found.size,
    (cause: unknown) => {
      throw fault('the file cannot be read', 'Check the path', cause);
    },
  );
  if (size > MOST_BYTES) throw fault(`the file has ${size} bytes, and ${MOST_BYTES} are read`, 'Evaluate parts of it');
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw fault('the file is not JSON', 'Give COCO annotations or results', cause);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw fault(
    `${issue.path.join('.') || 'the file'}: ${issue.message}`,
    'Give COCO annotations with --truth, and COCO results with --predictions',
  );
}
