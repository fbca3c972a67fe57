import { BallastError } from '../../errors.js';
import type { SparseColumn } from '../table.js';

/** Numbers of a row at most: a model takes rows written out in full. */
export const WIDEST = 10_000_000;

/** Sparse rows as they are read one after the other. */
export class SparseRows {
  #starts = new Int32Array(1024);
  #indices = new Int32Array(16_384);
  #values = new Float64Array(16_384);
  #count = 0;
  #last = -1;
  rows = 0;
  /** Largest place so far, and least. */
  largest = -1;
  least = Number.POSITIVE_INFINITY;

  /**
   * Adds a value to the present row.
   *
   * @param place within the row; larger than the one before
   * @param at where it stands: its file and line
   * @throws BallastError DATA_SPARSE_INDEX, DATA_NOT_FINITE
   */
  add(place: number, value: number, at: string): void {
    if (!(Number.isInteger(place) && place >= 0 && place < WIDEST)) {
      throw wrong('DATA_SPARSE_INDEX', `an index is a whole number from 0 to ${WIDEST - 1}`, at, place);
    }
    if (place <= this.#last) {
      const what = place === this.#last ? 'an index stands twice in a row' : 'the indices of a row are not ascending';
      throw wrong('DATA_SPARSE_INDEX', what, at, place);
    }
    if (!Number.isFinite(value)) throw wrong('DATA_NOT_FINITE', 'sparse numbers are finite', at, value);
    this.#last = place;
    this.largest = Math.max(this.largest, place);
    this.least = Math.min(this.least, place);
    if (value === 0) return;
    if (this.#count === this.#indices.length) {
      this.#indices = grown(this.#indices, new Int32Array(2 * this.#count));
      this.#values = grown(this.#values, new Float64Array(2 * this.#count));
    }
    this.#indices[this.#count] = place;
    this.#values[this.#count++] = value;
  }

  endRow(): void {
    this.#last = -1;
    this.rows++;
    if (this.rows === this.#starts.length) this.#starts = grown(this.#starts, new Int32Array(2 * this.rows));
    this.#starts[this.rows] = this.#count;
  }

  /**
   * @param width numbers of a row
   * @param first place that the first of them has
   */
  column(name: string, width: number, first = 0): SparseColumn {
    const values = this.#values.slice(0, this.#count);
    const narrow = Float32Array.from(values);
    const survives = narrow.every((value, at) => value === values[at]);
    return {
      kind: 'sparse',
      name,
      width,
      starts: this.#starts.slice(0, this.rows + 1),
      indices: this.#indices.slice(0, this.#count).map((place) => place - first),
      values: survives ? narrow : values,
    };
  }
}

function grown<Values extends Int32Array | Float64Array>(values: Values, larger: Values): Values {
  larger.set(values);
  return larger;
}

function wrong(code: string, message: string, place: string, value: number): BallastError {
  return new BallastError(message, { code, place, value: String(value), remedy: 'Mend the file, or write it again' });
}
