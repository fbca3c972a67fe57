import type { GraphBuilder, Value } from '../../graph/builder.js';
import { int } from '../../graph/model.js';
import { float32, type Tensor, tensor } from '../../graph/tensor.js';

/** What is read outside of an image: its nearest pixel, its mirror image, or one tone a channel. */
export type Border = 'edge' | 'mirror' | Value;

const centred = (size: number): Float32Array => Float32Array.from({ length: size }, (_, i) => i - (size - 1) / 2);

/** A position outside of [0, size - 1], moved to where the border says. */
function inside(b: GraphBuilder, position: Value, size: number, border: Border): Value {
  const last = size - 1;
  if (border !== 'mirror') return b.clip(position, 0, last);
  // A triangle wave: right up to one image away from the image.
  return b.clip(b.sub(last, b.abs(b.sub(last, b.abs(position)))), 0, last);
}

/**
 * Rows of a resampling matrix [batch, size, size] that reads, for output pixel i, the source position
 * (i - centre) * zoom + centre + shift by linear interpolation. With a tone for a border, positions outside read zero.
 *
 * @param shift [batch, 1, 1], pixels
 * @param zoom [batch, 1, 1], 1 = none, negative = mirrored
 */
function resamplingMatrix(b: GraphBuilder, size: number, shift: Value, zoom: Value, border: Border): Value {
  const offsets = b.constant(float32([1, size, 1], centred(size)));
  const positions = b.constant(float32([1, 1, size], centred(size)));
  let source = b.add(b.mul(offsets, zoom), shift);
  if (typeof border === 'string') {
    const centre = (size - 1) / 2;
    source = b.sub(inside(b, b.add(source, centre), size, border), centre);
  }
  return b.relu(b.sub(1, b.abs(b.sub(positions, source))));
}

/** How one axis is read: pixel i comes from (i - centre) * zoom + centre + shift; [batch, 1, 1] each. */
export interface AxisMap {
  readonly shift: Value;
  readonly zoom: Value;
}

/** From this height on, rows are gathered instead of multiplied: the products grow with its cube. */
const TALL = 64;

/** Reads images along both axes: rows @ image @ columns', one pair of resampling matrices an image. */
export function resample(b: GraphBuilder, image: Value, down: AxisMap, right: AxisMap, border: Border): Value {
  const [, , height, width] = image.shape;
  const columns = b.unsqueeze(resamplingMatrix(b, width, right.shift, right.zoom, border), [1]);
  const source = typeof border === 'string' ? image : b.sub(image, border);
  const rows =
    height < TALL
      ? b.matMul(b.unsqueeze(resamplingMatrix(b, height, down.shift, down.zoom, border), [1]), source)
      : gatherRows(b, source, down, border);
  const read = b.batchMatMul(rows, columns, { transB: true });
  return typeof border === 'string' ? read : b.add(read, border);
}

/** What a product with {@link resamplingMatrix} gives: two whole rows of the image blended. */
function gatherRows(b: GraphBuilder, image: Value, { shift, zoom }: AxisMap, border: Border): Value {
  const [batch, channels, height, width] = image.shape;
  const offsets = b.constant(float32([1, height, 1], centred(height)));
  const wanted = b.add(b.add(b.mul(offsets, zoom), shift), (height - 1) / 2);
  const at = typeof border === 'string' ? inside(b, wanted, height, border) : b.clip(wanted, -1, height);
  const upper = b.op('Floor', [at]);
  const share = b.sub(at, upper);
  const starts = b.constant(
    tensor(
      'float32',
      [batch, channels, 1],
      Float32Array.from({ length: batch * channels }, (_, i) => i * height),
    ),
  );
  const row = (position: Value): Value => {
    const within = b.reshape(b.clip(position, 0, height - 1), [batch, 1, height]);
    const index = b.cast(b.reshape(b.add(within, starts), [batch * channels * height]), 'int32');
    return b.reshape(b.gather(b.reshape(image, [batch * channels * height, width]), index), image.shape);
  };
  // Weights of rows that are none: 0 outside of the image, where the border is a tone.
  const part = (weight: Value, position: Value): Value => {
    if (typeof border === 'string') return weight;
    const valid = b.and(b.greaterOrEqual(position, 0), b.less(position, height));
    return b.mul(weight, b.cast(valid, 'float32'));
  };
  const lower = b.add(upper, 1);
  const weighted = (position: Value, weight: Value): Value =>
    b.mul(row(position), b.reshape(part(weight, position), [batch, 1, height, 1]));
  return b.add(weighted(upper, b.sub(1, share)), weighted(lower, share));
}

