import { BallastError } from '../errors.js';
import type { GroupColumn } from './input.js';

/** The rows of every code of a column that occurs, by ascending code; missing (-1) first. */
export function rowsByGroup(column: GroupColumn, rows: number): Map<number, Int32Array> {
  if (column.codes.length !== rows) {
    throw new BallastError(`Column ${column.name} has ${column.codes.length} values for ${rows} rows`, {
      code: 'EVALUATION_SHAPE',
      value: column.codes.length,
    });
  }
  const sizes = new Int32Array(column.dictionary.length + 1);
  for (let i = 0; i < rows; i++) {
    const code = column.codes[i];
    if (!(Number.isInteger(code) && code >= -1 && code < column.dictionary.length)) {
      throw new BallastError(`A code of column ${column.name} is not in its dictionary`, {
        code: 'EVALUATION_GROUP_CODE',
        place: `row ${i}`,
        value: code,
      });
    }
    sizes[code + 1]++;
  }
  const groups = new Map<number, Int32Array>();
  sizes.forEach((size, at) => {
    if (size > 0) groups.set(at - 1, new Int32Array(size));
  });
  sizes.fill(0);
  for (let i = 0; i < rows; i++) {
    const code = column.codes[i];
    groups.get(code)![sizes[code + 1]++] = i;
  }
  return groups;
}
