import { expect, test } from 'vitest';
import { GrowingCounts } from './growing-counts.js';

test('counters only grow: late labels are added, what retention takes away is not taken off', () => {
  const counts = new GrowingCounts();
  const hours = (...each: [string, number[]][]) =>
    new Map(each.map(([hour, values]) => [hour, new Map([['a', values]])]));
  counts.update(hours(['1', [10, 0]], ['2', [5, 1]]));
  expect(counts.totals().get('a')).toEqual([15, 1]);
  counts.update(hours(['1', [10, 4]], ['2', [6, 1]]));
  expect(counts.totals().get('a')).toEqual([16, 5]);
  // An hour is gone; a label was corrected.
  counts.update(hours(['2', [6, 0]], ['3', [1, 1]]));
  expect(counts.totals().get('a')).toEqual([17, 6]);
});
