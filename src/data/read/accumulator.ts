import type duckdb from '@duckdb/node-bindings';
import type { Column } from '../table.js';

/** Collects one column of the table from the chunks of a query. */
export interface Accumulator {
  /** Expressions of the query that it needs; their vectors are passed to {@link add}. */
  readonly expressions: readonly string[];
  add(vectors: readonly duckdb.Vector[], rows: number): void;
  finish(): Column;
}
