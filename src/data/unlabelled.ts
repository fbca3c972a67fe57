import { missingOf } from './column-values.js';
import { HashIndex, hashesOf } from './hash-index.js';
import type { SplitInput } from './split.js';
import type { Column } from './table.js';

/** Rows with and without a target, each ascending. */
export function byTarget(column: Column, rows: number): { labelled: Uint32Array; unlabelled: Uint32Array } {
  const missing = missingOf(column);
  const all = Array.from({ length: rows }, (_, row) => row);
  return {
    labelled: Uint32Array.from(all.filter((row) => !missing(row))),
    unlabelled: Uint32Array.from(all.filter(missing)),
  };
}

/** What a split looks at, of these rows alone: position i stands for row rows[i]. */
export function splitInputOf({ hashes, strata, groups, times }: SplitInput, rows: Uint32Array): SplitInput {
  return {
    hashes: hashesOf(hashes, rows),
    ...(strata === undefined ? {} : { strata: Int32Array.from(rows, (row) => strata[row]) }),
    ...(groups === undefined ? {} : { groups: hashesOf(groups, rows) }),
    ...(times === undefined ? {} : { times: Float64Array.from(rows, (row) => times[row]) }),
  };
}

/**
 * Those of the unlabelled rows that may be trained on beside these held-out ones: of no equal hash (id), under a split by
 * groups of no group that is held out, under one by time of no instant from the first held-out one on.
 *
 * @param locked hashes that are held out whether or not a row of the data has them
 */
export function apartFrom(
  unlabelled: Uint32Array,
  heldOut: Uint32Array,
  { hashes, groups, times }: SplitInput,
  locked: BigUint64Array = new BigUint64Array(0),
): Uint32Array {
  const equal = (of: BigUint64Array, more: BigUint64Array): ((i: number) => boolean) => {
    const known = new HashIndex(BigUint64Array.from([...hashesOf(of, heldOut), ...more]));
    const found = known.find(hashesOf(of, unlabelled));
    return (i) => found[i] !== -1;
  };
  const sameRow = equal(hashes, locked);
  const sameGroup = groups === undefined ? () => false : equal(groups, new BigUint64Array(0));
  const from = times === undefined ? 0 : heldOut.reduce((first, row) => Math.min(first, times[row]), Infinity);
  const later = (row: number): boolean => times !== undefined && !(times[row] < from);
  return unlabelled.filter((row, i) => !sameRow(i) && !sameGroup(i) && !later(row));
}
