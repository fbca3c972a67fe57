import { missingOf, textOf } from '../../data/column-values.js';
import { findColumn, isScalar, type Table } from '../../data/table.js';
import { estimate, resolveIntervals } from '../estimate.js';
import type { Figure } from '../figure.js';
import { rowsByGroup } from '../groups.js';
import type { GroupColumn, IntervalOptions } from '../input.js';
import { invalid } from '../invalid.js';
import { rowMean } from '../row-mean.js';
import type { Sample } from '../sample.js';
import { type Names, parseFormula, type Term } from './parse.js';

/** A number of each row that a user cares for, such as what it earns: its name and how it is worked out. */
export interface Formula {
  readonly name: string;
  readonly expression: string;
}

/** A formula over some rows. */
interface FormulaSum {
  /** Of a row; undefined where there are too few for an interval. */
  readonly mean: Figure | undefined;
  /** Over all of the rows, weighted as they are. */
  readonly total: number;
}

export interface FormulaFigure extends Formula, FormulaSum {
  /** Of the rows of each true class; of a regression nothing. */
  readonly perClass: Readonly<Record<string, FormulaSum & { readonly rows: number }>>;
  /** Of the rows that a column tells apart: `value` is undefined where it is missing. */
  readonly slices: readonly (FormulaSum & {
    readonly slice: string;
    readonly value: string | undefined;
    readonly rows: number;
  })[];
}

/** The values of a formula, [rows], with what they are of. */
export interface FormulaValues extends Formula {
  readonly values: Float64Array;
  readonly weights: Float64Array | undefined;
  /** True classes as a column; undefined of a regression. */
  readonly classes?: GroupColumn;
  readonly groups?: readonly GroupColumn[];
}

export interface RowsOfTable {
  readonly table: Table;
  readonly rows: Uint32Array;
  /** Columns whose values are slices of the rows. */
  readonly groups?: readonly GroupColumn[];
}

/**
 * Whether formulas can be had of a model's answers, before anything is scored.
 *
 * @param classes undefined of a regression
 * @throws BallastError FORMULA_SYNTAX, FORMULA_NAME, FORMULA_TYPE
 */
export function requireFormulas(
  formulas: readonly Formula[],
  classes: readonly string[] | undefined,
  table: Table,
): void {
  const none = { target: [], predicted: [], probabilities: new Float64Array() };
  const names = namesOf(none, classes, { table, rows: new Uint32Array() });
  for (const { expression } of formulas) parseFormula(expression, names);
}

/**
 * What each formula is of each row. A formula knows the columns of the table, `actual` and `predicted` (of a classification
 * the names of the classes), and `probability("class")`.
 *
 * @param rows of the table that the sample is about, in its order
 * @throws BallastError FORMULA_SYNTAX, FORMULA_NAME, FORMULA_TYPE, FORMULA_NOT_FINITE
 */
export function formulaValues(
  formulas: readonly Formula[],
  sample: Sample,
  { table, rows, groups = [] }: RowsOfTable,
): FormulaValues[] {
  const names = namesOf(sample, sample.task === 'classification' ? sample.classes : undefined, { table, rows });
  const classes: GroupColumn | undefined =
    sample.task === 'classification'
      ? { name: 'actual', codes: Int32Array.from(sample.target), dictionary: sample.classes }
      : undefined;
  return formulas.map((formula) => {
    const { of } = parseFormula(formula.expression, names);
    const values = new Float64Array(rows.length);
    let [without, first] = [0, 0];
    for (let row = 0; row < rows.length; row++) {
      values[row] = of(row);
      if (!Number.isFinite(values[row]) && without++ === 0) first = rows[row];
    }
    if (without > 0) throw notFinite(formula, without, first);
    return { ...formula, values, weights: sample.weights, ...(classes && { classes }), groups };
  });
}

/** Parts are many and small: fewer resamples each. */
const OF_PART = { resamples: 400, maxRows: 500 } as const;

