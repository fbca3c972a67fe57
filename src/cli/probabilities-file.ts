import { readTable } from '../data/read/read.js';
import { findColumn, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import type { ClassificationInput } from '../evaluation/input.js';

const SCORE_COLUMNS = ['predictions', 'probabilities', 'logits'];
/** What the readers call `ground_truth` and `labels` of an archive. */
const LABEL_COLUMNS = ['label', 'labels', 'ground_truth', 'target'];

/**
 * Scores and labels out of a file: an array a row, or one column a class beside a column of labels.
 *
 * @param target name of the column of labels, where it is none of the usual ones
 * @param names of the classes, in the order of the scores; those of the columns, or their numbers, unless given
 * @throws BallastError CALIBRATE_LABELS, CALIBRATE_SCORES naming the file, and the row where one is at fault
 */
export async function readProbabilities(
  source: string,
  target: string | undefined,
  names?: readonly string[],
): Promise<{ predictions: ClassificationInput; classes: number }> {
  const table = await readTable(source, { baseDirectory: process.cwd() });
  const label = table.columns.find(({ name }) =>
    target === undefined ? LABEL_COLUMNS.includes(name) : name === target,
  );
  if (label === undefined) {
    throw new BallastError('the file has no column of labels', {
      code: 'CALIBRATE_LABELS',
      place: source,
      remedy: `Name it ${LABEL_COLUMNS.join(', ')}, or give --target; columns are ${columnNames(table)}`,
    });
  }
  const arrays = SCORE_COLUMNS.map((name) => findColumn(table, name)).find((column) => column?.kind === 'array');
  const columns = table.columns.filter((column) => column !== label && column.kind === 'number');
  const classNames = arrays === undefined ? columns.map(({ name }) => name) : undefined;
  const width = arrays?.kind === 'array' ? arrays.shape.reduce((a, b) => a * b, 1) : columns.length;
  if (width === 0 || table.columns.length < 2) {
    throw new BallastError('the file has no probabilities', {
      code: 'CALIBRATE_SCORES',
      place: source,
      remedy: `An archive holds ${SCORE_COLUMNS.join(' | ')}; a CSV one column of numbers a class. Columns are ${columnNames(table)}`,
    });
  }
  const scores =
    arrays?.kind === 'array'
      ? Float64Array.from(arrays.data, Number)
      : Float64Array.from({ length: table.rows * width }, (_, i) => {
          const column = columns[i % width];
          return column.kind === 'number' ? column.values[Math.floor(i / width)] : Number.NaN;
        });
  const classes = Math.max(2, width);
  const known = names ?? (classNames?.length === classes ? classNames : undefined);
  if (known !== undefined && known.length !== classes) {
    throw new BallastError(`the file has scores of ${classes} classes, and ${known.length} are named`, {
      code: 'CALIBRATE_SCORES',
      place: '--classes',
      remedy: 'Name one class a column, in their order',
    });
  }
  const codes = labelCodes(label, known, classes, table.rows, source);
  const kind =
    arrays?.name === 'logits' || (arrays === undefined && areLogits(scores, width, source))
      ? 'logits'
      : 'probabilities';
  const classification = { task: 'classification', target: codes, [kind]: scores } as const;
  return { predictions: known === undefined ? classification : { ...classification, classes: known }, classes };
}

/**
 * Whether columns of a CSV are scores before softmax: some lie outside of 0 to 1. Where most rows are probabilities all the
 * same, those few are faults rather than another kind of score.
 */
function areLogits(scores: Float64Array, width: number, source: string): boolean {
  const outside = scores.findIndex((p) => p < 0 || p > 1);
  if (outside < 0) return false;
  const rows = scores.length / width;
  let probable = 0;
  for (let row = 0; row < rows; row++) {
    const part = scores.subarray(row * width, (row + 1) * width);
    if (width > 1 && part.every((p) => p >= 0 && p <= 1) && Math.abs(part.reduce((a, b) => a + b, 0) - 1) < 1e-3)
      probable++;
  }
  if (probable <= rows / 2) return true;
  throw new BallastError(`${scores[outside]} is no probability, and most rows of the file are probabilities`, {
    code: 'CALIBRATE_SCORES',
    place: `${source}, row ${Math.floor(outside / width) + 1}`,
    remedy: 'Correct the row; or give scores before softmax in all of them',
  });
}

function labelCodes(
  label: Table['columns'][number],
  classNames: readonly string[] | undefined,
  classes: number,
  rows: number,
  source: string,
): Int32Array {
  const text = (row: number): string =>
    label.kind === 'category'
      ? (label.dictionary[label.codes[row]] ?? '')
      : label.kind === 'number'
        ? String(label.values[row])
        : '';
  return Int32Array.from({ length: rows }, (_, row) => {
    const value = text(row);
    const named = classNames?.findIndex((name) => name === value || name === `p_${value}` || name === `class_${value}`);
    const code = named !== undefined && named >= 0 ? named : Number(value);
    if (value !== '' && Number.isInteger(code) && code >= 0 && code < classes) return code;
    throw new BallastError(`the label "${value}" is of none of the ${classes} classes`, {
      code: 'CALIBRATE_LABELS',
      place: `${source}, row ${row + 1}`,
      remedy:
        classNames === undefined
          ? `Labels are 0 to ${classes - 1}, in the order of the scores`
          : `Labels are 0 to ${classes - 1}, or names of columns: ${classNames.slice(0, 20).join(', ')}`,
    });
  });
}

const columnNames = (table: Table): string =>
  table.columns
    .map(({ name }) => name)
    .slice(0, 20)
    .join(', ');
