import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashes } from '../../test/support/tables.js';
import { cutNear } from './cut.js';
import { allocate, type Split, type SplitInput, type SplitSettings, type SplitStrategy, split } from './split.js';

const settings = (strategy: SplitStrategy, over: Partial<SplitSettings> = {}): SplitSettings => ({
  strategy,
  validation: 0.2,
  holdout: 0.2,
  seed: 1,
  ...over,
});

/** Rows with classes, groups and times; contents repeat when `distinct` is below `rows`. */
const inputs = fc
  .record({
    rows: fc.integer({ min: 40, max: 300 }),
    classes: fc.integer({ min: 1, max: 4 }),
    groups: fc.integer({ min: 5, max: 30 }),
    salt: fc.nat(1_000_000),
  })
  .map(({ rows, classes, groups, salt }): SplitInput & { rows: number } => {
    const index = Array.from({ length: rows }, (_, i) => i);
    return {
      rows,
      hashes: hashes(index.map((i) => i * 7919 + salt)),
      strata: Int32Array.from(index, (i) => (i * i + salt) % classes),
      groups: hashes(index.map((i) => (i < groups ? i : (i * 31 + salt) % groups))),
      times: Float64Array.from(index, (i) => ((i * 104729) % rows) - salt),
    };
  });

const strategies = fc.constantFrom<SplitStrategy>('random', 'stratified', 'group', 'time');
const parts = ['train', 'validation', 'holdout'] as const;

function partOf(result: Split, rows: number): string[] {
  const part: string[] = Array(rows).fill('none');
  for (const name of parts) for (const row of result[name]) part[row] = part[row] === 'none' ? name : 'twice';
  return part;
}

