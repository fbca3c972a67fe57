import { BallastError } from '../errors.js';
import { argsort } from '../numeric/sort.js';
import { cutAt, cutNear, lowerBound } from './cut.js';
import { HashIndex, hashesOf, maybeRepeated } from './hash-index.js';
import type { SplitOptions } from './options.js';
import { rankKeys } from './rank-key.js';

/** Row indices of the three parts, each ascending; together they are all rows, and no row is in two. */
export interface Split {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly holdout: Uint32Array;
}

/** What a split looks at, one entry a row. */
export interface SplitInput {
  /** Hash of the row's content, or of its id. Rows of equal hash always come to the same part. */
  readonly hashes: BigUint64Array;
  /** Class or quantile bin, 0 .. k - 1: for `stratified`. */
  readonly strata?: Int32Array;
  /** Hash of the group: for `group`. */
  readonly groups?: BigUint64Array;
  /** For `time`. */
  readonly times?: Float64Array;
}

export type SplitStrategy = NonNullable<SplitOptions['strategy']>;

export interface SplitSettings {
  readonly strategy: SplitStrategy;
  /** Share (below 1) or number of rows. */
  readonly validation: number;
  /** Share (below 1) or number of rows. */
  readonly holdout: number;
  readonly seed: number;
  /** Number of the holdout, 1 unless a new one was asked for: each is drawn anew, under the same seed too. */
  readonly generation?: number;
}

const TRAIN = 0;
const VALIDATION = 1;
const HOLDOUT = 2;

/**
 * Splits rows into training, validation and holdout parts.
 *
 * Membership is decided by ranking rows (or groups) by a key made of seed and row hash, never by row position: the
 * smallest keys are the holdout, the next ones validation. So the order of the file does not matter, and rows added
 * later move only the few rows nearest to a boundary. Rows of equal hash have equal keys and stay together; a boundary
 * that would fall between them moves to the nearer side. `time` cuts at instants instead: the last rows are the
 * holdout, those before them validation, equal instants stay together.
 *
 * @param locked 1 for rows that are in the holdout whatever their rank; the holdout is then filled up to its size from
 *   the other rows. Under `group` the groups of locked rows follow them; under `time` all later rows do.
 * @throws BallastError DATA_SPLIT_TOO_LARGE, DATA_SPLIT_EMPTY, DATA_SPLIT_GROUPS, DATA_TIME_MISSING
 */
export function split(input: SplitInput, settings: SplitSettings, locked?: Uint8Array): Split {
  const rows = input.hashes.length;
  const sizes = partSizes(rows, settings);
  const parts = assign(input, settings, sizes, locked ?? new Uint8Array(rows));
  const result = {
    train: rowsOf(parts, TRAIN),
    validation: rowsOf(parts, VALIDATION),
    holdout: rowsOf(parts, HOLDOUT),
  };
  const wanted = { train: 1, ...sizes };
  for (const part of ['train', 'validation', 'holdout'] as const) {
    if (wanted[part] > 0 && result[part].length === 0) {
      throw new BallastError(`the ${settings.strategy} split of ${rows} rows leaves no row for ${part}`, {
        code: 'DATA_SPLIT_EMPTY',
        place: 'data.split',
        remedy: 'Give more rows, or other sizes of validation and holdout.',
      });
    }
  }
  return result;
}

function assign(input: SplitInput, settings: SplitSettings, sizes: PartSizes, locked: Uint8Array): Uint8Array {
  switch (settings.strategy) {
    case 'random':
      return byRank(input.hashes, new Int32Array(input.hashes.length), settings, sizes, locked);
    case 'stratified':
      return byRank(input.hashes, required(input.strata, 'strata'), settings, sizes, locked);
    case 'group':
      return byGroup(required(input.groups, 'groups'), settings, sizes, locked);
    case 'time':
      return byTime(required(input.times, 'times'), sizes, locked);
  }
}

interface PartSizes {
  readonly validation: number;
  readonly holdout: number;
}

