import { textOf } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { Table } from '../table.js';

/** For each row the number of its group, in order of first occurrence; rows are of one group where all columns agree. */
export function groupIds(table: Table, columns: readonly string[], rows: Uint32Array): Int32Array {
  const texts = columns.map((name) => textOf(requireColumn(table, name, 'the group column', 'data.columns.group')));
  const known = new Map<string, number>();
  return Int32Array.from(rows, (row) => {
    const key = texts.length === 1 ? texts[0](row) : JSON.stringify(texts.map((text) => text(row)));
    let id = known.get(key);
    if (id === undefined) {
      id = known.size;
      known.set(key, id);
    }
    return id;
  });
}
