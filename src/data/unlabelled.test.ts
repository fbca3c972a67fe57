import { describe, expect, it } from 'vitest';
import { allRows, categories, hashes, numbers } from '../../test/support/tables.js';
import { apartFrom, byTarget, splitInputOf } from './unlabelled.js';

const rows = (...list: number[]): Uint32Array => Uint32Array.from(list);

describe('rows without a target', () => {
  it('are told from the others, whatever the kind of the target', () => {
    const expected = { labelled: rows(0, 2), unlabelled: rows(1, 3) };
    expect(byTarget(categories('y', ['a', '', 'b', '']), 4)).toEqual(expected);
    expect(byTarget(numbers('y', [1, Number.NaN, 0, Number.NaN]), 4)).toEqual(expected);
  });

  it('leave the others with their own hashes, strata, groups and times', () => {
    const input = {
      hashes: hashes([0, 1, 2, 3]),
      strata: Int32Array.of(0, 1, 2, 3),
      groups: hashes([4, 5, 6, 7]),
      times: Float64Array.of(0, 10, 20, 30),
    };
    expect(splitInputOf(input, rows(1, 3))).toEqual({
      hashes: hashes([1, 3]),
      strata: Int32Array.of(1, 3),
      groups: hashes([5, 7]),
      times: Float64Array.of(10, 30),
    });
  });

  it('are not trained on where their id is held out, now or by the lock', () => {
    const input = { hashes: hashes([1, 2, 3, 1, 4, 5]) };
    expect(apartFrom(rows(3, 4, 5), rows(0), input)).toEqual(rows(4, 5));
    expect(apartFrom(rows(3, 4, 5), rows(0), input, hashes([5]))).toEqual(rows(4));
  });

  it('are not trained on where their group is held out, or their instant comes after', () => {
    const own = hashes(allRows(6));
    const grouped = { hashes: own, groups: hashes([1, 2, 3, 1, 2, 9]) };
    expect(apartFrom(rows(3, 4, 5), rows(1), grouped)).toEqual(rows(3, 5));
    const timed = { hashes: own, times: Float64Array.of(5, 7, 9, 6, 7, Number.NaN) };
    expect(apartFrom(rows(3, 4, 5), rows(1, 2), timed)).toEqual(rows(3));
  });
});
