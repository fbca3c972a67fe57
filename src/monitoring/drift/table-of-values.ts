import type { Column, Table } from '../../data/table.js';
import type { ComparedKind } from './source-summary.js';

/** Values as a table of numbers and categories. */
export function tableOfValues(
  columns: readonly { readonly name: string; readonly kind: ComparedKind }[],
  rows: number,
  value: (name: string, row: number) => number | string | null,
): Table {
  return {
    rows,
    columns: columns.map(({ name, kind }): Column => {
      if (kind === 'number') {
        const values = Float64Array.from({ length: rows }, (_, row) => {
          const each = value(name, row);
          return typeof each === 'number' ? each : Number.NaN;
        });
        return { kind, name, type: 'float', values };
      }
      const codeOf = new Map<string, number>();
      const codes = Int32Array.from({ length: rows }, (_, row) => {
        const each = value(name, row);
        if (each === null || each === '') return -1;
        const known = codeOf.get(String(each)) ?? codeOf.size;
        codeOf.set(String(each), known);
        return known;
      });
      return { kind, name, codes, dictionary: [...codeOf.keys()] };
    }),
  };
}
