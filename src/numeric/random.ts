/**
 * Seeded random streams. One stream is xoroshiro128+ (Blackman & Vigna, 2018; period 2^128 - 1) started from a SHA-256
 * of its seed and labels, so that streams of neighbouring seeds, or of one seed under different labels, share nothing.
 * Every method is stateless apart from the generator's 128 bits: `state()` is all there is to save and restore.
 */
import { createHash } from 'node:crypto';
import { type xoroshiro128plus, xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';
import { BallastError } from '../errors.js';

/** A seed: an integer, or any string. */
export type Seed = number | string;

/** What names a stream under a seed: `derive(7, 'dropout', layer, epoch)`. */
export type Label = number | string;

/** The 128 bits of a stream as four signed 32-bit integers: JSON-safe. */
export type RandomState = readonly [number, number, number, number];

/** Anything with numbered places that shuffle and sample can permute. */
export type Shuffleable = { readonly length: number; [index: number]: number };

type Generator = ReturnType<typeof xoroshiro128plus>;

/** A stream of random numbers. Equal seed and labels give the equal sequence, in every process and on every platform. */
export class Random {
  #generator: Generator;

  private constructor(generator: Generator) {
    this.#generator = generator;
  }

  /** Restores a stream from {@link Random.state}. */
  static fromState(state: readonly number[]): Random {
    if (state.length !== 4 || !state.every((word) => (word | 0) === word) || state.every((word) => word === 0)) {
      throw new BallastError('A random state is four 32-bit integers, not all zero', {
        code: 'RANDOM_STATE_INVALID',
        value: state,
        remedy: 'Pass what state() returned.',
      });
    }
    return new Random(xoroshiro128plusFromState(state));
  }

  /** The state to save; `Random.fromState` continues the same sequence. */
  state(): RandomState {
    const [a, b, c, d] = this.#generator.getState();
    return [a, b, c, d];
  }

  /** A copy that continues the same sequence independently of this one. */
  clone(): Random {
    return new Random(this.#generator.clone() as Generator);
  }

  /** A stream 2^64 steps ahead of this one, which stays where it is: the two cannot meet in practice. */
  jump(): Random {
    const ahead = this.clone();
    ahead.#generator.jump();
    return ahead;
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    return this.#generator.next() >>> 0;
  }

  /** Fills with what as many calls of {@link Random.bits} would return, several times faster. */
  fillBits(words: Uint32Array): void {
    // The generator's step on local variables: xoroshiro128+ with its words split in 32-bit halves (high, low).
    let [high0, low0, high1, low1] = this.#generator.getState();
    for (let i = 0; i < words.length; i++) {
      words[i] = low0 + low1;
      const low = low1 ^ low0;
      const high = high1 ^ high0;
      const kept = low0;
      low0 = (low0 << 24) ^ (high0 >>> 8) ^ low ^ (low << 16);
      high0 = (high0 << 24) ^ (kept >>> 8) ^ high ^ ((high << 16) | (low >>> 16));
      low1 = (high << 5) ^ (low >>> 27);
      high1 = (low << 5) ^ (high >>> 27);
    }
    this.#generator = xoroshiro128plusFromState([high0, low0, high1, low1]);
  }

  /** Uniform on [0, 1), 53 bits. The upper bits of each word are used: the lowest of xoroshiro+ are weaker. */
  uniform(low = 0, high = 1): number {
    const upper = this.#generator.next() >>> 5;
    const lower = this.#generator.next() >>> 6;
    return low + (high - low) * ((upper * 67108864 + lower) * 1.1102230246251565e-16);
  }

  /** Uniform integer in [0, bound), unbiased by rejection; 1 <= bound <= 2^32. */
  integer(bound: number): number {
    if (!(Number.isInteger(bound) && bound >= 1 && bound <= 4294967296)) {
      throw new BallastError('A random integer needs a bound between 1 and 2^32', {
        code: 'RANDOM_BOUND_INVALID',
        value: bound,
      });
    }
    // Scaling the word to [0, bound) uses its strong upper bits; the rejected remainder keeps it exact (Lemire, 2019).
    const rest = 4294967296 % bound;
    for (;;) {
      const word = this.#generator.next() >>> 0;
      if (rest === 0) return Math.floor((word / 4294967296) * bound);
      const low = Math.imul(word, bound) >>> 0;
      // The product has up to 64 bits and is rounded; without its low word it is near a whole multiple of 2^32.
      if (low >= rest) return Math.round((word * bound - low) / 4294967296);
    }
  }

  /** Normal with mean and standard deviation, by the ziggurat method (Marsaglia & Tsang 2000, Doornik 2005). */
  normal(mean = 0, standardDeviation = 1): number {
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const layer = this.#generator.next() >>> 25;
      if (Math.abs(u) < ZIGGURAT.ratio[layer]) return mean + standardDeviation * u * ZIGGURAT.x[layer];
      const value = layer === 0 ? this.#normalTail(u < 0) : this.#normalWedge(u, layer);
      if (value !== undefined) return mean + standardDeviation * value;
    }
  }

  #normalTail(negative: boolean): number {
    for (;;) {
      const x = Math.log(1 - this.uniform()) / ZIGGURAT.tail;
      const y = Math.log(1 - this.uniform());
      if (-2 * y >= x * x) return negative ? x - ZIGGURAT.tail : ZIGGURAT.tail - x;
    }
  }

  #normalWedge(u: number, layer: number): number | undefined {
    const x = u * ZIGGURAT.x[layer];
    const outer = Math.exp(-0.5 * (ZIGGURAT.x[layer] ** 2 - x * x));
    const inner = Math.exp(-0.5 * (ZIGGURAT.x[layer + 1] ** 2 - x * x));
    return inner + this.uniform() * (outer - inner) < 1 ? x : undefined;
  }

  /** Gamma with shape k > 0 and scale, mean k * scale (Marsaglia & Tsang 2000; below 1 boosted by U^(1/k)). */
  gamma(shape: number, scale = 1): number {
    requirePositive(shape, 'shape');
    requirePositive(scale, 'scale');
    return (
      scale *
      (shape < 1
        ? this.#gammaAtLeastOne(shape + 1) * (1 - this.uniform()) ** (1 / shape)
        : this.#gammaAtLeastOne(shape))
    );
  }

  #gammaAtLeastOne(shape: number): number {
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      const u = 1 - this.uniform();
      if (Math.log(u) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
    }
  }

  /** Beta(a, b) on [0, 1]. Small shapes are drawn on the log scale, where two gammas would both underflow to 0. */
  beta(a: number, b: number): number {
    const x = this.#logGammaVariate(a);
    const y = this.#logGammaVariate(b);
    return 1 / (1 + Math.exp(y - x));
  }

  /** A point of the simplex from Dirichlet(concentration). */
  dirichlet(concentration: ArrayLike<number>): Float64Array {
    const logs = Float64Array.from(concentration, (alpha) => this.#logGammaVariate(alpha));
    const largest = logs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let total = 0;
    for (let i = 0; i < logs.length; i++) {
      logs[i] = Math.exp(logs[i] - largest);
      total += logs[i];
    }
    for (let i = 0; i < logs.length; i++) logs[i] = logs[i] / total;
    return logs;
  }

  #logGammaVariate(shape: number): number {
    requirePositive(shape, 'shape');
    if (shape >= 1) return Math.log(this.#gammaAtLeastOne(shape));
    return Math.log(this.#gammaAtLeastOne(shape + 1)) + Math.log(1 - this.uniform()) / shape;
  }

  /** Permutes in place (Fisher-Yates) and returns the argument. */
  shuffle<T extends Shuffleable>(values: T): T {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = values[i];
      values[i] = values[j];
      values[j] = kept;
    }
    return values;
  }

  /** A random order of 0 .. length - 1. */
  permutation(length: number): Int32Array {
    const order = new Int32Array(length);
    for (let i = 0; i < length; i++) order[i] = i;
    return this.shuffle(order);
  }

  /** `count` distinct integers of [0, bound), in random order (Floyd's algorithm, then a shuffle). */
  sample(bound: number, count: number): Int32Array {
    if (count > bound) {
      throw new BallastError(`Cannot draw ${count} distinct integers out of ${bound}`, {
        code: 'RANDOM_SAMPLE_TOO_LARGE',
        value: count,
      });
    }
    const chosen = new Set<number>();
    for (let top = bound - count; top < bound; top++) {
      const candidate = this.integer(top + 1);
      chosen.add(chosen.has(candidate) ? top : candidate);
    }
    return this.shuffle(Int32Array.from(chosen));
  }

  /** One index with probability proportional to its weight. For many draws build the cumulative sums once instead. */
  choice(weights: ArrayLike<number>): number {
    let total = 0;
    for (let i = 0; i < weights.length; i++) total += weights[i];
    if (!(total > 0 && Number.isFinite(total))) {
      throw new BallastError('A weighted choice needs weights with a positive finite sum', {
        code: 'RANDOM_WEIGHTS_INVALID',
        value: total,
      });
    }
    const point = this.uniform() * total;
    let cumulative = 0;
    let last = 0;
    for (let i = 0; i < weights.length; i++) {
      if (weights[i] === 0) continue;
      cumulative += weights[i];
      if (point < cumulative) return i;
      last = i;
    }
    return last;
  }
}

