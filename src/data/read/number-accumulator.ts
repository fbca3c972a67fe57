import duckdb from '@duckdb/node-bindings';
import { BallastError } from '../../errors.js';
import type { NumberColumn, TimeColumn } from '../table.js';
import type { Accumulator } from './accumulator.js';
import type { Budget } from './budget.js';
import { Growing } from './growing.js';

/** Integers from here on are not all doubles: such a column holds identifiers, not quantities. */
const EXACT = 2 ** 53;

/** Thrown when a column of integers has a value beyond 2^53; the reader then takes the column as strings. */
export class WideInteger extends Error {
  constructor(readonly column: string) {
    super(`integers beyond 2^53 in ${column}`);
  }
}

interface NumberOptions {
  readonly name: string;
  readonly type: NumberColumn['type'];
  /** Expression of the value, castable to DOUBLE. */
  readonly expression: string;
  /** Round fractional numbers to float32. */
  readonly rounded: boolean;
  /** The type was asked for: values that are not of it are errors. */
  readonly demanded: boolean;
  readonly place: string;
  readonly budget: Budget;
  /** Likely number of rows. */
  readonly capacity: number;
}

/** Collects numbers: in float32 as long as every value is one (or rounding was asked for), in float64 otherwise. */
export class NumberAccumulator implements Accumulator {
  readonly expressions: readonly string[];
  readonly #options: NumberOptions;
  #narrow: Growing<Float32Array<ArrayBuffer>> | undefined;
  #wide: Growing<Float64Array<ArrayBuffer>> | undefined;
  #rows = 0;
  #whole = true;
  #largest = 0;

  constructor(options: NumberOptions) {
    this.#options = options;
    this.#narrow = new Growing((length) => new Float32Array(length), options.capacity);
    const cast = this.#single ? 'FLOAT' : 'DOUBLE';
    this.expressions = [`coalesce(CAST(${options.expression} AS ${cast}), CAST('NaN' AS ${cast}))`];
  }

  get #single(): boolean {
    return this.#options.rounded && this.#options.type === 'float';
  }

  add([vector]: readonly duckdb.Vector[], rows: number): void {
    const { budget, place, type, demanded, name } = this.#options;
    this.#rows += rows;
    if (this.#single) {
      const bytes = duckdb.vector_get_data(vector, 4 * rows);
      budget.spend(4 * rows, place);
      this.#narrow?.append(new Float32Array(bytes.buffer, bytes.byteOffset, rows));
      return;
    }
    const bytes = duckdb.vector_get_data(vector, 8 * rows);
    const values = new Float64Array(bytes.buffer, bytes.byteOffset, rows);
    if (this.#whole) this.#inspect(values);
    if (type !== 'float') {
      if (demanded) this.#demand(values);
      else if (this.#whole && this.#largest >= EXACT) throw new WideInteger(name);
    }
    if (this.#narrow !== undefined && !survives(values)) this.#widen();
    budget.spend((this.#narrow === undefined ? 8 : 4) * rows, place);
    (this.#narrow ?? this.#wide)?.append(values);
  }

  /** A column that was found to be fractional, but holds nothing but integers of which some are beyond 2^53. */
  get looksLikeIdentifiers(): boolean {
    return this.#options.type === 'float' && this.#whole && this.#largest >= EXACT;
  }

  #inspect(values: Float64Array): void {
    for (const value of values) {
      if (Number.isNaN(value)) continue;
      if (!Number.isInteger(value)) {
        this.#whole = false;
        return;
      }
      if (Math.abs(value) > this.#largest) this.#largest = Math.abs(value);
    }
  }

  #demand(values: Float64Array): void {
    const { type, name, place } = this.#options;
    const boolean = type === 'boolean';
    const at = values.findIndex((value) =>
      Number.isNaN(value) ? false : boolean ? value !== 0 && value !== 1 : !Number.isSafeInteger(value),
    );
    if (at >= 0) {
      throw new BallastError(`the column ${name} is not ${boolean ? 'boolean' : 'of exact integers'}`, {
        code: 'DATA_TYPE',
        place: `${place} row ${this.#rows - values.length + at + 1}`,
        value: values[at],
        remedy: 'Give the column another type.',
      });
    }
  }

  #widen(): void {
    const wide = new Growing((length) => new Float64Array(length), this.#options.capacity);
    const narrow = this.#narrow?.finish();
    if (narrow !== undefined) {
      this.#options.budget.spend(4 * narrow.length, this.#options.place);
      wide.append(narrow);
    }
    this.#wide = wide;
    this.#narrow = undefined;
  }

  finish(): NumberColumn {
    const { name, type, rounded } = this.#options;
    const values = this.#narrow?.finish() ?? this.#wide?.finish() ?? new Float32Array(0);
    if (type !== 'integer' || this.#whole) return { kind: 'number', name, type, values };
    // Integers as far as the types were inferred from, and then a fraction.
    return { kind: 'number', name, type: 'float', values: rounded ? Float32Array.from(values) : values };
  }
}

/** Collects instants, given as milliseconds since the epoch. */
export class TimeAccumulator implements Accumulator {
  readonly expressions: readonly string[];
  readonly #name: string;
  readonly #budget: Budget;
  readonly #place: string;
  readonly #values: Growing<Float64Array<ArrayBuffer>>;

  constructor(name: string, expression: string, place: string, budget: Budget, capacity: number) {
    this.#name = name;
    this.#values = new Growing((length) => new Float64Array(length), capacity);
    this.#place = place;
    this.#budget = budget;
    this.expressions = [`coalesce(CAST(${expression} AS DOUBLE), CAST('NaN' AS DOUBLE))`];
  }

  add([vector]: readonly duckdb.Vector[], rows: number): void {
    const bytes = duckdb.vector_get_data(vector, 8 * rows);
    this.#budget.spend(8 * rows, this.#place);
    this.#values.append(new Float64Array(bytes.buffer, bytes.byteOffset, rows));
  }

  finish(): TimeColumn {
    return { kind: 'time', name: this.#name, values: this.#values.finish() };
  }
}

function survives(values: Float64Array): boolean {
  for (const value of values) if (Math.fround(value) !== value && !Number.isNaN(value)) return false;
  return true;
}
