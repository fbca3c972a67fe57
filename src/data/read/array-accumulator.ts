import duckdb from '@duckdb/node-bindings';
import type { ArrayColumn } from '../table.js';
import type { Accumulator } from './accumulator.js';
import type { Budget } from './budget.js';
import { Growing } from './growing.js';

/** Collects lists of one length, as float32. */
export class ArrayAccumulator implements Accumulator {
  readonly expressions: readonly string[];
  readonly #name: string;
  readonly #length: number;
  readonly #budget: Budget;
  readonly #place: string;
  readonly #values: Growing<Float32Array<ArrayBuffer>>;

  constructor(name: string, expression: string, length: number, place: string, budget: Budget, capacity: number) {
    this.#name = name;
    this.#length = length;
    this.#values = new Growing((count) => new Float32Array(count), capacity * length);
    this.#place = place;
    this.#budget = budget;
    this.expressions = [`CAST(${expression} AS FLOAT[${length}])`];
  }

  add([vector]: readonly duckdb.Vector[], rows: number): void {
    const count = rows * this.#length;
    this.#budget.spend(4 * count, this.#place);
    const bytes = duckdb.vector_get_data(duckdb.array_vector_get_child(vector), 4 * count);
    this.#values.append(new Float32Array(bytes.buffer, bytes.byteOffset, count));
  }

  finish(): ArrayColumn {
    const data = this.#values.finish();
    return { kind: 'array', name: this.#name, content: 'features', shape: [this.#length], data };
  }
}
