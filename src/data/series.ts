import { BallastError } from '../errors.js';
import { sizeOf } from '../graph/tensor.js';
import { numbersOf } from './column-values.js';
import type { FeatureOptions } from './options.js';
import { requireColumn } from './roles.js';
import type { ArrayColumn, Column, Table } from './table.js';

/**
 * The table with the series that `features.series` declares, as array columns [length, channels] of content `series`:
 *
 *     columns, no past    one channel whose steps are these number columns, in order; or one array column a row,
 *                         [length] or [length, channels]. The columns become the series: they are gone
 *     columns and past    one channel a column, the values of the `past` rows before this one in the order of the
 *                         source, the latest last; NaN (missing) before the first row. The columns stay
 *
 * A name that ends in `*` stands for every column that begins so and is no series itself, in the order of the table.
 *
 * @throws BallastError DATA_COLUMN_ABSENT, DATA_COLUMN_TYPE, DATA_COLUMN_TWICE (a series is called as a column is)
 */
export function applySeries(table: Table, { series }: Pick<FeatureOptions, 'series'>): Table {
  const entries = Object.entries(series);
  if (entries.length === 0) return table;
  const gone = new Set<Column>();
  const made = entries.map(([name, { columns, past }]): ArrayColumn => {
    const place = `data.features.series.${name}`;
    const parts = columns.flatMap((column) => columnsOf(table, column, place));
    if (past !== undefined) return { ...series2d(name, past, parts.length), data: windows(parts, past, place) };
    for (const part of parts) gone.add(part);
    const [first] = parts;
    if (parts.length === 1 && first.kind === 'array') return ofArray(name, first);
    return { ...series2d(name, parts.length, 1), data: sideBySide(parts, table.rows, place) };
  });
  const kept = table.columns.filter((column) => !gone.has(column));
  const twice = made.find(({ name }) => kept.some((column) => column.name === name));
  if (twice !== undefined) {
    throw new BallastError('a series is called as a column is', {
      code: 'DATA_COLUMN_TWICE',
      place: `data.features.series.${twice.name}`,
      value: twice.name,
      remedy: 'Give the series another name',
    });
  }
  return { rows: table.rows, columns: [...kept, ...made] };
}

const series2d = (name: string, length: number, channels: number) =>
  ({ kind: 'array', name, content: 'series', shape: [length, channels] }) as const;

function columnsOf(table: Table, name: string, place: string): Column[] {
  if (!name.endsWith('*')) return [requireColumn(table, name, 'a column of the series', place)];
  const found = table.columns.filter((column) => column.name.startsWith(name.slice(0, -1)));
  return found.length > 0 ? found : [requireColumn(table, name, 'a column of the series', place)];
}

function ofArray(name: string, { shape, data }: ArrayColumn): ArrayColumn {
  const [length = 1, ...channels] = shape;
  return { ...series2d(name, length, sizeOf(channels)), data };
}

/** Steps of one channel, [rows, columns]. */
function sideBySide(columns: readonly Column[], rows: number, place: string): Float32Array {
  const data = new Float32Array(rows * columns.length);
  for (const [step, column] of columns.entries()) {
    const values = numbersOf(column, 'a series', place);
    for (let row = 0; row < rows; row++) data[row * columns.length + step] = values[row];
  }
  return data;
}

/** Values of the rows before each row, [rows, past, columns]. */
function windows(columns: readonly Column[], past: number, place: string): Float32Array {
  const values = columns.map((column) => numbersOf(column, 'a series', place));
  const channels = columns.length;
  const data = new Float32Array(values[0].length * past * channels).fill(Number.NaN);
  for (let row = 0; row < values[0].length; row++) {
    for (let step = Math.max(0, past - row); step < past; step++) {
      const at = (row * past + step) * channels;
      for (let channel = 0; channel < channels; channel++) data[at + channel] = values[channel][row - past + step];
    }
  }
  return data;
}
