/**
 * The inner loops of regularization paths in double precision, two values at a time. Addresses are of Float64 and Int32
 * arrays in the memory that is given; column j of a matrix starts at `j * stride` values.
 *
 * In AssemblyScript; `node scripts/build-wasm.mjs` compiles it to src/paths/kernels/simd.wasm.
 */

// @ts-ignore: decorators of AssemblyScript
@inline
function total(a: v128): f64 {
  return f64x2.extract_lane(a, 0) + f64x2.extract_lane(a, 1);
}

// @ts-ignore: decorators of AssemblyScript
@inline
function fused(sum: v128, a: v128, b: v128): v128 {
  return f64x2.add(sum, f64x2.mul(a, b));
}

/** a' b. */
function dot(a: usize, b: usize, length: i32): f64 {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const whole = a + ((<usize>(length & ~7)) << 3);
  const end = a + ((<usize>length) << 3);
  while (a < whole) {
    s0 = fused(s0, v128.load(a), v128.load(b));
    s1 = fused(s1, v128.load(a, 16), v128.load(b, 16));
    s2 = fused(s2, v128.load(a, 32), v128.load(b, 32));
    s3 = fused(s3, v128.load(a, 48), v128.load(b, 48));
    a += 64;
    b += 64;
  }
  let sum = total(f64x2.add(f64x2.add(s0, s1), f64x2.add(s2, s3)));
  while (a < end) {
    sum += load<f64>(a) * load<f64>(b);
    a += 8;
    b += 8;
  }
  return sum;
}

/** y += c x. */
function add(c: f64, x: usize, y: usize, length: i32): void {
  const factor = f64x2.splat(c);
  const whole = y + ((<usize>(length & ~3)) << 3);
  const end = y + ((<usize>length) << 3);
  while (y < whole) {
    v128.store(y, fused(v128.load(y), factor, v128.load(x)));
    v128.store(y, fused(v128.load(y, 16), factor, v128.load(x, 16)), 16);
    x += 32;
    y += 32;
  }
  while (y < end) {
    store<f64>(y, load<f64>(y) + c * load<f64>(x));
    x += 8;
    y += 8;
  }
}

/** y += c0 x0 + c1 x1 + c2 x2 + c3 x3: one pass over y for four columns. */
function addFour(
  c0: f64,
  c1: f64,
  c2: f64,
  c3: f64,
  x0: usize,
  x1: usize,
  x2: usize,
  x3: usize,
  y: usize,
  length: i32,
): void {
  const f0 = f64x2.splat(c0);
  const f1 = f64x2.splat(c1);
  const f2 = f64x2.splat(c2);
  const f3 = f64x2.splat(c3);
  let at: usize = 0;
  const whole = (<usize>(length & ~3)) << 3;
  const end = (<usize>length) << 3;
  while (at < whole) {
    let u = v128.load(y + at);
    let w = v128.load(y + at, 16);
    u = fused(u, f0, v128.load(x0 + at));
    w = fused(w, f0, v128.load(x0 + at, 16));
    u = fused(u, f1, v128.load(x1 + at));
    w = fused(w, f1, v128.load(x1 + at, 16));
    u = fused(u, f2, v128.load(x2 + at));
    w = fused(w, f2, v128.load(x2 + at, 16));
    u = fused(u, f3, v128.load(x3 + at));
    w = fused(w, f3, v128.load(x3 + at, 16));
    v128.store(y + at, u);
    v128.store(y + at, w, 16);
    at += 32;
  }
  while (at < end) {
    const sum =
      c0 * load<f64>(x0 + at) + c1 * load<f64>(x1 + at) + c2 * load<f64>(x2 + at) + c3 * load<f64>(x3 + at);
    store<f64>(y + at, load<f64>(y + at) + sum);
    at += 8;
  }
}