/** Mean and sum of a formula's values, of each class and slice too; intervals as of any mean of rows. */
export function formulaFigure(
  { name, expression, values, weights, classes, groups = [] }: FormulaValues,
  options: IntervalOptions = {},
): FormulaFigure {
  const within = (column: GroupColumn) =>
    [...rowsByGroup(column, values.length)].map(([code, rows]) => ({
      value: code < 0 ? undefined : column.dictionary[code],
      rows: rows.length,
      ...sumOf(
        Float64Array.from(rows, (row) => values[row]),
        weights && Float64Array.from(rows, (row) => weights[row]),
        { ...options, bootstrap: { ...OF_PART, ...options.bootstrap } },
      ),
    }));
  const ofClasses = classes === undefined ? [] : within(classes);
  return {
    ...{ name, expression, ...sumOf(values, weights, options) },
    perClass: Object.fromEntries(ofClasses.map(({ value, ...sum }) => [value, sum])),
    slices: groups.flatMap((column) => within(column).map((sum) => ({ slice: column.name, ...sum }))),
  };
}

function sumOf(values: Float64Array, weights: Float64Array | undefined, options: IntervalOptions): FormulaSum {
  const measured = rowMean(values, weights);
  const estimand = { measured, range: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const };
  const [mean] = estimate([estimand], values.length, resolveIntervals(options));
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] * (weights === undefined ? 1 : weights[i]);
  return { mean, total };
}

/** How much more a formula is with the first model than with the second, on the same rows and paired. */
export function formulaDifference(
  first: FormulaValues,
  second: FormulaValues,
  options: IntervalOptions = {},
): FormulaFigure {
  return formulaFigure({ ...first, values: first.values.map((value, row) => value - second.values[row]) }, options);
}

interface Answers {
  readonly target: ArrayLike<number>;
  readonly predicted: ArrayLike<number>;
  readonly probabilities?: Float64Array | undefined;
}

/** @param classes undefined of a regression */
function namesOf(
  { target, predicted, probabilities }: Answers,
  classes: readonly string[] | undefined,
  { table, rows }: RowsOfTable,
): Names {
  const answer = (codes: ArrayLike<number>): Term =>
    classes === undefined
      ? { type: 'number', of: (row) => codes[row] }
      : { type: 'text', of: (row) => classes[codes[row]] };
  const special = new Map<string, Term>([
    ['actual', answer(target)],
    ['predicted', answer(predicted)],
  ]);
  const scored = probabilities === undefined || classes === undefined ? [] : classes;
  return {
    term: (name, kind) => (kind === 'name' ? special.get(name) : undefined) ?? columnTerm(table, name, rows),
    probability: (className) => {
      const k = scored.indexOf(className);
      return k < 0
        ? undefined
        : { type: 'number', of: (row) => probabilities?.[row * scored.length + k] ?? Number.NaN };
    },
    known: [
      ...special.keys(),
      ...scored.map((name) => `probability("${name}")`),
      ...table.columns.filter(isScalar).map(({ name }) => name),
    ],
  };
}

/** A number as it is and a boolean as 0 or 1, NaN where missing; anything else as text, '' where missing. */
function columnTerm(table: Table, name: string, rows: Uint32Array): Term | undefined {
  const column = findColumn(table, name);
  if (column === undefined || !isScalar(column)) return undefined;
  if (column.kind === 'number') {
    const { values } = column;
    return { type: 'number', of: (row) => values[rows[row]] };
  }
  const [missing, text] = [missingOf(column), textOf(column)];
  return { type: 'text', of: (row) => (missing(rows[row]) ? '' : text(rows[row])) };
}

const notFinite = ({ name, expression }: Formula, count: number, first: number) =>
  invalid(
    `the formula "${name}" has no finite number in ${count === 1 ? 'a row' : `${count} rows`}, the first of them row ${first + 1}`,
    'FORMULA_NOT_FINITE',
    expression,
    '--formula',
    'Say what counts where a value is missing: missing(amount) ? 0 : amount',
  );
