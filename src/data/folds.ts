import { BallastError } from '../errors.js';
import { argsort } from '../numeric/sort.js';
import { cutNear } from './cut.js';
import { HashIndex } from './hash-index.js';
import { rankKeys } from './rank-key.js';
import { membersOf, type SplitInput, type SplitStrategy } from './split.js';

export interface Fold {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
}

export interface FoldSettings {
  readonly strategy: SplitStrategy;
  readonly folds: number;
  readonly seed: number;
}

/**
 * Cuts rows into k folds for cross-validation.
 *
 * - `random`, `stratified`, `group`: every row is in the validation part of exactly one fold and in the training part of
 *   the others. Rows are ranked by seed and hash, not by position; equal rows stay together. `stratified` gives each fold
 *   the share of every class that scikit-learn's StratifiedKFold gives it; `group` keeps groups whole and hands the largest
 *   one left to the smallest fold (GroupKFold), groups of one size in seeded order.
 * - `time`: forward chaining (TimeSeriesSplit): rows in time order are cut into k + 1 blocks; fold i trains on all blocks
 *   before block i + 1 and validates on that one. The first block is never validated on.
 *
 * @param rows the rows to cut, such as everything outside the holdout
 * @throws BallastError DATA_FOLDS_TOO_MANY, DATA_SPLIT_INPUT, DATA_TIME_MISSING
 */
export function kFold(input: SplitInput, rows: Uint32Array, settings: FoldSettings): Fold[] {
  const { folds, strategy } = settings;
  if (!Number.isInteger(folds) || folds < 2) {
    throw new BallastError('cross-validation needs a whole number of folds, at least 2', {
      code: 'DATA_FOLDS_TOO_FEW',
      value: folds,
    });
  }
  const assigned = foldOf(input, rows, settings);
  const chained = strategy === 'time';
  return Array.from({ length: folds }, (_, fold) => {
    const block = chained ? fold + 1 : fold;
    const validation = rows.filter((_row, position) => assigned[position] === block);
    const train = rows.filter((_row, position) =>
      chained ? assigned[position] < block : assigned[position] !== block,
    );
    if (validation.length === 0 || train.length === 0) {
      throw new BallastError(`${folds} ${strategy} folds of ${rows.length} rows leave fold ${fold + 1} without rows`, {
        code: 'DATA_FOLDS_TOO_MANY',
        remedy: 'Ask for fewer folds.',
      });
    }
    return { train, validation };
  });
}

/** For each of the rows, the number of its fold (or block of time). */
function foldOf(input: SplitInput, rows: Uint32Array, { strategy, folds, seed }: FoldSettings): Int32Array {
  const hashes = BigUint64Array.from(rows, (row) => input.hashes[row]);
  switch (strategy) {
    case 'random':
      return ranked(rankKeys(hashes, seed, 'folds'), new Int32Array(rows.length), folds);
    case 'stratified':
      return ranked(rankKeys(hashes, seed, 'folds'), pick(input.strata, rows, 'strata'), folds);
    case 'group':
      return balanced(BigUint64Array.from(pick(input.groups, rows, 'groups')), folds, seed);
    case 'time':
      return blocks(pick(input.times, rows, 'times'), folds + 1);
  }
}

function ranked(keys: Float64Array, strata: Int32Array, folds: number): Int32Array {
  const members = membersOf(strata);
  const shares = stratumShares(
    members.map((rows) => rows.length),
    folds,
  );
  const fold = new Int32Array(keys.length);
  members.forEach((rows, stratum) => {
    const sorted = Float64Array.from(rows, (row) => keys[row]).sort();
    let end = 0;
    const limits = shares[stratum].map((share) => {
      end += share;
      return sorted[cutNear(sorted, end)] ?? Number.POSITIVE_INFINITY;
    });
    for (const row of rows) fold[row] = limits.findIndex((limit) => keys[row] < limit);
  });
  return fold;
}

/**
 * How many rows of each stratum each fold gets: deal the rows, sorted by stratum, to the folds in turn. Every fold's total
 * and every stratum's share then differ by at most one between folds.
 */
function stratumShares(counts: readonly number[], folds: number): number[][] {
  let dealt = 0;
  return counts.map((count) => {
    const shares = Array.from({ length: folds }, (_, fold) => {
      const first = (fold - (dealt % folds) + folds) % folds;
      return first >= count ? 0 : Math.floor((count - 1 - first) / folds) + 1;
    });
    dealt += count;
    return shares;
  });
}

function balanced(groups: BigUint64Array, folds: number, seed: number): Int32Array {
  const index = new HashIndex(groups);
  const keys = rankKeys(groups, seed, 'folds');
  const inKeyOrder = argsort(Float64Array.from(index.first, (row) => keys[row]));
  // A stable sort by size keeps the seeded order among groups of one size.
  const largestFirst = Array.from(inKeyOrder).sort((a, b) => index.counts[b] - index.counts[a]);
  const filled = new Float64Array(folds);
  const foldOfGroup = new Int32Array(index.size);
  for (const group of largestFirst) {
    const lightest = filled.indexOf(Math.min(...filled));
    foldOfGroup[group] = lightest;
    filled[lightest] += index.counts[group];
  }
  return index.ids.map((group) => foldOfGroup[group]);
}

function blocks(times: Float64Array, count: number): Int32Array {
  if (times.some(Number.isNaN)) {
    throw new BallastError('the time column is missing values, so that rows have no place in the order', {
      code: 'DATA_TIME_MISSING',
      remedy: 'Fill the values in, or choose another strategy.',
    });
  }
  const sorted = times.slice().sort();
  // The last `count - 1` blocks are of equal size; what does not divide goes to the first (as TimeSeriesSplit does).
  const size = Math.floor(sorted.length / count);
  const limits = Array.from(
    { length: count - 1 },
    (_, i) => sorted[cutNear(sorted, sorted.length - (count - 1 - i) * size)],
  );
  return Int32Array.from(times, (time) => {
    let block = 0;
    while (block < limits.length && time >= limits[block]) block++;
    return block;
  });
}

function pick<T extends Int32Array | Float64Array | BigUint64Array>(
  values: T | undefined,
  rows: Uint32Array,
  what: string,
): T {
  if (values === undefined) {
    throw new BallastError(`folds of this strategy need ${what}`, { code: 'DATA_SPLIT_INPUT' });
  }
  const picked = values.slice(0, rows.length) as T;
  rows.forEach((row, position) => {
    picked[position] = values[row];
  });
  return picked;
}