describe('split', () => {
  it('puts every row into exactly one part, ascending, the same for the same seed', () => {
    fc.assert(
      fc.property(inputs, strategies, fc.nat(5), (input, strategy, seed) => {
        const result = split(input, settings(strategy, { seed }));
        expect(partOf(result, input.rows)).not.toContain('none');
        expect(partOf(result, input.rows)).not.toContain('twice');
        for (const name of parts) expect(result[name]).toEqual(result[name].slice().sort());
        expect(split(input, settings(strategy, { seed }))).toEqual(result);
      }),
    );
  });

  it('honours sizes given as shares or counts', () => {
    fc.assert(
      fc.property(inputs, fc.constantFrom<SplitStrategy>('random', 'stratified', 'time'), (input, strategy) => {
        const shares = split(input, settings(strategy, { validation: 0.3, holdout: 0.1 }));
        expect(shares.validation.length).toBe(Math.round(0.3 * input.rows));
        expect(shares.holdout.length).toBe(Math.round(0.1 * input.rows));
        const counts = split(input, settings(strategy, { validation: 7, holdout: 11 }));
        expect([counts.validation.length, counts.holdout.length]).toEqual([7, 11]);
      }),
    );
  });

  it('gives each class its share, to within one row', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const result = split(input, settings('stratified'));
        const strata = input.strata ?? new Int32Array();
        const count = (rows: Iterable<number>, stratum: number): number =>
          [...rows].filter((row) => strata[row] === stratum).length;
        for (const stratum of new Set(strata)) {
          const total = count(strata.keys(), stratum);
          for (const part of ['validation', 'holdout'] as const) {
            const share = (result[part].length * total) / input.rows;
            expect(Math.abs(count(result[part], stratum) - share)).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  it('depends on what rows are, not on where they stand', () => {
    fc.assert(
      fc.property(inputs, strategies, fc.nat(), (input, strategy, salt) => {
        const order = Array.from({ length: input.rows }, (_, i) => i).sort(
          (a, b) => ((a * 7 + salt) % 13) - ((b * 7 + salt) % 13),
        );
        const shuffled = {
          hashes: BigUint64Array.from(order, (i) => input.hashes[i]),
          strata: Int32Array.from(order, (i) => input.strata?.[i] ?? 0),
          groups: BigUint64Array.from(order, (i) => input.groups?.[i] ?? 0n),
          times: Float64Array.from(order, (i) => input.times?.[i] ?? 0),
        };
        const before = partOf(split(input, settings(strategy)), input.rows);
        const after = partOf(split(shuffled, settings(strategy)), input.rows);
        expect(after).toEqual(order.map((i) => before[i]));
      }),
    );
  });

  it('moves few rows when rows are added', () => {
    const index = Array.from({ length: 1000 }, (_, i) => i);
    const before = partOf(split({ hashes: hashes(index) }, settings('random')), 1000);
    const after = partOf(
      split({ hashes: hashes([...index, ...index.map((i) => i + 5000)]) }, settings('random')),
      2000,
    );
    const moved = index.filter((i) => before[i] !== after[i]).length;
    expect(moved).toBeLessThan(60);
    const reseeded = partOf(split({ hashes: hashes(index) }, settings('random', { seed: 2 })), 1000);
    expect(index.filter((i) => before[i] !== reseeded[i]).length).toBeGreaterThan(400);
  });

  it('keeps equal rows together, also across classes', () => {
    fc.assert(
      fc.property(inputs, fc.constantFrom<SplitStrategy>('random', 'stratified'), (input, strategy) => {
        const repeated = BigUint64Array.from(input.hashes, (_, i) => input.hashes[i % Math.ceil(input.rows / 2)]);
        const part = partOf(split({ ...input, hashes: repeated }, settings(strategy)), input.rows);
        const first = new Map<bigint, string>();
        repeated.forEach((hash, row) => {
          expect(part[row]).toBe(first.get(hash) ?? part[row]);
          first.set(hash, part[row]);
        });
      }),
    );
  });

  it('keeps groups whole and comes near the sizes', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const result = split(input, settings('group'));
        const part = partOf(result, input.rows);
        const seen = new Map<bigint, string>();
        let largest = 0;
        const counts = new Map<bigint, number>();
        input.groups?.forEach((group, row) => {
          expect(part[row]).toBe(seen.get(group) ?? part[row]);
          seen.set(group, part[row]);
          counts.set(group, (counts.get(group) ?? 0) + 1);
          largest = Math.max(largest, counts.get(group) ?? 0);
        });
        expect(Math.abs(result.holdout.length - 0.2 * input.rows)).toBeLessThanOrEqual(largest);
      }),
    );
  });

  it('gives a group split its parts even where one group is nearly everything', () => {
    const groups = hashes([...Array(90).fill(0), ...Array(5).fill(1), ...Array(5).fill(2)]);
    const result = split({ hashes: hashes(Array.from(groups.keys())), groups }, settings('group'));
    expect([result.train.length, result.validation.length, result.holdout.length]).toEqual([90, 5, 5]);
  });

  it('cuts by time: the last rows are held out, those before them validate', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const times = input.times ?? new Float64Array();
        const result = split(input, settings('time'));
        const range = (rows: Uint32Array): [number, number] => {
          const values = [...rows].map((row) => times[row]);
          return [Math.min(...values), Math.max(...values)];
        };
        expect(range(result.train)[1]).toBeLessThan(range(result.validation)[0]);
        expect(range(result.validation)[1]).toBeLessThan(range(result.holdout)[0]);
      }),
    );
  });

  it('does not separate equal instants', () => {
    const times = Float64Array.from([1, 1, 1, 2, 2, 2, 2, 3, 3, 3]);
    const result = split({ hashes: hashes(times.keys() as unknown as number[]), times }, settings('time'));
    expect([...result.holdout]).toEqual([7, 8, 9]);
    expect([...result.validation]).toEqual([3, 4, 5, 6]);
  });

  it('holds locked rows out whatever their rank', () => {
    fc.assert(
      fc.property(inputs, strategies, fc.nat(), (input, strategy, pick) => {
        const times = input.times ?? new Float64Array();
        const locked = new Uint8Array(input.rows);
        // Under a time split a locked row pulls everything after it along: lock one of the later half.
        const candidates = [...times.keys()].filter((row) => times[row] > -1e6 && times[row] >= median(times));
        locked[candidates[pick % candidates.length]] = 1;
        const result = split(input, settings(strategy), locked);
        expect(partOf(result, input.rows)[locked.indexOf(1)]).toBe('holdout');
        expect(partOf(result, input.rows)).not.toContain('twice');
      }),
    );
  });

  it('says what is wrong', () => {
    const ten = { hashes: hashes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) };
    expect(() => split(ten, settings('random', { holdout: 5, validation: 5 }))).toThrow(/leave nothing of 10 rows/);
    expect(() => split({ hashes: hashes([1, 1, 1, 1, 1]) }, settings('random'))).toThrow(/no row for/);
    expect(() => split({ ...ten, groups: hashes(Array(10).fill(1)) }, settings('group'))).toThrow(/1 group\(s\)/);
    const times = Float64Array.from([1, 2, Number.NaN, 4, 5, 6, 7, 8, 9, 10]);
    expect(() => split({ ...ten, times }, settings('time'))).toThrow(/time column is missing/);
  });
});

const median = (values: Float64Array): number => values.slice().sort()[values.length >> 1];

describe('allocate', () => {
  it('adds up and stays within one of the exact share', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(50), { minLength: 1, maxLength: 8 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (counts, share) => {
          const all = counts.reduce((a, b) => a + b, 0);
          fc.pre(all > 0);
          const total = Math.round(share * all);
          const shares = allocate(total, counts);
          expect(shares.reduce((a, b) => a + b, 0)).toBe(total);
          shares.forEach((s, i) => {
            expect(Math.abs(s - (total * counts[i]) / all)).toBeLessThan(1);
          });
        },
      ),
    );
  });
});

describe('cutNear', () => {
  it('moves to the nearer side of a run of equal values', () => {
    const values = Float64Array.from([1, 2, 2, 2, 2, 3]);
    expect([0, 1, 2, 3, 4, 5, 6, 9].map((wanted) => cutNear(values, wanted))).toEqual([0, 1, 1, 1, 5, 5, 6, 6]);
  });
});
