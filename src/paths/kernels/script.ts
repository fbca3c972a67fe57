import type { Columns, CoordinateModel, Kernels, Limits, Projections, ResidualModel } from './kernels.js';

/** The kernels in TypeScript: where WebAssembly has no room, and what its results are compared with. */
export function scriptKernels(): Kernels {
  return {
    name: 'script',
    floats: (length) => new Float64Array(length),
    integers: (length) => new Int32Array(length),
    correlate,
    combine,
    squares,
    multiply,
    descend,
    descendResidual,
    beyond,
    bound,
    moments,
    rescale,
  };
}

function correlate(columns: Columns, which: Int32Array, count: number, r: Float64Array, out: Float64Array): void {
  const { data, stride, length } = columns;
  for (let k = 0; k < count; k++) out[k] = dot(data, which[k] * stride, r, length);
}

function combine(
  columns: Columns,
  which: Int32Array,
  count: number,
  coefficients: Float64Array,
  out: Float64Array,
): void {
  const { data, stride, length } = columns;
  for (let k = 0; k < count; k++) add(coefficients[k], data, which[k] * stride, out, length);
}

function squares(columns: Columns, which: Int32Array, count: number, weights: Float64Array, out: Float64Array): void {
  const { data, stride, length } = columns;
  for (let k = 0; k < count; k++) {
    const start = which[k] * stride;
    let sum = 0;
    for (let i = 0; i < length; i++) sum += weights[i] * data[start + i] * data[start + i];
    out[k] = sum;
  }
}

function multiply(a: Float64Array, b: Float64Array, out: Float64Array, length: number): void {
  for (let i = 0; i < length; i++) out[i] = a[i] * b[i];
}

function descend(model: CoordinateModel, size: number): number {
  const { gram, stride, b, g, diagonal } = model;
  let largest = 0;
  for (let j = 0; j < size; j++) {
    const old = b[j];
    const next = minimizer(model, j, g[j] + diagonal[j] * old);
    const change = next - old;
    if (change === 0) continue;
    b[j] = next;
    add(-change, gram, j * stride, g, size);
    largest = Math.max(largest, diagonal[j] * change * change);
  }
  return largest;
}

function descendResidual(model: ResidualModel, size: number): number {
  const { columns, members, b, residual, curvature, diagonal } = model;
  const { data, stride, length } = columns;
  let largest = 0;
  for (let j = 0; j < size; j++) {
    const start = members[j] * stride;
    const old = b[j];
    const next = minimizer(model, j, dot(data, start, residual, length) + diagonal[j] * old);
    const change = next - old;
    if (change === 0) continue;
    b[j] = next;
    for (let i = 0; i < length; i++) residual[i] -= change * (curvature[i] * data[start + i]);
    largest = Math.max(largest, diagonal[j] * change * change);
  }
  return largest;
}

function beyond(values: Float64Array, { factors, limit, places, count }: Limits, out: Int32Array): number {
  let found = 0;
  for (let j = 0; j < count; j++) {
    if (places[j] === -1 && Math.abs(values[j]) >= limit * factors[j]) out[found++] = j;
  }
  return found;
}

function bound(
  { first, second, pairs, norms, table }: Projections,
  { factors, limit, places, count }: Limits,
  estimates: Float64Array,
  out: Int32Array,
): number {
  let found = 0;
  for (let j = 0; j < count; j++) {
    if (places[j] !== -1) continue;
    const entry = 4 * pairs[j];
    const estimate = table[entry] * first[j] + table[entry + 1] * second[j];
    estimates[j] = estimate;
    if (Math.abs(estimate) + norms[j] * table[entry + 2] > limit * factors[j]) out[found++] = j;
  }
  return found;
}

function moments(x: Float64Array, weights: Float64Array): { mean: number; variance: number; largest: number } {
  const [origin] = x;
  let [sum, squares, largest] = [0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const away = x[i] - origin;
    sum += weights[i] * away;
    squares += weights[i] * away * away;
    largest = Math.max(largest, Math.abs(x[i]));
  }
  return { mean: origin + sum, variance: Math.max(0, squares - sum * sum), largest };
}

function rescale(x: Float64Array, center: number, factor: number): void {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] - center) * factor;
}

type Penalized = Pick<CoordinateModel, 'inverse' | 'l1' | 'lower' | 'upper'>;

/** Of d/2 b^2 - z b + l1 |b| + l2/2 b^2 within the bounds. */
function minimizer({ inverse, l1, lower, upper }: Penalized, j: number, z: number): number {
  const over = Math.abs(z) - l1[j];
  const free = over > 0 ? (z > 0 ? over : -over) * inverse[j] : 0;
  return Math.min(Math.max(free, lower[j]), upper[j]);
}

/** Four sums, so that additions need not wait for each other. */
function dot(x: Float64Array, start: number, r: Float64Array, length: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += x[start + i] * r[i];
    s1 += x[start + i + 1] * r[i + 1];
    s2 += x[start + i + 2] * r[i + 2];
    s3 += x[start + i + 3] * r[i + 3];
  }
  for (; i < length; i++) s0 += x[start + i] * r[i];
  return s0 + s1 + s2 + s3;
}

function add(factor: number, x: Float64Array, start: number, out: Float64Array, length: number): void {
  for (let i = 0; i < length; i++) out[i] += factor * x[start + i];
}