/** Rows that each part is to have. */
function partSizes(rows: number, settings: SplitSettings): PartSizes {
  const count = (size: number): number => (size < 1 ? Math.round(size * rows) : size);
  const sizes = { validation: count(settings.validation), holdout: count(settings.holdout) };
  if (sizes.validation + sizes.holdout >= rows) {
    throw new BallastError(
      `validation (${sizes.validation} rows) and holdout (${sizes.holdout}) leave nothing of ${rows} rows to train on`,
      { code: 'DATA_SPLIT_TOO_LARGE', place: 'data.split', remedy: 'Make validation or holdout smaller.' },
    );
  }
  return sizes;
}

function drawKeys(hashes: BigUint64Array, { seed, generation = 1 }: SplitSettings): Float64Array {
  return rankKeys(hashes, seed, generation === 1 ? 'split' : `split ${generation}`);
}

function byRank(
  hashes: BigUint64Array,
  strata: Int32Array,
  settings: SplitSettings,
  sizes: PartSizes,
  locked: Uint8Array,
): Uint8Array {
  const keys = drawKeys(hashes, settings);
  const members = membersOf(strata);
  const counts = members.map((rows) => rows.length);
  const holdout = allocate(sizes.holdout, counts);
  const validation = allocate(sizes.validation, counts);
  const parts = new Uint8Array(hashes.length);
  members.forEach((rows, stratum) => {
    const free = new Float64Array(rows.length);
    let freeRows = 0;
    for (const row of rows) {
      if (locked[row] !== 0) parts[row] = HOLDOUT;
      else free[freeRows++] = keys[row];
    }
    const unlocked = free.subarray(0, freeRows);
    // One row of every stratum is for training, whatever the rounding says.
    const most = Math.max(0, freeRows - 1);
    const forHoldout = cutAt(unlocked, Math.min(most, Math.max(0, holdout[stratum] - (rows.length - freeRows))));
    const forValidation = cutAt(unlocked, Math.min(most, forHoldout.position + validation[stratum]));
    for (const row of rows) {
      if (locked[row] !== 0) continue;
      parts[row] = keys[row] < forHoldout.below ? HOLDOUT : keys[row] < forValidation.below ? VALIDATION : TRAIN;
    }
  });
  if (members.length > 1) joinEqual(hashes, parts);
  return parts;
}

/** Rows of one hash in several strata (an id with two classes) all go where the most protected of them is. */
function joinEqual(hashes: BigUint64Array, parts: Uint8Array): void {
  const rows = maybeRepeated(hashes);
  const index = new HashIndex(hashesOf(hashes, rows));
  const part = new Uint8Array(index.size);
  index.ids.forEach((id, i) => {
    part[id] = Math.max(part[id], parts[rows[i]]);
  });
  index.ids.forEach((id, i) => {
    parts[rows[i]] = part[id];
  });
}

/** Groups in the order of their keys; one that would overshoot a part by more than it is short of is passed over. */
function byGroup(groups: BigUint64Array, settings: SplitSettings, sizes: PartSizes, locked: Uint8Array): Uint8Array {
  const index = new HashIndex(groups);
  const wanted = (sizes.validation > 0 ? 1 : 0) + (sizes.holdout > 0 ? 1 : 0) + 1;
  if (index.size < wanted) {
    throw new BallastError(`${index.size} group(s) cannot be split into ${wanted} parts`, {
      code: 'DATA_SPLIT_GROUPS',
      place: 'data.split',
      remedy: 'Name a group column with more groups, or set validation or holdout to 0.',
    });
  }
  const partOfGroup = new Uint8Array(index.size);
  let inHoldout = 0;
  for (let row = 0; row < groups.length; row++) if (locked[row] !== 0) partOfGroup[index.ids[row]] = HOLDOUT;
  for (let group = 0; group < index.size; group++) if (partOfGroup[group] === HOLDOUT) inHoldout += index.counts[group];
  const keys = drawKeys(groups, settings);
  const order = argsort(Float64Array.from(index.first, (row) => keys[row]));
  const fill = (part: number, rows: number, keep: number): void =>
    fillPart(partOfGroup, part, rows, keep, order, index.counts);
  fill(HOLDOUT, sizes.holdout - inHoldout, sizes.validation > 0 ? 2 : 1);
  fill(VALIDATION, sizes.validation, 1);
  return Uint8Array.from(index.ids, (group) => partOfGroup[group]);
}