/** out[k] = column which[k] times r. Four columns at a time share the loads of r. */
export function correlate(
  x: usize,
  stride: i32,
  length: i32,
  which: usize,
  count: i32,
  r: usize,
  out: usize,
): void {
  const bytes = (<usize>stride) << 3;
  const whole = (<usize>(length & ~3)) << 3;
  const end = (<usize>length) << 3;
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const index = which + ((<usize>k) << 2);
    const x0 = x + <usize>load<i32>(index) * bytes;
    const x1 = x + <usize>load<i32>(index, 4) * bytes;
    const x2 = x + <usize>load<i32>(index, 8) * bytes;
    const x3 = x + <usize>load<i32>(index, 12) * bytes;
    let s0 = f64x2.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let t0 = s0;
    let t1 = s0;
    let t2 = s0;
    let t3 = s0;
    let at: usize = 0;
    for (; at < whole; at += 32) {
      const u = v128.load(r + at);
      const w = v128.load(r + at, 16);
      s0 = fused(s0, v128.load(x0 + at), u);
      s1 = fused(s1, v128.load(x1 + at), u);
      s2 = fused(s2, v128.load(x2 + at), u);
      s3 = fused(s3, v128.load(x3 + at), u);
      t0 = fused(t0, v128.load(x0 + at, 16), w);
      t1 = fused(t1, v128.load(x1 + at, 16), w);
      t2 = fused(t2, v128.load(x2 + at, 16), w);
      t3 = fused(t3, v128.load(x3 + at, 16), w);
    }
    let e0 = total(f64x2.add(s0, t0));
    let e1 = total(f64x2.add(s1, t1));
    let e2 = total(f64x2.add(s2, t2));
    let e3 = total(f64x2.add(s3, t3));
    for (; at < end; at += 8) {
      const u = load<f64>(r + at);
      e0 += load<f64>(x0 + at) * u;
      e1 += load<f64>(x1 + at) * u;
      e2 += load<f64>(x2 + at) * u;
      e3 += load<f64>(x3 + at) * u;
    }
    const to = out + ((<usize>k) << 3);
    store<f64>(to, e0);
    store<f64>(to, e1, 8);
    store<f64>(to, e2, 16);
    store<f64>(to, e3, 24);
  }
  for (; k < count; k++) {
    const column = x + <usize>load<i32>(which + ((<usize>k) << 2)) * bytes;
    store<f64>(out + ((<usize>k) << 3), dot(column, r, length));
  }
}

/** out += sum of coefficients[k] times column which[k]. */
export function combine(
  x: usize,
  stride: i32,
  length: i32,
  which: usize,
  count: i32,
  coefficients: usize,
  out: usize,
): void {
  const bytes = (<usize>stride) << 3;
  let k = 0;
  for (; k + 4 <= count; k += 4) {
    const index = which + ((<usize>k) << 2);
    const c = coefficients + ((<usize>k) << 3);
    addFour(
      load<f64>(c),
      load<f64>(c, 8),
      load<f64>(c, 16),
      load<f64>(c, 24),
      x + <usize>load<i32>(index) * bytes,
      x + <usize>load<i32>(index, 4) * bytes,
      x + <usize>load<i32>(index, 8) * bytes,
      x + <usize>load<i32>(index, 12) * bytes,
      out,
      length,
    );
  }
  for (; k < count; k++) {
    const column = x + <usize>load<i32>(which + ((<usize>k) << 2)) * bytes;
    add(load<f64>(coefficients + ((<usize>k) << 3)), column, out, length);
  }
}

/** out = a b, elementwise. */
export function multiply(a: usize, b: usize, out: usize, length: i32): void {
  let at: usize = 0;
  const whole = (<usize>(length & ~1)) << 3;
  for (; at < whole; at += 16) v128.store(out + at, f64x2.mul(v128.load(a + at), v128.load(b + at)));
  if (length & 1) store<f64>(out + at, load<f64>(a + at) * load<f64>(b + at));
}

// @ts-ignore: decorators of AssemblyScript
@inline
function minimizer(z: f64, at: usize, inverse: usize, l1: usize, lower: usize, upper: usize): f64 {
  const over = abs(z) - load<f64>(l1 + at);
  const free = over > 0 ? (z > 0 ? over : -over) * load<f64>(inverse + at) : 0;
  return min(max(free, load<f64>(lower + at)), load<f64>(upper + at));
}

/**
 * One pass of coordinate descent in Gram space. Changes are applied to g four at a time; a coordinate that is visited
 * while up to three changes wait adds what they will do to it.
 */
