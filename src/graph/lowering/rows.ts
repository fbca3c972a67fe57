import type { GraphBuilder, Value } from '../builder.js';

/**
 * Images with the channels last, as matrices [images * height * width, channels]: one matrix for each chunk of the
 * batch, small enough that a chunk stays in cache from one product to the next.
 */
export interface Rows {
  readonly chunks: readonly Value[];
  /** Images in each chunk. */
  readonly images: readonly number[];
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Splits a batch as evenly as whole images allow. */
export function chunkImages(batch: number, chunks: number): number[] {
  const least = Math.floor(batch / chunks);
  return Array.from({ length: chunks }, (_, i) => least + (i < batch % chunks ? 1 : 0));
}

/** [N, C, H, W] -> rows. */
export function toRows(b: GraphBuilder, x: Value, images: readonly number[]): Rows {
  const [batch, channels, height, width] = x.shape;
  const places = height * width;
  const last = channels === 1 || places === 1 ? x : b.transpose(x, [0, 2, 3, 1]);
  const all = b.reshape(last, [batch * places, channels]);
  return { chunks: splitRows(b, all, images, places), images, height, width, channels };
}

/** Rows -> [N, C, H, W]. */
export function fromRows(b: GraphBuilder, { chunks, images, height, width, channels }: Rows): Value {
  const batch = images.reduce((sum, count) => sum + count, 0);
  const all = b.concat(chunks, 0);
  if (height * width === 1) return b.reshape(all, [batch, channels, 1, 1]);
  return b.transpose(b.reshape(all, [batch, height, width, channels]), [0, 3, 1, 2]);
}

/** A matrix of `places` rows an image, by chunks. */
export function splitRows(b: GraphBuilder, all: Value, images: readonly number[], places: number): Value[] {
  if (images.length === 1) return [all];
  return b.split(
    all,
    images.map((count) => count * places),
    0,
  );
}
