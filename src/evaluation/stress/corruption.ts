import type { Column } from '../../data/table.js';
import type { Random } from '../../numeric/random.js';

/** Something that goes wrong with data on its way to a model, in five degrees. */
export interface Corruption {
  readonly name: string;
  /** What it does, and what the amounts are. */
  readonly summary: string;
  readonly source: string;
  /** By severity 1 to 5. */
  readonly amounts: readonly [number, number, number, number, number];
  /** Whether a column can go wrong in this way. */
  appliesTo(column: Column): boolean;
  /**
   * A column gone wrong. Missing values stay missing, and the column keeps its kind, its rows and its shape.
   *
   * @param random a stream of this column's own
   */
  corrupt(column: Column, amount: number, random: Random): Column;
}

/** A corruption of one kind of column, with its type known. */
export function corruptionOf<Kind extends Column['kind']>(
  definition: Pick<Corruption, 'name' | 'summary' | 'source' | 'amounts'> & {
    readonly kind: Kind;
    /** Further conditions. */
    readonly only?: (column: Extract<Column, { kind: Kind }>) => boolean;
    readonly corrupt: (column: Extract<Column, { kind: Kind }>, amount: number, random: Random) => Column;
  },
): Corruption {
  const { kind, only, corrupt, ...rest } = definition;
  const isOf = (column: Column): column is Extract<Column, { kind: Kind }> =>
    column.kind === kind && (only?.(column as Extract<Column, { kind: Kind }>) ?? true);
  return {
    ...rest,
    appliesTo: isOf,
    corrupt(column, amount, random) {
      if (!isOf(column)) throw new Error(`${definition.name} does not apply to ${column.name}`);
      return corrupt(column, amount, random);
    },
  };
}
