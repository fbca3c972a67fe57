import { derive, QuantileSketch } from '../../numeric/index.js';
import { type Distribution, OTHERS } from '../drift/distribution.js';
import { FrequencySketch } from './frequency-sketch.js';

/** Values that a sketch of numbers holds before it halves them: ranks are right to within 0.56 %. */
const SKETCH_VALUES = 512;
/** Different numbers up to which they may be taken as categories too: codes of classes, flags. */
const FEW_NUMBERS = 50;

/** Of the finite numbers of a column. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared deviations from the mean. */
  readonly squares: number;
  readonly min: number;
  readonly max: number;
}

const NO_MOMENTS: Moments = { count: 0, mean: 0, squares: 0, min: Infinity, max: -Infinity };

/** Moments of both (Chan, Golub and LeVeque 1979). */
function addMoments(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  if (count === 0) return a;
  const apart = b.mean - a.mean;
  return {
    count,
    mean: a.mean + (apart * b.count) / count,
    squares: a.squares + b.squares + (apart * apart * a.count * b.count) / count,
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
  };
}

/** What is known of a column without its rows: quantiles and moments of its numbers, how often its texts occur, what is missing. */
export class ColumnSketch {
  #numbers: QuantileSketch;
  #moments = NO_MOMENTS;
  #texts = new FrequencySketch();
  /** How often each number occurs, while they are few. */
  #few: Map<number, number> | undefined = new Map();
  #missing = 0;

  /** @param seed of what is kept where values are halved */
  constructor(seed = 1) {
    this.#numbers = new QuantileSketch(derive(seed, 'column sketch'), SKETCH_VALUES);
  }

  /** Rows, missing ones included. */
  get rows(): number {
    return this.#numbers.count + this.#texts.total + this.#missing;
  }

  get missing(): number {
    return this.#missing;
  }

  get moments(): Moments {
    return this.#moments;
  }

  /** What most of its values are. */
  get kind(): 'number' | 'category' {
    return this.#numbers.count >= this.#texts.total ? 'number' : 'category';
  }

  /** Adds values; null, undefined, NaN and '' are missing. */
  add(values: readonly (number | string | null | undefined)[]): void {
    const numbers: number[] = [];
    for (const value of values) {
      if (value === null || value === undefined || value === '' || Number.isNaN(value)) this.#missing++;
      else if (typeof value === 'number') numbers.push(value);
      else this.#texts.add(value);
    }
    if (numbers.length === 0) return;
    // As models take them: a value that many rows share must be the same number in a table and in a request.
    const asServed = numbers.map(Math.fround);
    this.#numbers.add(asServed);
    this.#moments = addMoments(this.#moments, momentsOf(numbers));
    this.#countFew(asServed.map((value) => [value, 1]));
  }

  merge(other: ColumnSketch): void {
    this.#numbers.merge(other.#numbers);
    this.#moments = addMoments(this.#moments, other.#moments);
    this.#texts.merge(other.#texts);
    this.#missing += other.#missing;
    if (other.#few === undefined) this.#few = undefined;
    else this.#countFew(other.#few);
  }

  /** The column as numbers or as categories; values of the other kind are missing, beyond few different numbers as categories too. */
  distribution(kind: 'number' | 'category'): Distribution {
    if (kind === 'number') {
      const { values, weights } = this.#numbers.weighted();
      const [count, missing] = [this.#numbers.count, this.#missing + this.#texts.total];
      return { kind, values, weights, count, missing, rankError: this.#numbers.rankError };
    }
    const counts = new Map(this.#texts.counts);
    for (const [value, count] of this.#few ?? []) counts.set(String(value), (counts.get(String(value)) ?? 0) + count);
    if (this.#texts.others > 0) counts.set(OTHERS, this.#texts.others);
    const count = this.#texts.total + (this.#few === undefined ? 0 : this.#numbers.count);
    return { kind, counts, count, missing: this.rows - count };
  }

  #countFew(numbers: Iterable<readonly [number, number]>): void {
    if (this.#few === undefined) return;
    for (const [value, count] of numbers) this.#few.set(value, (this.#few.get(value) ?? 0) + count);
    if (this.#few.size > FEW_NUMBERS) this.#few = undefined;
  }

  /** As bytes: the length of a JSON head (4 bytes, little-endian), the head, then float64 values of the quantiles. */
  encode(): Uint8Array {
    const { k, count, buffer, runs } = this.#numbers.state();
    const { count: finite, mean, squares, min, max } = this.#moments;
    const head = Buffer.from(
      JSON.stringify({
        ...{ version: 1, k, count, buffer: buffer.length, runs: runs.map((run) => run?.length ?? 0) },
        moments: [finite, mean, squares, min, max].map(String),
        ...{ missing: this.#missing, texts: [...this.#texts.counts], total: this.#texts.total },
        few:
          this.#few === undefined ? null : Array.from(this.#few, ([value, times]) => [String(value), times] as const),
      } satisfies Head),
    );
    const values = [buffer, ...runs.flatMap((run) => (run === undefined ? [] : [run]))];
    const bytes = Buffer.alloc(4 + head.length + 8 * values.reduce((sum, { length }) => sum + length, 0));
    bytes.writeUInt32LE(head.length, 0);
    head.copy(bytes, 4);
    let at = 4 + head.length;
    for (const part of values) for (const value of part) at = bytes.writeDoubleLE(value, at);
    return bytes;
  }

  /** @param seed of what is kept where values are halved from now on */
  static decode(bytes: Uint8Array, seed = 1): ColumnSketch {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = data.readUInt32LE(0);
    const head = JSON.parse(data.toString('utf8', 4, 4 + length)) as Head;
    let at = 4 + length;
    const read = (count: number): Float64Array =>
      Float64Array.from({ length: count }, () => {
        at += 8;
        return data.readDoubleLE(at - 8);
      });
    const sketch = new ColumnSketch(seed);
    const buffer = read(head.buffer);
    const runs = head.runs.map((count) => (count === 0 ? undefined : read(count)));
    sketch.#numbers = QuantileSketch.from(derive(seed, 'column sketch', head.count), { ...head, buffer, runs });
    const [finite, mean, squares, min, max] = head.moments.map(Number);
    sketch.#moments = { count: finite, mean, squares, min, max };
    sketch.#texts = new FrequencySketch(head.texts, head.total);
    sketch.#few = head.few === null ? undefined : new Map(head.few.map(([value, times]) => [Number(value), times]));
    sketch.#missing = head.missing;
    return sketch;
  }
}

interface Head {
  readonly version: 1;
  readonly k: number;
  readonly count: number;
  readonly buffer: number;
  readonly runs: readonly number[];
  /** Count, mean, squares, min, max; numbers as text here and in `few`, for JSON knows no infinite ones. */
  readonly moments: readonly string[];
  readonly missing: number;
  readonly texts: readonly (readonly [string, number])[];
  readonly total: number;
  readonly few: readonly (readonly [string, number])[] | null;
}

function momentsOf(numbers: readonly number[]): Moments {
  const values = numbers.filter(Number.isFinite);
  let [mean, min, max] = [0, Infinity, -Infinity];
  for (const value of values) {
    mean += value / values.length;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { count: values.length, mean, squares, min, max };
}