/** Moves about `rows` rows' worth of training groups to a part, at least one group, and leaves `keep` groups. */
function fillPart(
  partOfGroup: Uint8Array,
  part: number,
  rows: number,
  keep: number,
  order: Uint32Array,
  counts: Uint32Array,
): void {
  if (rows <= 0) return;
  const free = Array.from(order).filter((group) => partOfGroup[group] === TRAIN);
  let missing = rows;
  let left = free.length;
  for (const group of free) {
    if (left > keep && missing > 0 && missing >= counts[group] / 2) {
      partOfGroup[group] = part;
      missing -= counts[group];
      left--;
    }
  }
  if (partOfGroup.includes(part) || left <= keep) return;
  const smallest = free.reduce((best, group) => (counts[group] < counts[best] ? group : best));
  partOfGroup[smallest] = part;
}

function byTime(times: Float64Array, sizes: PartSizes, locked: Uint8Array): Uint8Array {
  const missing = times.findIndex(Number.isNaN);
  if (missing !== -1) {
    throw new BallastError('the time column is missing a value, so that its row has no place in the order', {
      code: 'DATA_TIME_MISSING',
      place: `row ${missing + 1}`,
      remedy: 'Fill the value in, remove the row, or choose another split strategy.',
    });
  }
  const sorted = times.slice().sort();
  const n = sorted.length;
  let holdoutFrom = sorted[cutNear(sorted, n - sizes.holdout)] ?? Number.POSITIVE_INFINITY;
  for (let row = 0; row < n; row++) if (locked[row] !== 0) holdoutFrom = Math.min(holdoutFrom, times[row]);
  const holdoutStart = lowerBound(sorted, holdoutFrom);
  const validationStart = cutNear(sorted, Math.max(0, holdoutStart - sizes.validation));
  const validationFrom = sorted[validationStart] ?? Number.POSITIVE_INFINITY;
  return Uint8Array.from(times, (time) =>
    time >= holdoutFrom ? HOLDOUT : time >= validationFrom ? VALIDATION : TRAIN,
  );
}

/** Shares of a total in proportion to counts, whole and adding up to it (largest remainders). */
export function allocate(total: number, counts: readonly number[]): number[] {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const exact = counts.map((count) => (all === 0 ? 0 : (total * count) / all));
  const shares = exact.map(Math.floor);
  let rest = total - shares.reduce((sum, share) => sum + share, 0);
  const byRemainder = exact.map((_, index) => index).sort((a, b) => exact[b] - shares[b] - (exact[a] - shares[a]));
  for (const index of byRemainder) if (rest-- > 0) shares[index]++;
  return shares;
}

/** The rows of each stratum, ascending. */
export function membersOf(strata: Int32Array): Uint32Array[] {
  let size = 0;
  for (const stratum of strata) size = Math.max(size, stratum + 1);
  const counts = new Uint32Array(size);
  for (const stratum of strata) counts[stratum]++;
  const members = Array.from(counts, (count) => new Uint32Array(count));
  counts.fill(0);
  for (let row = 0; row < strata.length; row++) {
    const stratum = strata[row];
    members[stratum][counts[stratum]++] = row;
  }
  return members;
}

function rowsOf(parts: Uint8Array, part: number): Uint32Array {
  let count = 0;
  for (const value of parts) if (value === part) count++;
  const rows = new Uint32Array(count);
  let next = 0;
  for (let row = 0; row < parts.length; row++) if (parts[row] === part) rows[next++] = row;
  return rows;
}

function required<T>(values: T | undefined, what: string): T {
  if (values === undefined) {
    throw new BallastError(`this split strategy needs ${what}`, { code: 'DATA_SPLIT_INPUT', place: 'data.split' });
  }
  return values;
}
