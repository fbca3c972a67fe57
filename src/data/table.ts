/**
 * A table as columns in memory: what every reader produces and what splitting, checking and preprocessing consume.
 * Immutable by convention. Rows are addressed by index; a subset is a list of indices, not a copy.
 */
export interface Table {
  readonly rows: number;
  readonly columns: readonly Column[];
}

/** Numbers, integers, booleans (0 / 1). Missing is NaN. Float32Array only where every value survives the rounding. */
export interface NumberColumn {
  readonly kind: 'number';
  readonly name: string;
  readonly type: 'float' | 'integer' | 'boolean';
  readonly values: Float32Array | Float64Array;
}

/**
 * Set where a column says which file or part of the source a row is from: nothing that a model will be asked with, and often
 * the answer. It is no feature unless it is asked for.
 */
type Provenance = true;

/** Short strings with repeats, dictionary-encoded. Missing is code -1. */
export interface CategoryColumn {
  readonly kind: 'category';
  readonly name: string;
  readonly codes: Int32Array;
  readonly dictionary: readonly string[];
  readonly provenance?: Provenance;
}

/** Free text. Missing is ''. */
export interface TextColumn {
  readonly kind: 'text';
  readonly name: string;
  readonly values: readonly string[];
  readonly provenance?: Provenance;
}

/** Instants as milliseconds since the epoch, UTC. Missing is NaN. */
export interface TimeColumn {
  readonly kind: 'time';
  readonly name: string;
  readonly values: Float64Array;
}

/** One fixed-shape array a row: an image [channels, height, width], a waveform [samples], a token sequence. */
export interface ArrayColumn {
  readonly kind: 'array';
  readonly name: string;
  /** What it shows; decides preprocessing and augmentation. */
  readonly content: 'image' | 'audio' | 'tokens' | 'series' | 'features';
  readonly shape: readonly number[];
  /** Of waveforms: samples a second. */
  readonly sampleRate?: number;
  /** rows * product(shape) elements, row-major. Images are 0-255. */
  readonly data: Uint8Array | Int32Array | Float32Array;
}

/** Many numbers a row, of which most are 0: only the others are kept, as compressed rows. */
export interface SparseColumn {
  readonly kind: 'sparse';
  readonly name: string;
  /** Numbers of a row. */
  readonly width: number;
  /** Where the values of each row start, and behind the last row where they end. */
  readonly starts: Int32Array;
  /** Place of each value within its row: ascending there, none twice. */
  readonly indices: Int32Array;
  /** Finite. Float32Array only where every value survives the rounding. */
  readonly values: Float32Array | Float64Array;
}

export type Column = NumberColumn | CategoryColumn | TextColumn | TimeColumn | ArrayColumn | SparseColumn;

/** A column of one value a row. */
export type ScalarColumn = Exclude<Column, ArrayColumn | SparseColumn>;

export function isScalar(column: Column): column is ScalarColumn {
  return column.kind !== 'array' && column.kind !== 'sparse';
}

const columnIndex = new WeakMap<Table, ReadonlyMap<string, Column>>();

/** The column of that name (the first, where there are several), or undefined. */
export function findColumn(table: Table, name: string): Column | undefined {
  // Tables of gene expressions have thousands of columns, each of which is looked up.
  let index = columnIndex.get(table);
  if (index === undefined) {
    index = new Map([...table.columns].reverse().map((column) => [column.name, column]));
    columnIndex.set(table, index);
  }
  return index.get(name);
}
