import { type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import type { Examples } from '../preprocess/preprocessor.js';

/** Rows as points: row-major, `width` numbers each. */
export interface Points {
  readonly count: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** The nearest points, nearest first. */
interface Neighbours {
  readonly indices: Int32Array;
  /** Euclidean. */
  readonly distances: Float64Array;
}

/** Wider points are projected: distances in 64 random directions are within some 20 % (Johnson & Lindenstrauss 1984). */
const WIDEST = 64;

/** All encoded inputs of each row side by side, projected to at most 64 dimensions. */
export function pointsOf(examples: Examples): Points {
  const tensors = Object.values(examples.inputs);
  const width = tensors.reduce((sum, tensor) => sum + rowSize(tensor), 0);
  const values = new Float32Array(examples.rows * width);
  let offset = 0;
  for (const tensor of tensors) {
    const size = rowSize(tensor);
    for (let row = 0; row < examples.rows; row++) {
      for (let j = 0; j < size; j++) values[row * width + offset + j] = Number(tensor.data[row * size + j]);
    }
    offset += size;
  }
  const points = { count: examples.rows, width, values };
  return width <= WIDEST ? points : project(points, WIDEST);
}

function rowSize(tensor: Tensor<NumericArray>): number {
  return sizeOf(tensor.shape.slice(1));
}

/** Projection on random directions, scaled to keep distances on average. */
function project({ count, width, values }: Points, to: number): Points {
  const random = derive(1, 'projection', width);
  const directions = Float32Array.from({ length: width * to }, () => random.normal(0, 1 / Math.sqrt(to)));
  const projected = new Float32Array(count * to);
  for (let row = 0; row < count; row++) {
    for (let j = 0; j < width; j++) {
      const value = values[row * width + j];
      // One-hot features and bags of words are mostly 0.
      if (value !== 0) for (let d = 0; d < to; d++) projected[row * to + d] += value * directions[j * to + d];
    }
  }
  return { count, width: to, values: projected };
}

/**
 * The k nearest of the reference points to one point, by looking at all of them.
 *
 * @param skip a reference point that does not count (the point itself)
 */
export function nearest(points: Points, point: number, reference: Points, k: number, skip = -1): Neighbours {
  const { width } = points;
  const indices = new Int32Array(k).fill(-1);
  const squares = new Float64Array(k).fill(Number.POSITIVE_INFINITY);
  for (let other = 0; other < reference.count; other++) {
    if (other === skip) continue;
    let square = 0;
    for (let a = point * width, b = other * width, end = b + width; b < end && square < squares[k - 1]; a++, b++) {
      const difference = points.values[a] - reference.values[b];
      square += difference * difference;
    }
    if (square >= squares[k - 1]) continue;
    let place = k - 1;
    for (; place > 0 && squares[place - 1] > square; place--) {
      squares[place] = squares[place - 1];
      indices[place] = indices[place - 1];
    }
    squares[place] = square;
    indices[place] = other;
  }
  const found = Math.min(k, reference.count - (skip >= 0 ? 1 : 0));
  return { indices: indices.subarray(0, found), distances: squares.subarray(0, found).map(Math.sqrt) };
}