/** An affine map of positions (x to the right, y down) about the centre of the image, [batch, 1, 1] each. */
export interface Affine {
  readonly xx: Value;
  readonly xy: Value;
  readonly yx: Value;
  readonly yy: Value;
  /** Pixels. */
  readonly x: Value;
  readonly y: Value;
}

/**
 * Images [batch, channels, height, width] read at
 *
 *     x' = xx (x - cx) + xy (y - cy) + cx + x0,   y' = yx (x - cx) + yy (y - cy) + cy + y0
 *
 * by bilinear interpolation. Four gathers a pixel; no gradient goes back to the images.
 */
export function sampleAffine(b: GraphBuilder, image: Value, map: Affine, border: Border): Value {
  return b.detached(() => {
    // A ring of the border's tone: beyond it positions are clipped, so that images fade into it.
    const ring = typeof border === 'string' ? 0 : 1;
    const source =
      typeof border === 'string' ? image : b.add(b.pad(b.sub(image, border), [0, 0, 1, 1, 0, 0, 1, 1]), border);
    const [, , height, width] = image.shape;
    const matrix = b.concat([b.concat([map.xx, map.xy, map.x], 2), b.concat([map.yx, map.yy, map.y], 2)], 1);
    const at = b.matMul(matrix, b.constant(pixelPositions(height, width)));
    const [x, y] = b.split(at, [1, 1], 1);
    const [px, py] = [b.add(x, (width - 1) / 2 + ring), b.add(y, (height - 1) / 2 + ring)];
    return b.reshape(sampleAt(b, source, px, py, border), image.shape);
  });
}

/** x, y (from the centre) and 1 of every pixel, [3, pixels]. */
function pixelPositions(height: number, width: number): Tensor {
  const [rows, columns] = [centred(height), centred(width)];
  const pixels = height * width;
  const data = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) {
    data[i] = columns[i % width];
    data[pixels + i] = rows[Math.floor(i / width)];
    data[2 * pixels + i] = 1;
  }
  return float32([3, pixels], data);
}

/** Bilinear interpolation at positions x, y [n, 1, pixels] of images [n, channels, height, width]: [n, channels, pixels]. */
function sampleAt(b: GraphBuilder, image: Value, x: Value, y: Value, border: Border): Value {
  const [n, channels, height, width] = image.shape;
  const [px, py] = [inside(b, x, width, border), inside(b, y, height, border)];
  const lower = (position: Value, size: number): Value => b.op('Floor', [b.minimum(position, Math.max(0, size - 2))]);
  const [left, top] = [lower(px, width), lower(py, height)];
  const [right, down] = [b.sub(px, left), b.sub(py, top)];
  const first = b.cast(b.add(b.mul(top, width), left), 'int32');
  const [stepX, stepY] = [width > 1 ? 1 : 0, height > 1 ? width : 0];
  const index = (offset: number): Value => (offset === 0 ? first : b.add(first, b.scalar(offset, 'int32')));
  const corners = [index(0), index(stepX), index(stepY), index(stepX + stepY)];
  const between = (a: Value, c: Value, share: Value): Value => b.add(a, b.mul(b.sub(c, a), share));
  const planes = b.split(
    b.reshape(image, [n, channels, height * width]),
    Array.from({ length: channels }, () => 1),
    1,
  );
  const read = planes.map((plane) => {
    const [a, c, d, e] = corners.map((corner) => b.op('GatherElements', [plane, corner], { axis: int(2) }));
    return between(between(a, c, right), between(d, e, right), down);
  });
  return b.concat(read, 1);
}
