import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32 } from '../../graph/tensor.js';

/** A box of pixels of each image: rows from `top` and columns from `left`, whole numbers [batch, 1, 1, 1]. */
export interface Box {
  readonly top: Value;
  readonly left: Value;
  readonly height: Value;
  readonly width: Value;
}

/** Whether a pixel is in the box: [batch, 1, height, width]; what lies outside of the image is cut off. */
export function inBox(b: GraphBuilder, { top, left, height, width }: Box, [rows, columns]: readonly number[]): Value {
  const along = (size: number, shape: readonly number[], start: Value, extent: Value): Value => {
    const positions = b.constant(
      float32(
        shape,
        Float32Array.from({ length: size }, (_, i) => i),
      ),
    );
    return b.and(b.greaterOrEqual(positions, start), b.less(positions, b.add(start, extent)));
  };
  return b.and(along(rows, [1, 1, rows, 1], top, height), along(columns, [1, 1, 1, columns], left, width));
}

/**
 * Sides of a box of that share of the image's area and that ratio of height to width, whole pixels and at most the image.
 * Share and ratio are [batch, 1, 1, 1].
 */
export function boxSides(
  b: GraphBuilder,
  share: Value,
  ratio: Value,
  [rows, columns]: readonly number[],
): { height: Value; width: Value } {
  const side = (length: Value, most: number): Value => b.minimum(b.op('Round', [length]), most);
  const area = b.mul(share, rows * columns);
  return {
    height: side(b.sqrt(b.mul(area, ratio)), rows),
    width: side(b.sqrt(b.div(area, ratio)), columns),
  };
}
