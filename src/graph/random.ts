import type { GraphBuilder, Operand, Value } from './builder.js';
import { sizeOf, tensor } from './tensor.js';

/**
 * Counter-based random numbers inside a graph. Every number is a pure function of (seed, step, site, position), so a
 * run can be resumed at any step, two sites never correlate, and the same numbers come out on every machine and thread
 * count. (The runtime's own random operators restart with each session, correlate across neighbouring seeds and cannot
 * be saved.)
 *
 * Each site has one 32-bit key, an input of the graph, made on the host by {@link siteKey}. An element at row r and
 * column c has the bits
 *
 *     x = a_r + b_r C_c,   bits = x (2 x + k_r)   mod 2^32
 *
 * with a_r, b_r, k_r (the last two odd) mixed from the key and the row, and C_c mixed from the column at build time.
 * Both maps are bijections for odd b and k (the second is RC6's), so bits are uniform; upper bits depend on all others,
 * low ones do not, and nothing here uses them. Four fast passes an element: the runtime's shifts and exclusive-ors are
 * several times slower than its products.
 */
export class RandomSites {
  readonly #b: GraphBuilder;
  readonly #labels: string[] = [];

  constructor(b: GraphBuilder) {
    this.#b = b;
  }

  /** The sites opened so far: each is a uint32 [1] input of the graph, named `random.<label>`. */
  get labels(): readonly string[] {
    return this.#labels;
  }

  /** A source of numbers of its own; equal labels are told apart by a counter. */
  site(label: string): RandomSite {
    let unique = label;
    for (let i = 2; this.#labels.includes(unique); i++) unique = `${label}.${i}`;
    this.#labels.push(unique);
    return new RandomSite(this.#b, this.#b.input(`random.${unique}`, 'uint32', [1]));
  }
}

export class RandomSite {
  readonly #b: GraphBuilder;
  readonly #key: Value;
  #draws = 0;

  constructor(b: GraphBuilder, key: Value) {
    this.#b = b;
    this.#key = key;
  }

  /** Uniform 32-bit integers; use their upper bits. */
  bits(shape: readonly number[]): Value {
    const b = this.#b;
    const draw = this.#draws++;
    return b.detached(() => {
      const extents = shape.filter((extent) => extent > 1);
      const columns = extents[extents.length - 1] ?? 1;
      const rows = sizeOf(shape) / columns;
      // The three keys of all rows in one go: for small sites the number of operators counts, not that of elements.
      const counters = Uint32Array.from({ length: 3 * rows }, (_, i) =>
        mix32(Math.imul((i % rows) + 1, 0x9e3779b9) + 3 * draw + Math.floor(i / rows)),
      );
      const mixed = this.#mix(b.add(b.constant(tensor('uint32', [3 * rows, 1], counters)), this.#key));
      const rowKeys = b.split(mixed, [rows, rows, rows], 0);
      const odd = (value: Value): Value => b.add(b.add(value, value), 1);
      const columnKeys = Uint32Array.from({ length: columns }, (_, c) => mix32(Math.imul(c + 1, 0x85ebca6b) + draw));
      const line = b.mul(odd(rowKeys[1]), b.constant(tensor('uint32', [1, columns], columnKeys)));
      const x = b.add(line, rowKeys[0]);
      return b.reshape(b.mul(x, b.add(b.add(x, x), odd(rowKeys[2]))), shape);
    });
  }

  /** Uniform numbers in [0, 1). */
  uniform(shape: readonly number[]): Value {
    const b = this.#b;
    // Just below 2^-32: the largest bits round to 2^32 as float32, and must not come out as 1.
    return b.detached(() => b.mul(b.cast(this.bits(shape), 'float32'), 2 ** -32 * (1 - 2 ** -24)));
  }

  /** 1 with probability `p` and 0 otherwise, as float32; `p` may be a scalar value of the graph. */
  bernoulli(shape: readonly number[], p: Operand): Value {
    return this.#b.cast(this.occurs(shape, p), 'float32');
  }

  /** True with probability `p`, in [0, 1). */
  occurs(shape: readonly number[], p: Operand): Value {
    const b = this.#b;
    return b.detached(() => {
      const limit = b.mul(typeof p === 'number' ? b.scalar(p) : p, 2 ** 32);
      return b.less(this.bits(shape), b.cast(b.minimum(limit, 2 ** 32 - 256), 'uint32'));
    });
  }

  /** Standard normal numbers (Box and Muller, 1958). */
  normal(shape: readonly number[]): Value {
    const b = this.#b;
    return b.detached(() => {
      const radius = b.sqrt(b.mul(b.log(b.sub(1, this.uniform(shape))), -2));
      return b.mul(radius, b.op('Cos', [b.mul(this.uniform(shape), 2 * Math.PI)]));
    });
  }

  /** Integers in [0, limit) as int64. */
  integers(shape: readonly number[], limit: number): Value {
    const b = this.#b;
    return b.detached(() => b.cast(b.op('Floor', [b.mul(this.uniform(shape), limit)]), 'int64'));
  }

  #mix(h: Value): Value {
    return mixIn(this.#b, h);
  }
}

/** {@link mix32} of values of the graph. */
function mixIn(b: GraphBuilder, h: Value): Value {
  let x = b.bitwiseXor(h, b.bitShift(h, 16, 'RIGHT'));
  x = b.mul(x, 0x7feb352d);
  x = b.bitwiseXor(x, b.bitShift(x, 15, 'RIGHT'));
  x = b.mul(x, 0x846ca68b);
  return b.bitwiseXor(x, b.bitShift(x, 16, 'RIGHT'));
}

/** A 32-bit finalizer of low bias (Wellons' `lowbias32` constants), the same as inside the graph. */
export function mix32(value: number): number {
  let x = value >>> 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return x >>> 0;
}

/** The key of a site at a step: what the host puts into `random.<label>` before each run. */
export function siteKey(label: string, seed: number, step: number): number {
  const seeded = mix32((hashOf(label) ^ mix32(seed)) + Math.floor(seed / 2 ** 32));
  return mix32(seeded + Math.imul(step >>> 0, 0x9e3779b9) + Math.floor(step / 2 ** 32));
}

/** {@link siteKey} inside a graph, for a seed and a step below 2^32, both uint32 [1]. */
export function siteKeyIn(b: GraphBuilder, label: string, seed: Value, step: Value): Value {
  return b.detached(() => {
    const seeded = mixIn(b, b.bitwiseXor(mixIn(b, seed), hashOf(label) >>> 0));
    return mixIn(b, b.add(seeded, b.mul(step, 0x9e3779b9)));
  });
}

/** FNV-1a. */
function hashOf(label: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
  return hash;
}
