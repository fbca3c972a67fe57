import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import type { Random } from '../../../src/numeric/index.js';

/** A grey picture of one thing, bytes, with what it is. */
export interface Thing {
  readonly side: number;
  readonly pixels: Uint8Array;
  readonly class: number;
}

const GARMENTS = ['shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal', 'blouse', 'sneaker', 'bag', 'boot'];

/** Fashion-MNIST's test pictures. */
export function garments(datasets: string): Thing[] {
  const read = (part: string): Buffer =>
    gunzipSync(readFileSync(join(datasets, `fashion-mnist-t10k/t10k-${part}-ubyte.gz`)));
  const [images, labels] = [read('images-idx3'), read('labels-idx1')];
  return Array.from({ length: labels.readUInt32BE(4) }, (_, i) => ({
    ...{ side: 28, pixels: images.subarray(16 + i * 784, 16 + (i + 1) * 784), class: labels[8 + i] },
  }));
}

/** Pixels of a side of the pictures that a detector learns from, and of a camera's frame. */
export const SIDE = 64;
export const FRAME = 320;

type Box = [number, number, number, number];

/**
 * Writes pictures (PNG) with one to three things each, or some more on a larger one, of any size and tint before a ground of noise, and COCO annotations beside them.
 *
 * @returns the file of annotations
 */
export async function composePictures(
  folder: string,
  things: readonly Thing[],
  { count, random, side = SIDE }: { readonly count: number; readonly random: Random; readonly side?: number },
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const images: object[] = [];
  const annotations: { id: number; image_id: number; category_id: number; bbox: Box; area: number; iscrowd: 0 }[] = [];
  for (let id = 1; id <= count; id++) {
    const pixels = ground(random, side);
    const boxes: Box[] = [];
    const wanted = side / SIDE + Math.floor(((3 * side) / SIDE) * random.uniform());
    for (let tries = 0; boxes.length < wanted && tries < 20 * wanted; tries++) {
      const thing = things[Math.floor(things.length * random.uniform())];
      const box = put(pixels, thing, { random, taken: boxes, side });
      if (box === undefined) continue;
      boxes.push(box);
      const area = box[2] * box[3];
      annotations.push({
        id: annotations.length + 1,
        image_id: id,
        category_id: thing.class + 1,
        bbox: box,
        area,
        iscrowd: 0,
      });
    }
    const file_name = `${id}.png`;
    const raw = { width: side, height: side, channels: 3 } as const;
    await sharp(Buffer.from(pixels), { raw }).png({ compressionLevel: 1 }).toFile(join(folder, file_name));
    images.push({ id, file_name, width: side, height: side });
  }
  const file = join(folder, 'objects.json');
  const categories = GARMENTS.map((name, i) => ({ id: i + 1, name }));
  writeFileSync(file, JSON.stringify({ images, annotations, categories }));
  return file;
}

/** Noise around a colour. */
function ground(random: Random, side: number): Uint8ClampedArray {
  const colour = [0, 1, 2].map(() => 30 + 90 * random.uniform());
  const rough = 10 + 15 * random.uniform();
  return Uint8ClampedArray.from({ length: 3 * side * side }, (_, i) => colour[i % 3] + rough * random.normal());
}

/** Draws a thing where nothing is yet, and says where; undefined where there is no room. */
function put(
  pixels: Uint8ClampedArray,
  { side, pixels: own }: Thing,
  { random, taken, side: whole }: { readonly random: Random; readonly taken: readonly Box[]; readonly side: number },
): Box | undefined {
  const size = Math.round(18 + 14 * random.uniform());
  const [left, top] = [0, 1].map(() => Math.floor((whole - size) * random.uniform()));
  const meets = ([l, t, w, h]: Box): boolean => l < left + size && left < l + w && t < top + size && top < t + h;
  if (taken.some(meets)) return undefined;
  const tint = [0, 1, 2].map(() => 120 + 135 * random.uniform());
  let [x0, y0, x1, y1] = [size, size, -1, -1];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const value = own[Math.floor((y * side) / size) * side + Math.floor((x * side) / size)] / 255;
      if (value < 0.1) continue;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x), Math.max(y1, y)];
      for (let channel = 0; channel < 3; channel++) {
        const at = 3 * ((top + y) * whole + left + x) + channel;
        pixels[at] = pixels[at] * (1 - value) + tint[channel] * (0.35 + 0.65 * value) * value;
      }
    }
  }
  return x1 < 0 ? undefined : [left + x0, top + y0, x1 - x0 + 1, y1 - y0 + 1];
}
