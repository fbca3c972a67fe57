import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32, type Tensor, tensor } from '../../graph/tensor.js';

/**
 * Values at 0 .. length - 1 of the cubic splines (not-a-knot, as SciPy's CubicSpline) through evenly spaced knots, for
 * knot values that are 1 at one knot and 0 at the others: a spline is linear in its knot values, so that every curve is a
 * product with this matrix.
 *
 * @param knots 4 or more, the first at 0 and the last at length - 1
 * @returns [knots, length]
 */
function splineMatrix(knots: number, length: number): Tensor<Float32Array> {
  const seconds = secondDerivatives(knots);
  const step = Math.max(1, length - 1) / (knots - 1);
  const matrix = new Float32Array(knots * length);
  for (let position = 0; position < length; position++) {
    const segment = Math.min(knots - 2, Math.floor(position / step));
    const right = position / step - segment;
    const left = 1 - right;
    for (let knot = 0; knot < knots; knot++) {
      const value = (at: number): number => (at === knot ? 1 : 0);
      // s(u) = left y_i + right y_{i+1} + ((left^3 - left) m_i + (right^3 - right) m_{i+1}) / 6, knots one apart.
      const curved = (left ** 3 - left) * seconds[segment][knot] + (right ** 3 - right) * seconds[segment + 1][knot];
      matrix[knot * length + position] = left * value(segment) + right * value(segment + 1) + curved / 6;
    }
  }
  return float32([knots, length], matrix);
}

/** Second derivatives at knots that are one apart, by knot value: the solution of the spline's own equations. */
function secondDerivatives(knots: number): number[][] {
  // m_{i-1} + 4 m_i + m_{i+1} = 6 (y_{i-1} - 2 y_i + y_{i+1}); at both ends the third derivative goes on (not-a-knot).
  const rows = Array.from({ length: knots }, (_, i) => {
    const left = new Array<number>(knots).fill(0);
    const right = new Array<number>(knots).fill(0);
    if (i === 0) [left[0], left[1], left[2]] = [1, -2, 1];
    else if (i === knots - 1) [left[i], left[i - 1], left[i - 2]] = [1, -2, 1];
    else {
      [left[i - 1], left[i], left[i + 1]] = [1, 4, 1];
      [right[i - 1], right[i], right[i + 1]] = [6, -12, 6];
    }
    return [...left, ...right];
  });
  for (let pivot = 0; pivot < knots; pivot++) {
    const best = rows
      .slice(pivot)
      .reduce((at, row, i) => (Math.abs(row[pivot]) > Math.abs(rows[at][pivot]) ? pivot + i : at), pivot);
    [rows[pivot], rows[best]] = [rows[best], rows[pivot]];
    const scale = rows[pivot][pivot];
    rows[pivot] = rows[pivot].map((value) => value / scale);
    rows.forEach((row, i) => {
      if (i === pivot || row[pivot] === 0) return;
      const factor = row[pivot];
      rows[i] = row.map((value, column) => value - factor * rows[pivot][column]);
    });
  }
  return rows.map((row) => row.slice(knots));
}

/** Smooth curves [..., length] through knot values [..., knots]. */
export function curvesThrough(b: GraphBuilder, knotValues: Value, length: number): Value {
  return b.matMul(knotValues, b.constant(splineMatrix(knotValues.shape[knotValues.shape.length - 1], length)));
}

/**
 * Positions [rows, length] of a clock that runs at speeds [rows, length]: the running sum of the speeds, moved and scaled so
 * that it goes from 0 to length - 1. Speeds below `slowest` are raised to it, so that time never stands still or runs
 * backwards.
 */
export function warpedClock(b: GraphBuilder, speeds: Value, slowest: number): Value {
  const [, length] = speeds.shape;
  if (length < 2) return b.mul(speeds, 0);
  const elapsed = sumsBefore(b, b.maximum(speeds, slowest));
  const end = b.slice(elapsed, [length - 1], [length], [1]);
  return b.mul(elapsed, b.div(length - 1, end));
}

/** For every element of [rows, length] the sum of those before it. */
function sumsBefore(b: GraphBuilder, values: Value): Value {
  const [rows, length] = values.shape;
  // Within blocks, then over blocks: two small triangles instead of one of length^2.
  const width = Math.ceil(Math.sqrt(length));
  const blocks = Math.ceil(length / width);
  const padded = b.pad(values, [0, 0, 0, blocks * width - length]);
  const parts = b.reshape(padded, [rows, blocks, width]);
  const within = b.matMul(parts, b.constant(triangle(width)));
  const earlier = b.matMul(b.reduceSum(parts, [2]), b.constant(triangle(blocks)));
  const sums = b.reshape(b.add(within, b.unsqueeze(earlier, [2])), [rows, blocks * width]);
  return b.slice(sums, [0], [length], [1]);
}

/** [size, size] with 1 above the diagonal: a product with it sums what comes before. */
function triangle(size: number): Tensor<Float32Array> {
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) data.fill(1, i * size + i + 1, (i + 1) * size);
  return float32([size, size], data);
}

/**
 * Series [rows, channels, length] read at positions [rows, length] of their own, by linear interpolation; positions
 * outside read the nearest step. What is read lies between two neighbouring values of the row. No gradient goes back.
 */
export function readAt(b: GraphBuilder, series: Value, positions: Value): Value {
  const [rows, channels, length] = series.shape;
  return b.detached(() => {
    const inside = b.clip(positions, 0, length - 1);
    const lower = b.op('Floor', [b.minimum(inside, Math.max(0, length - 2))]);
    const share = b.unsqueeze(b.sub(inside, lower), [1]);
    const starts = tensor(
      'int32',
      [rows, channels, 1],
      Int32Array.from({ length: rows * channels }, (_, line) => line * length),
    );
    const index = b.add(b.unsqueeze(b.cast(lower, 'int32'), [1]), b.constant(starts));
    const values = b.reshape(series, [rows * channels * length]);
    const from = b.gather(values, index);
    const to = length < 2 ? from : b.gather(values, b.add(index, b.scalar(1, 'int32')));
    return b.add(from, b.mul(b.sub(to, from), share));
  });
}
