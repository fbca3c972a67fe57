import { missingOf, textOf } from '../data/column-values.js';
import type { ReadOptions } from '../data/read/options.js';
import { readTable } from '../data/read/read.js';
import { type Column, findColumn, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';

/** A table of answers, whose columns are asked for by the names that a task gives them, or what `--input` calls them. */
export class PredictionsFile {
  readonly #source: string;
  readonly #table: Table;
  readonly #renamed: ReadonlyMap<string, string>;
  readonly #asked = new Set<string>();

  private constructor(source: string, table: Table, renamed: ReadonlyMap<string, string>) {
    this.#source = source;
    this.#table = table;
    this.#renamed = renamed;
  }

  /**
   * @param renames `NAME=COLUMN`, as of `--input`
   * @param texts names of columns that are text, whatever they look like
   * @throws BallastError USAGE, and those of reading a table
   */
  static async read(
    source: string,
    renames: readonly string[],
    texts: readonly string[] = [],
  ): Promise<PredictionsFile> {
    const renamed = new Map(
      renames.map((rename): [string, string] => {
        const at = rename.indexOf('=');
        if (at < 1 || at === rename.length - 1) {
          throw new BallastError(`"${rename}" names no column`, {
            code: 'USAGE',
            place: '--input',
            remedy: 'Write NAME=COLUMN, such as query=session_id',
          });
        }
        return [rename.slice(0, at), rename.slice(at + 1)];
      }),
    );
    const columns: ReadOptions['columns'] = Object.fromEntries(
      texts.map((name) => [renamed.get(name) ?? name, 'text']),
    );
    return new PredictionsFile(source, await readTable(source, { baseDirectory: process.cwd(), columns }), renamed);
  }

  get rows(): number {
    return this.#table.rows;
  }

  has(name: string): boolean {
    return findColumn(this.#table, this.#nameOf(name)) !== undefined;
  }

  /** @throws BallastError PREDICTIONS_COLUMN where there is none, or it holds no numbers */
  numbers(name: string): ArrayLike<number> {
    const column = this.#column(name);
    if (column.kind === 'number') return column.values;
    throw this.#fault(`column "${column.name}" is not of numbers`, `${name} is a number`);
  }

  optionalNumbers(name: string): ArrayLike<number> | undefined {
    return this.has(name) || this.#renamed.has(name) ? this.numbers(name) : undefined;
  }

  texts(name: string): string[] {
    const text = textOf(this.#column(name));
    return Array.from({ length: this.rows }, (_, row) => text(row));
  }

  /** Equal values, equal codes. */
  codes(name: string): Int32Array {
    const column = this.#column(name);
    const [text, missing] = [textOf(column), missingOf(column)];
    const codes = new Map<string, number>();
    return Int32Array.from({ length: this.rows }, (_, row) => {
      if (missing(row)) throw this.#fault(`row ${row + 1} has no ${name}`, 'Leave such rows out');
      const value = text(row);
      if (!codes.has(value)) codes.set(value, codes.size);
      return codes.get(value) as number;
    });
  }

  /** @throws BallastError USAGE where `--input` named something that nothing asked for */
  refuseUnused(): void {
    const unused = [...this.#renamed.keys()].find((name) => !this.#asked.has(name));
    if (unused === undefined) return;
    throw new BallastError(`the task has nothing that is called "${unused}"`, {
      code: 'USAGE',
      place: '--input',
      remedy: `It has ${[...this.#asked].join(', ')}`,
    });
  }

  #nameOf(name: string): string {
    this.#asked.add(name);
    return this.#renamed.get(name) ?? name;
  }

  #column(name: string): Column {
    const column = findColumn(this.#table, this.#nameOf(name));
    if (column !== undefined) return column;
    const known = this.#table.columns.map((each) => each.name).slice(0, 20);
    throw this.#fault(
      `there is no column "${this.#nameOf(name)}"`,
      `Say which one it is: --input ${name}=COLUMN; columns are ${known.join(', ')}`,
    );
  }

  #fault(message: string, remedy: string): BallastError {
    return new BallastError(message, { code: 'PREDICTIONS_COLUMN', place: this.#source, remedy });
  }
}