export function descend(
  gram: usize,
  stride: i32,
  size: i32,
  b: usize,
  g: usize,
  diagonal: usize,
  inverse: usize,
  l1: usize,
  lower: usize,
  upper: usize,
): f64 {
  let largest: f64 = 0;
  let waiting = 0;
  let p0: usize = 0;
  let p1: usize = 0;
  let p2: usize = 0;
  let c0: f64 = 0;
  let c1: f64 = 0;
  let c2: f64 = 0;
  const bytes = (<usize>stride) << 3;
  for (let j = 0; j < size; j++) {
    const at = (<usize>j) << 3;
    const row = gram + <usize>j * bytes;
    let gradient = load<f64>(g + at);
    if (waiting > 0) {
      gradient += c0 * load<f64>(row + p0);
      if (waiting > 1) {
        gradient += c1 * load<f64>(row + p1);
        if (waiting > 2) gradient += c2 * load<f64>(row + p2);
      }
    }
    const old = load<f64>(b + at);
    const d = load<f64>(diagonal + at);
    const next = minimizer(gradient + d * old, at, inverse, l1, lower, upper);
    const change = next - old;
    if (change == 0) continue;
    store<f64>(b + at, next);
    largest = max(largest, d * change * change);
    if (waiting == 0) {
      p0 = at;
      c0 = -change;
      waiting = 1;
    } else if (waiting == 1) {
      p1 = at;
      c1 = -change;
      waiting = 2;
    } else if (waiting == 2) {
      p2 = at;
      c2 = -change;
      waiting = 3;
    } else {
      addFour(
        c0,
        c1,
        c2,
        -change,
        gram + (p0 >> 3) * bytes,
        gram + (p1 >> 3) * bytes,
        gram + (p2 >> 3) * bytes,
        row,
        g,
        size,
      );
      waiting = 0;
    }
  }
  if (waiting > 0) add(c0, gram + (p0 >> 3) * bytes, g, size);
  if (waiting > 1) add(c1, gram + (p1 >> 3) * bytes, g, size);
  if (waiting > 2) add(c2, gram + (p2 >> 3) * bytes, g, size);
  return largest;
}

/** r -= change curvature x. */
function subtract(change: f64, curvature: usize, x: usize, r: usize, length: i32): void {
  const factor = f64x2.splat(-change);
  let at: usize = 0;
  const whole = (<usize>(length & ~1)) << 3;
  for (; at < whole; at += 16) {
    const product = f64x2.mul(v128.load(curvature + at), v128.load(x + at));
    v128.store(r + at, fused(v128.load(r + at), factor, product));
  }
  if (length & 1) {
    store<f64>(r + at, load<f64>(r + at) - change * (load<f64>(curvature + at) * load<f64>(x + at)));
  }
}

/** One pass of coordinate descent that keeps the residual. */
export function descendResidual(
  x: usize,
  stride: i32,
  length: i32,
  members: usize,
  size: i32,
  b: usize,
  residual: usize,
  curvature: usize,
  diagonal: usize,
  inverse: usize,
  l1: usize,
  lower: usize,
  upper: usize,
): f64 {
  let largest: f64 = 0;
  const bytes = (<usize>stride) << 3;
  for (let j = 0; j < size; j++) {
    const at = (<usize>j) << 3;
    const column = x + <usize>load<i32>(members + ((<usize>j) << 2)) * bytes;
    const old = load<f64>(b + at);
    const d = load<f64>(diagonal + at);
    const next = minimizer(dot(column, residual, length) + d * old, at, inverse, l1, lower, upper);
    const change = next - old;
    if (change == 0) continue;
    store<f64>(b + at, next);
    subtract(change, curvature, column, residual, length);
    largest = max(largest, d * change * change);
  }
  return largest;
}

