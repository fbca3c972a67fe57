import { BallastError } from '../../errors.js';

/** Larger images than this on a side are not what a model is trained on. */
const MAXIMUM_SIDE = 16_384;

/** [height, width] of a size given as a side or as both. */
export function imageSize(size: number | readonly [number, number], place: string): [height: number, width: number] {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  for (const side of [height, width]) {
    if (!Number.isInteger(side) || side < 1 || side > MAXIMUM_SIDE) {
      throw new BallastError(`image.size must be of whole numbers from 1 to ${MAXIMUM_SIDE}`, {
        code: 'DATA_IMAGE_SIZE',
        place,
        value: size,
      });
    }
  }
  return [height, width];
}