/** The stream of a seed and labels: independent of the stream of any other seed or labels. */
export function derive(seed: Seed, ...labels: readonly Label[]): Random {
  const hash = digest(seed, labels);
  return Random.fromState([hash.readInt32LE(0), hash.readInt32LE(4), hash.readInt32LE(8), hash.readInt32LE(12) | 1]);
}

/** A 32-bit unsigned seed for generators that are not a {@link Random} (a graph's counter-based one, a peer's). */
export function deriveSeed(seed: Seed, ...labels: readonly Label[]): number {
  return digest(seed, labels).readUInt32LE(16);
}

function digest(seed: Seed, labels: readonly Label[]): Buffer {
  for (const part of [seed, ...labels]) {
    if (typeof part === 'number' && !Number.isSafeInteger(part)) {
      throw new BallastError('A seed or stream label is a whole number or a string', {
        code: 'RANDOM_SEED_INVALID',
        value: part,
      });
    }
  }
  return createHash('sha256')
    .update(JSON.stringify([seed, ...labels]))
    .digest();
}

function requirePositive(value: number, name: string): void {
  if (!(value > 0 && Number.isFinite(value))) {
    throw new BallastError(`The ${name} of a random variate must be positive and finite`, {
      code: 'RANDOM_PARAMETER_INVALID',
      value,
    });
  }
}

/** 128 layers of equal area under exp(-x^2 / 2); x[0] is the width of the base layer with the tail folded in. */
const ZIGGURAT = ((): { x: Float64Array; ratio: Float64Array; tail: number } => {
  const layers = 128;
  const tail = 3.442619855899;
  const area = 9.91256303526217e-3;
  const x = new Float64Array(layers + 1);
  const ratio = new Float64Array(layers);
  let density = Math.exp(-0.5 * tail * tail);
  x[0] = area / density;
  x[1] = tail;
  for (let i = 2; i < layers; i++) {
    x[i] = Math.sqrt(-2 * Math.log(area / x[i - 1] + density));
    density = Math.exp(-0.5 * x[i] * x[i]);
  }
  for (let i = 0; i < layers; i++) ratio[i] = x[i + 1] / x[i];
  return { x, ratio, tail };
})();