/** Columns outside (place -1) whose value is at least limit times their factor. Returns how many. */
export function beyond(
  values: usize,
  factors: usize,
  limit: f64,
  places: usize,
  count: i32,
  out: usize,
): i32 {
  let found = 0;
  for (let j = 0; j < count; j++) {
    if (load<i32>(places + ((<usize>j) << 2)) != -1) continue;
    const at = (<usize>j) << 3;
    if (abs(load<f64>(values + at)) < limit * load<f64>(factors + at)) continue;
    store<i32>(out + ((<usize>found) << 2), j);
    found++;
  }
  return found;
}

/**
 * For columns outside: an estimate of their product with the present residual, from their products with two earlier
 * ones, and those among them that may be beyond limit times their factor, by the length of what the two do not tell.
 * The table has, for each pair of earlier residuals, two weights and that length.
 */
export function bound(
  first: usize,
  second: usize,
  pairs: usize,
  norms: usize,
  table: usize,
  factors: usize,
  limit: f64,
  places: usize,
  count: i32,
  estimates: usize,
  out: usize,
): i32 {
  let found = 0;
  for (let j = 0; j < count; j++) {
    const index = (<usize>j) << 2;
    if (load<i32>(places + index) != -1) continue;
    const at = (<usize>j) << 3;
    const entry = table + ((<usize>load<i32>(pairs + index)) << 5);
    const estimate = load<f64>(entry) * load<f64>(first + at) + load<f64>(entry, 8) * load<f64>(second + at);
    store<f64>(estimates + at, estimate);
    if (abs(estimate) + load<f64>(norms + at) * load<f64>(entry, 16) <= limit * load<f64>(factors + at)) continue;
    store<i32>(out + ((<usize>found) << 2), j);
    found++;
  }
  return found;
}

/** Weighted sums of x and of its square around the first value, and its largest size: three values at out. */
export function moments(x: usize, weights: usize, length: i32, out: usize): void {
  const origin = load<f64>(x);
  const from = f64x2.splat(origin);
  let sum = f64x2.splat(0);
  let squares = sum;
  let largest = sum;
  let at: usize = 0;
  const whole = (<usize>(length & ~1)) << 3;
  for (; at < whole; at += 16) {
    const value = v128.load(x + at);
    const away = f64x2.sub(value, from);
    const weighted = f64x2.mul(away, v128.load(weights + at));
    sum = f64x2.add(sum, weighted);
    squares = fused(squares, weighted, away);
    largest = f64x2.max(largest, f64x2.abs(value));
  }
  let s = total(sum);
  let q = total(squares);
  let m = max(f64x2.extract_lane(largest, 0), f64x2.extract_lane(largest, 1));
  if (length & 1) {
    const value = load<f64>(x + at);
    const away = value - origin;
    const weighted = away * load<f64>(weights + at);
    s += weighted;
    q += weighted * away;
    m = max(m, abs(value));
  }
  store<f64>(out, s);
  store<f64>(out, q, 8);
  store<f64>(out, m, 16);
}

/** x = (x - center) factor. */
export function rescale(x: usize, length: i32, center: f64, factor: f64): void {
  const from = f64x2.splat(center);
  const by = f64x2.splat(factor);
  let at: usize = 0;
  const whole = (<usize>(length & ~1)) << 3;
  for (; at < whole; at += 16) v128.store(x + at, f64x2.mul(f64x2.sub(v128.load(x + at), from), by));
  if (length & 1) store<f64>(x + at, (load<f64>(x + at) - center) * factor);
}

/** out[k] = sum of weights times the squares of column which[k]. */
export function squares(
  x: usize,
  stride: i32,
  length: i32,
  which: usize,
  count: i32,
  weights: usize,
  out: usize,
): void {
  const bytes = (<usize>stride) << 3;
  const whole = (<usize>(length & ~1)) << 3;
  for (let k = 0; k < count; k++) {
    const column = x + <usize>load<i32>(which + ((<usize>k) << 2)) * bytes;
    let sum = f64x2.splat(0);
    let at: usize = 0;
    for (; at < whole; at += 16) {
      const value = v128.load(column + at);
      sum = fused(sum, f64x2.mul(value, value), v128.load(weights + at));
    }
    let all = total(sum);
    if (length & 1) {
      const value = load<f64>(column + at);
      all += value * value * load<f64>(weights + at);
    }
    store<f64>(out + ((<usize>k) << 3), all);
  }
}
