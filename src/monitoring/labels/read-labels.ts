import { missingOf, textOf } from '../../data/column-values.js';
import { type Column, findColumn, isScalar, type Table } from '../../data/table.js';
import { BallastError } from '../../errors.js';
import type { NewLabel } from '../../store/index.js';

export interface LabelColumns {
  /** The prediction's id; default `id`. */
  readonly id?: string;
  /** The truth; default `label`. */
  readonly label?: string;
  /** When it was known; without it all are known at `now`. */
  readonly time?: string;
  readonly source: string;
  readonly now: number;
}

/**
 * The labels of a table; rows whose label is missing are left out, as in a file that is labelled by and by.
 *
 * @throws BallastError `LABELS_COLUMN`, `LABELS_ID_MISSING`
 */
export function labelsOfTable(table: Table, place: string, columns: LabelColumns): NewLabel[] {
  const { id: idName = 'id', label: labelName = 'label', time, source, now } = columns;
  const ids = textOf(columnOf(table, idName, '--id', place));
  const column = columnOf(table, labelName, '--label', place);
  const [isMissing, text] = [missingOf(column), textOf(column)];
  const known = time === undefined ? () => now : timesOf(columnOf(table, time, '--time', place));
  const labels: NewLabel[] = [];
  for (let row = 0; row < table.rows; row++) {
    if (isMissing(row)) continue;
    const id = ids(row);
    if (id === '') {
      throw new BallastError('a label has no prediction id', {
        code: 'LABELS_ID_MISSING',
        place: `${place} row ${row + 1}`,
        remedy: `Give the id that the answer came with in column "${idName}"`,
      });
    }
    const isNumber = column.kind === 'number' && column.type !== 'boolean';
    labels.push({ id, label: isNumber ? column.values[row] : text(row), knownAt: known(row), source });
  }
  return labels;
}

function columnOf(table: Table, name: string, option: string, place: string): Column {
  const column = findColumn(table, name);
  if (column !== undefined && isScalar(column)) return column;
  throw new BallastError(`there is no column "${name}"`, {
    code: 'LABELS_COLUMN',
    place,
    remedy: `Name one with ${option}; columns are ${table.columns
      .map((each) => each.name)
      .slice(0, 20)
      .join(', ')}`,
  });
}

function timesOf(column: Column): (row: number) => number {
  if (column.kind === 'time' || column.kind === 'number') return (row) => Math.round(column.values[row]);
  throw new BallastError(`column "${column.name}" holds no times`, {
    code: 'LABELS_COLUMN',
    remedy: 'Write times as 2026-03-01T12:00:00Z or as milliseconds since 1970',
  });
}
