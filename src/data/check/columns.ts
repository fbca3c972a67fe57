import { missingOf, textOf } from '../column-values.js';
import type { Roles } from '../roles.js';
import { requireColumn } from '../roles.js';
import { type Column, isScalar, type NumberColumn, type Table } from '../table.js';
import { type Finding, percent } from './finding.js';

const MOSTLY = 0.5;
/** Share of distinct values from which a column is taken for a name of the row. */
const NEARLY_ALL = 0.95;
/** Fewer rows are distinct by chance. */
const ROWS_FOR_IDS = 50;
/** Longer texts are prose. */
const ID_LENGTH = 40;
/** |mean| / sd from which float32, with 24 bits, keeps less than some 7 bits of the variation. */
const PRECISION = 2 ** 17;

/**
 * Feature columns that say nothing, or say the wrong thing: CONSTANT_FEATURE, EMPTY_FEATURE, MOSTLY_MISSING_FEATURE,
 * ID_LIKE_FEATURE (a value of its own for nearly every row), IMPRECISE_FEATURE (float32 rounds most of its variation off).
 *
 * @param rows the rows that are looked at: training and validation
 */
export function checkColumns(table: Table, roles: Roles, rows: Uint32Array): Finding[] {
  return roles.features.flatMap((name) => {
    const column = requireColumn(table, name);
    return isScalar(column) ? checkColumn(column, rows) : [];
  });
}

function checkColumn(column: Column, rows: Uint32Array): Finding[] {
  const columns = [column.name];
  const missing = missingOf(column);
  const present = rows.filter((row) => !missing(row));
  const share = 1 - present.length / rows.length;
  if (present.length === 0) {
    return [
      {
        code: 'EMPTY_FEATURE',
        severity: 'error',
        message: `column "${column.name}" has no value at all`,
        remedy: 'Exclude it in data.features.exclude: training refuses it.',
        columns,
      },
    ];
  }
  const distinct = distinctValues(column, present);
  if (distinct === 1 && share === 0) {
    return [
      {
        code: 'CONSTANT_FEATURE',
        severity: 'info',
        message: `column "${column.name}" has the same value in every row, and is left out of the model`,
        remedy: 'Exclude it in data.features.exclude, or mend the source if it should vary.',
        columns,
      },
    ];
  }
  const findings: Finding[] = [];
  if (share > MOSTLY) {
    findings.push({
      code: 'MOSTLY_MISSING_FEATURE',
      severity: 'info',
      message: `column "${column.name}" is missing in ${percent(share)} of the rows`,
      remedy: 'Make sure that it is missing as often in production, or exclude it.',
      columns,
      figures: { share },
    });
  }
  if (distinct >= NEARLY_ALL * present.length && present.length >= ROWS_FOR_IDS && looksLikeId(column, present)) {
    findings.push({
      code: 'ID_LIKE_FEATURE',
      severity: 'warning',
      message: `column "${column.name}" has ${distinct} different values in ${present.length} rows: it names rows`,
      remedy: 'Name it in data.columns.id, or exclude it: a model can only learn it by heart.',
      columns,
      figures: { distinct },
    });
  }
  if (column.kind === 'number' && column.type === 'float' && isImprecise(column, present)) {
    findings.push({
      code: 'IMPRECISE_FEATURE',
      severity: 'warning',
      message: `column "${column.name}" varies so little around its mean that float32, which models take, rounds most of it off`,
      remedy: 'Subtract a constant from it, or store it as a whole number of smaller units.',
      columns,
    });
  }
  return findings;
}

function distinctValues(column: Column, rows: Uint32Array): number {
  if (column.kind === 'number' || column.kind === 'time') {
    const seen = new Set<number>();
    for (const row of rows) seen.add(column.values[row]);
    return seen.size;
  }
  const text = textOf(column);
  const seen = new Set<string>();
  for (const row of rows) seen.add(text(row));
  return seen.size;
}

/** Whole numbers that count the rows up, or short words. Prose and measurements are distinct too, and mean something. */
function looksLikeId(column: Column, rows: Uint32Array): boolean {
  if (column.kind === 'number') return column.type === 'integer' && countsUp(column, rows);
  if (column.kind !== 'category' && column.kind !== 'text') return false;
  const text = textOf(column);
  return rows.every((row) => text(row).length <= ID_LENGTH && !text(row).includes(' '));
}

function countsUp({ values }: NumberColumn, rows: Uint32Array): boolean {
  let rising = true;
  let falling = true;
  let least = values[rows[0]];
  let most = least;
  for (let i = 1; i < rows.length; i++) {
    const [before, value] = [values[rows[i - 1]], values[rows[i]]];
    if (value <= before) rising = false;
    if (value >= before) falling = false;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  // Gaps are where held-out rows are: a list of row numbers is nearly dense.
  return rising || falling || most - least + 1 <= rows.length * 2;
}

function isImprecise({ values }: NumberColumn, rows: Uint32Array): boolean {
  let sum = 0;
  for (const row of rows) sum += values[row];
  const mean = sum / rows.length;
  let squares = 0;
  for (const row of rows) squares += (values[row] - mean) ** 2;
  const deviation = Math.sqrt(squares / rows.length);
  return deviation > 0 && Math.abs(mean) > deviation * PRECISION;
}
