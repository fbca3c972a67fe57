import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Table } from '../../data/table.js';
import { BallastError } from '../../errors.js';
import { prepareSample } from '../sample.js';
import { formulaDifference, formulaFigure, formulaValues, requireFormulas } from './formula.js';

const table: Table = {
  rows: 4,
  columns: [
    { kind: 'number', name: 'amount', type: 'number', values: Float64Array.of(10, 20, Number.NaN, 40) },
    { kind: 'category', name: 'town', codes: Int32Array.of(0, 1, -1, 0), dictionary: ['rome', 'oslo'] },
    { kind: 'number', name: 'the price', type: 'number', values: Float64Array.of(1, 2, 3, 4) },
  ],
} as unknown as Table;
const rows = Uint32Array.of(3, 0, 1);
const sample = prepareSample({
  task: 'classification',
  target: [1, 0, 1],
  probabilities: [0.2, 0.8, 0.4, 0.6, 0.3, 0.7],
  classes: ['no', 'yes'],
});

const values = (expression: string, at = rows): number[] => [
  ...formulaValues([{ name: 'f', expression }], sample, { table, rows: at })[0].values,
];

function failure(run: () => unknown): BallastError {
  try {
    run();
  } catch (error) {
    if (error instanceof BallastError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a formula', () => {
  it('knows columns, answers and probabilities of each row', () => {
    expect(values('amount')).toEqual([40, 10, 20]);
    expect(values('predicted == actual ? 0 : amount')).toEqual([0, 10, 0]);
    expect(values('probability("yes") * amount')).toEqual([32, 6, 14]);
    expect(values('town == "oslo" && amount > 15')).toEqual([0, 0, 1]);
    expect(values('column("the price") ** 2 - max(amount, 15, 3)')).toEqual([16 - 40, 1 - 15, 4 - 20]);
    expect(values('!(amount >= 20) || town != "rome"')).toEqual([0, 1, 1]);
    expect(values('-amount % 15 + +1')).toEqual([-9, -9, -4]);
  });

  it('says what counts where a value is missing', () => {
    const all = Uint32Array.of(0, 2, 1);
    expect(values('missing(amount) ? 0 : amount', all)).toEqual([10, 0, 20]);
    expect(values('missing(town)', all)).toEqual([0, 1, 0]);
    expect(values('amount > 5', all)).toEqual([1, 0, 1]);
    const error = failure(() => values('amount', all));
    expect(error).toMatchObject({ code: 'FORMULA_NOT_FINITE', exitCode: 2 });
    expect(error.message).toContain('row 3');
    expect(failure(() => values('1 / 0'))).toMatchObject({ code: 'FORMULA_NOT_FINITE' });
  });

  it.each([
    ['amount +', 'FORMULA_SYNTAX'],
    ['', 'FORMULA_SYNTAX'],
    ['amount; 1', 'FORMULA_SYNTAX'],
    ['amount.constructor', 'FORMULA_SYNTAX'],
    ['process["exit"](1)', 'FORMULA_SYNTAX'],
    ['[1, 2]', 'FORMULA_SYNTAX'],
    ['this', 'FORMULA_SYNTAX'],
    ['amount | 1', 'FORMULA_SYNTAX'],
    ['constructor("1")', 'FORMULA_SYNTAX'],
    ['min(amount)', 'FORMULA_SYNTAX'],
    ['column(amount)', 'FORMULA_SYNTAX'],
    ['('.repeat(3000), 'FORMULA_SYNTAX'],
    ['amuont', 'FORMULA_NAME'],
    ['constructor', 'FORMULA_NAME'],
    ['probability("maybe")', 'FORMULA_NAME'],
    ['town', 'FORMULA_TYPE'],
    ['town + 1', 'FORMULA_TYPE'],
    ['predicted == 1', 'FORMULA_TYPE'],
    ['amount > 3 ? "a" : 1', 'FORMULA_TYPE'],
  ])('is refused as %j: %s', (expression, code) => {
    const error = failure(() => requireFormulas([{ name: 'f', expression }], ['no', 'yes'], table));
    expect(error).toMatchObject({ code, place: '--formula', exitCode: 2 });
  });

  it('says of a class beside a number that it stands in quotes', () => {
    const error = failure(() => requireFormulas([{ name: 'f', expression: 'predicted == 1' }], ['0', '1'], table));
    expect(error.message).toMatch(/one side of "==" is a text and the other a number: .* in quotes/);
  });

  it('is read, or refused by an error of its own, whatever it says', () => {
    const piece = fc.constantFrom(
      ...['amount', 'town', '"rome"', '1', '2.5', '+', '-', '*', '/', '==', '<', '&&', '!', '?', ':', '(', ')', ','],
      ...['missing(', 'min(', 'column("town")', 'probability("yes")', 'this', '[', ']', '.', '`', '\\', ' '],
    );
    const said = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(said, (expression) => {
        try {
          requireFormulas([{ name: 'f', expression }], ['no', 'yes'], table);
        } catch (error) {
          expect(error).toBeInstanceOf(BallastError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('has a mean, whose interval is that of Student for many rows, and a weighted sum', () => {
    const n = 5000;
    const numbers = Float64Array.from({ length: n }, (_, i) => (i % 7) ** 2);
    const mean = numbers.reduce((sum, value) => sum + value, 0) / n;
    const variance = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n;
    const figure = formulaFigure({ name: 'f', expression: 'f', values: numbers, weights: undefined });
    expect(figure.mean?.value).toBeCloseTo(mean, 12);
    expect(figure.total).toBeCloseTo(mean * n, 6);
    const [low, high] = figure.mean?.interval ?? [0, 0];
    expect((high - low) / 2 / (1.96 * Math.sqrt(variance / n))).toBeCloseTo(1, 2);
    const weighted = formulaFigure({
      name: 'f',
      expression: 'f',
      values: Float64Array.of(1, 5),
      weights: Float64Array.of(3, 1),
    });
    expect([weighted.mean?.value, weighted.total]).toEqual([2, 8]);
  });

  it('is told of each class and slice, whose sums are that of the whole', () => {
    const groups = [{ name: 'town', codes: Int32Array.of(0, 0, -1), dictionary: ['rome', 'oslo'] }];
    const [found] = formulaValues([{ name: 'f', expression: 'amount' }], sample, { table, rows, groups });
    const { perClass, slices, total } = formulaFigure(found);
    expect(Object.entries(perClass).map(([name, { rows: count, total: sum }]) => [name, count, sum])).toEqual([
      ['no', 1, 10],
      ['yes', 2, 60],
    ]);
    expect(slices.map(({ slice, value, rows: count, total: sum }) => [slice, value, count, sum])).toEqual([
      ['town', undefined, 1, 20],
      ['town', 'rome', 2, 50],
    ]);
    expect(total).toBe(70);
  });

  it('is told of a slice with an interval that knows how few rows it has', () => {
    const numbers = Float64Array.from({ length: 5000 }, (_, i) => Math.sin(i));
    const classes = {
      name: 'actual',
      codes: Int32Array.from(numbers, (_, i) => Number(i % 50 === 0)),
      dictionary: ['a', 'b'],
    };
    const { perClass } = formulaFigure({ name: 'f', expression: 'f', values: numbers, weights: undefined, classes });
    const width = (name: string): number => perClass[name].mean!.interval[1] - perClass[name].mean!.interval[0];
    expect(width('b') / width('a')).toBeGreaterThan(5);
  });

  it('names the end where that is where something is missing', () => {
    expect(failure(() => values('amount +')).message).toContain('at the end');
    expect(failure(() => values('max(amount, ')).message).toContain('at the end');
    expect(failure(() => values('amount # 3')).message).toContain('at character 8');
  });

  it('is paired between two models: what both do alike has no noise', () => {
    const first = Float64Array.from({ length: 2000 }, (_, i) => 100 * Math.sin(i) + 1);
    const second = first.map((value) => value - 1);
    const { mean } = formulaDifference(
      { name: 'f', expression: 'f', values: first, weights: undefined },
      { name: 'f', expression: 'f', values: second, weights: undefined },
    );
    expect(mean?.value).toBeCloseTo(1, 9);
    expect(mean?.interval[0]).toBeCloseTo(1, 6);
  });
});
