import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import type { Inputs } from '../../../test/support/training-problem.js';
import { float32 } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { tabularAugmentation } from './index.js';

const [ROWS, COLUMNS] = [500, 8];
const INPUTS: Inputs = [{ name: 'x', content: 'tabular', type: 'float32', shape: [COLUMNS] }];

/** Every value tells its row and its column. */
const TABLE = Array.from({ length: ROWS * COLUMNS }, (_, i) => Math.floor(i / COLUMNS) + 1000 * (i % COLUMNS));

async function augmented(
  table: readonly number[],
  strength: number,
  {
    swap = 1,
    dropout = 0,
    jitter = 0,
    inputs: described = INPUTS,
  }: { swap?: number; dropout?: number; jitter?: number; inputs?: Inputs } = {},
): Promise<number[]> {
  const rows = table.length / COLUMNS;
  const { y } = await computed(
    { x: float32([rows, COLUMNS], table), t: float32([rows, 1], new Float32Array(rows)), s: float32([], [strength]) },
    (computation) => {
      const { inputs } = computation;
      const context = stepContext(computation, inputs.s, { inputs: described, batchSize: rows });
      const batch = { inputs: { x: inputs.x }, target: inputs.t };
      const result = tabularAugmentation.hooks.batch!(context, { swap, dropout, jitter }, batch);
      expect(result.target).toBe(inputs.t);
      return { y: result.inputs.x };
    },
  );
  return y;
}

describe('swap noise', () => {
  it.each([0.1, 0.5])('takes a share of %f of the values from the next row, in the same column', async (strength) => {
    const result = await augmented(TABLE, strength);
    let swapped = 0;
    result.forEach((value, i) => {
      const row = Math.floor(i / COLUMNS);
      const other = TABLE[((row + 1) % ROWS) * COLUMNS + (i % COLUMNS)];
      expect([TABLE[i], other]).toContain(value);
      if (value === other) swapped++;
    });
    const error = Math.sqrt((strength * (1 - strength)) / result.length);
    expect(Math.abs(swapped / result.length - strength)).toBeLessThan(5 * error);
  });

  it('keeps the values of every column: nothing is made up', async () => {
    const stream = derive(3, 'categories');
    const codes = Array.from({ length: ROWS * COLUMNS }, (_, i) => (i % COLUMNS) * 10 + stream.integer(3));
    const result = await augmented(codes, 0.3);
    for (let column = 0; column < COLUMNS; column++) {
      const valuesOf = (table: readonly number[]): number[] => table.filter((_, i) => i % COLUMNS === column);
      const known = new Set(valuesOf(codes));
      expect(valuesOf(result).every((value) => known.has(value))).toBe(true);
      const share = (table: readonly number[], value: number): number =>
        valuesOf(table).filter((v) => v === value).length / ROWS;
      for (const value of known) {
        expect(Math.abs(share(result, value) - share(codes, value))).toBeLessThan(
          5 * Math.sqrt((2 * 0.3 * 0.25) / ROWS),
        );
      }
    }
  });

  it('swaps value by value, not row by row', async () => {
    const result = await augmented(TABLE, 0.5);
    const rows = Array.from({ length: ROWS }, (_, r) =>
      Array.from({ length: COLUMNS }, (_, c) => (result[r * COLUMNS + c] === TABLE[r * COLUMNS + c] ? 0 : 1)),
    );
    const wholly = rows.filter((row) => new Set(row).size === 1).length / ROWS;
    expect(wholly).toBeLessThan(0.05);
  });

  it('swaps the features of one group together', async () => {
    // Columns 0, 3 and 5 are the codes of one category; 1 and 2 are a number and its missing indicator.
    const groups = [0, 1, 1, 0, 2, 0, 3, 4];
    const result = await augmented(TABLE, 0.4, { inputs: [{ ...INPUTS[0], groups }] });
    let disagreements = 0;
    for (let row = 0; row < ROWS; row++) {
      const swapped = groups.map((_, c) => result[row * COLUMNS + c] !== TABLE[row * COLUMNS + c]);
      expect(new Set([swapped[0], swapped[3], swapped[5]]).size).toBe(1);
      expect(swapped[1]).toBe(swapped[2]);
      if (swapped[0] !== swapped[1]) disagreements++;
    }
    expect(Math.abs(disagreements / ROWS - 0.48)).toBeLessThan(5 * Math.sqrt(0.25 / ROWS));
  });

  it('is the identity at strength 0 and for a row without a partner', async () => {
    expect(await augmented(TABLE, 0, { jitter: 1 })).toEqual(TABLE);
    expect(await augmented(TABLE.slice(0, COLUMNS), 0.9)).toEqual(TABLE.slice(0, COLUMNS));
  });
});

describe('feature dropout', () => {
  it('puts a share of strength times dropout of the values to 0, and leaves the others', async () => {
    const table = TABLE.map((value) => value + 1);
    const result = await augmented(table, 0.5, { swap: 0, dropout: 0.6 });
    result.forEach((value, i) => {
      expect([0, table[i]]).toContain(value);
    });
    const share = result.filter((value) => value === 0).length / result.length;
    expect(Math.abs(share - 0.3)).toBeLessThan(5 * Math.sqrt((0.3 * 0.7) / result.length));
  });

  it('drops the features of one group together, and not those that are swapped in particular', async () => {
    const groups = [0, 1, 1, 0, 2, 0, 3, 4];
    const ones = TABLE.map((value) => value + 1);
    const result = await augmented(ones, 0.5, { dropout: 1, inputs: [{ ...INPUTS[0], groups }] });
    let [swapped, both] = [0, 0];
    for (let row = 0; row < ROWS; row++) {
      const dropped = groups.map((_, c) => result[row * COLUMNS + c] === 0);
      expect(new Set([dropped[0], dropped[3], dropped[5]]).size).toBe(1);
      expect(dropped[1]).toBe(dropped[2]);
      if (result[row * COLUMNS + 4] !== 0 && result[row * COLUMNS + 4] !== ones[row * COLUMNS + 4]) swapped++;
      if (dropped[4]) both++;
    }
    const error = 5 * Math.sqrt(0.25 / ROWS);
    expect(Math.abs(both / ROWS - 0.5)).toBeLessThan(error);
    expect(Math.abs(swapped / ROWS - 0.25)).toBeLessThan(error);
  });
});

describe('jitter', () => {
  it('has the declared deviation times the strength', async () => {
    const zeros = TABLE.map(() => 0);
    const result = await augmented(zeros, 0.5, { jitter: 0.6 });
    const deviation = Math.sqrt(result.reduce((sum, v) => sum + v * v, 0) / result.length);
    expect(Math.abs(deviation / 0.3 - 1)).toBeLessThan(5 / Math.sqrt(2 * result.length));
  });
});
