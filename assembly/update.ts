/**
 * Updates of weights in place, each one pass over memory, four weights at a time. Lengths are rounded up to whole
 * vectors: the caller pads with zeros. Every operation is rounded by itself, in the order of the optimizers' graphs, so
 * that both give the same bits.
 *
 * In AssemblyScript; `node scripts/build-wasm.mjs` compiles it to src/training/update/update.wasm.
 */

/** m = beta1 m + g; v = beta2 v + g^2; p = kept p - rate m / (sqrt(v) + epsilon). */
export function adam(
  p: usize,
  m: usize,
  v: usize,
  g: usize,
  length: usize,
  beta1: f32,
  beta2: f32,
  rate: f32,
  epsilon: f32,
  kept: f32,
): void {
  const b1 = f32x4.splat(beta1);
  const b2 = f32x4.splat(beta2);
  const r = f32x4.splat(rate);
  const e = f32x4.splat(epsilon);
  const k = f32x4.splat(kept);
  const end = p + (length << 2);
  while (p < end) {
    const gradient = v128.load(g);
    const first = f32x4.add(f32x4.mul(v128.load(m), b1), gradient);
    const second = f32x4.add(f32x4.mul(v128.load(v), b2), f32x4.mul(gradient, gradient));
    v128.store(m, first);
    v128.store(v, second);
    const step = f32x4.div(f32x4.mul(first, r), f32x4.add(f32x4.sqrt(second), e));
    v128.store(p, f32x4.sub(f32x4.mul(v128.load(p), k), step));
    p += 16;
    m += 16;
    v += 16;
    g += 16;
  }
}

/** p = kept p - rate g. */
export function descent(p: usize, g: usize, length: usize, rate: f32, kept: f32): void {
  const r = f32x4.splat(rate);
  const k = f32x4.splat(kept);
  const end = p + (length << 2);
  while (p < end) {
    v128.store(p, f32x4.sub(f32x4.mul(v128.load(p), k), f32x4.mul(v128.load(g), r)));
    p += 16;
    g += 16;
  }
}

/** v = momentum v + g; p = kept p - rate v. */
export function momentum(p: usize, v: usize, g: usize, length: usize, momentum: f32, rate: f32, kept: f32): void {
  const mu = f32x4.splat(momentum);
  const r = f32x4.splat(rate);
  const k = f32x4.splat(kept);
  const end = p + (length << 2);
  while (p < end) {
    const velocity = f32x4.add(f32x4.mul(v128.load(v), mu), v128.load(g));
    v128.store(v, velocity);
    v128.store(p, f32x4.sub(f32x4.mul(v128.load(p), k), f32x4.mul(velocity, r)));
    p += 16;
    v += 16;
    g += 16;
  }
}

/** v = momentum v + g; p = kept p - rate (g + momentum v). */
export function nesterov(p: usize, v: usize, g: usize, length: usize, momentum: f32, rate: f32, kept: f32): void {
  const mu = f32x4.splat(momentum);
  const r = f32x4.splat(rate);
  const k = f32x4.splat(kept);
  const end = p + (length << 2);
  while (p < end) {
    const gradient = v128.load(g);
    const velocity = f32x4.add(f32x4.mul(v128.load(v), mu), gradient);
    v128.store(v, velocity);
    const direction = f32x4.add(gradient, f32x4.mul(velocity, mu));
    v128.store(p, f32x4.sub(f32x4.mul(v128.load(p), k), f32x4.mul(direction, r)));
    p += 16;
    v += 16;
    g += 16;
  }
}
