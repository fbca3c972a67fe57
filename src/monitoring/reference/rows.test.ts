import { expect, test } from 'vitest';
import { split } from '../../data/split.js';
import { derive } from '../../numeric/random.js';
import { type ReferenceRows, referenceRows } from './rows.js';

const ROWS = 4000;
const SHARE = 0.3;
const SETTINGS = { strategy: 'stratified', validation: 0.2, holdout: 0.2 } as const;

/** Rows of two classes; 30 % of them are one and the same row of class 0, class 1 is rare. */
function table(repeats = SHARE): { hashes: BigUint64Array; strata: Int32Array } {
  const random = derive(5, 'rows');
  const hashes = new BigUint64Array(ROWS);
  const strata = new Int32Array(ROWS);
  for (let row = 0; row < ROWS; row++) {
    const isRepeat = random.uniform() < repeats;
    hashes[row] = isRepeat ? 7n : BigInt(row + 1000);
    strata[row] = !isRepeat && random.uniform() < 0.04 ? 1 : 0;
  }
  return { hashes, strata };
}

const shareOf = ({ rows }: ReferenceRows, is: (row: number) => boolean): number => rows.filter(is).length / rows.length;

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  'stand for all rows, whichever part the repeated row is in (seed %i)',
  (seed) => {
    const input = table();
    const parts = split(input, { ...SETTINGS, seed });
    const data = { strategy: SETTINGS.strategy, input, ...parts, wanted: SETTINGS.validation * ROWS };
    const repeated = input.hashes.filter((hash) => hash === 7n).length / ROWS;
    const inHoldout = parts.holdout.some((row) => input.hashes[row] === 7n);
    const rare = input.strata.filter((stratum) => stratum === 1).length / ROWS;
    for (const take of ['unseen', 'all'] as const) {
      const reference = referenceRows(data, take);
      expect(reference.unknown).toBe(inHoldout ? repeated : 0);
      expect(shareOf(reference, (row) => input.hashes[row] === 7n)).toBeCloseTo(inHoldout ? 0 : repeated, 2);
      expect(shareOf(reference, (row) => input.strata[row] === 1)).toBeCloseTo(
        inHoldout ? rare / (1 - repeated) : rare,
        2,
      );
      expect(reference.rows.some((row) => parts.holdout.includes(row))).toBe(false);
      expect(reference.rows.length).toBeGreaterThan(take === 'all' ? 1500 : 400);
    }
  },
);

test('are the parts of the split where no row is there often', () => {
  const input = table(0);
  const { train, validation, holdout } = split(input, { ...SETTINGS, seed: 1 });
  const data = { strategy: SETTINGS.strategy, input, train, validation, holdout, wanted: SETTINGS.validation * ROWS };
  expect(referenceRows(data, 'unseen')).toEqual({ rows: validation, unknown: 0 });
  expect(referenceRows(data, 'all').rows).toHaveLength(train.length + validation.length);
});
