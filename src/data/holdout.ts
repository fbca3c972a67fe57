import { createHash } from 'node:crypto';
import { BallastError } from '../errors.js';
import { HashIndex, hashesOf } from './hash-index.js';
import { type Split, type SplitInput, type SplitSettings, split } from './split.js';

/**
 * The locked holdout. Which rows are in it is remembered per data-set name, by hash of the row's content or id, across
 * runs and versions of the data: a row that was once held out is never trained or validated on, unless the user asks for
 * a new holdout, which is recorded.
 */

/** What is remembered for a data-set name. */
export interface HoldoutLock {
  /** Hashes of all rows that were ever in this holdout, ascending. */
  readonly hashes: BigUint64Array;
  /** What drew it: {@link holdoutSettings}. */
  readonly settings: string;
  /** 1 for the first holdout of a name, one more with every new one. */
  readonly generation: number;
}

/** Where locks and read counts are kept. The store implements it. */
export interface HoldoutRegister {
  read(name: string): Promise<HoldoutLock | undefined>;
  write(name: string, lock: HoldoutLock): Promise<void>;
  /**
   * Records that `reader` (a run, a model version) looked at a row set ({@link rowSetId}).
   *
   * @returns how often that row set has been read so far, this time included
   */
  countRead(name: string, rowSet: string, reader: string): Promise<number>;
}

/** What became of the locked rows; goes into the run's record. */
export interface HoldoutReport {
  /** Rows of the holdout. */
  readonly rows: number;
  /** Rows that were locked before, duplicates of them included. */
  readonly locked: number;
  /** Of these, rows beyond the first of each hash: copies of a locked row that follow it into the holdout. */
  readonly duplicates: number;
  /** Locked rows that the split alone would have put into training or validation: the lock moved them back. */
  readonly forced: number;
  /** Locked hashes that are no longer in the data. */
  readonly lost: number;
  /** Rows that are in the holdout for the first time. */
  readonly added: number;
  readonly generation: number;
  /** Present where a new holdout was asked for and there was one before. */
  readonly newHoldout?: { readonly replaced: number; readonly released: number };
}

export interface HoldoutAssignment {
  readonly split: Split;
  /** What to remember from now on. */
  readonly lock: HoldoutLock;
  readonly report: HoldoutReport;
}

/** Everything that decides which rows are held out. */
export interface HoldoutSettings extends Pick<SplitSettings, 'strategy' | 'holdout' | 'seed'> {
  /** Id columns, or 'content' where rows are known by their whole content. */
  readonly by: readonly string[] | 'content';
  /** Target (stratified), group or time columns that the strategy looks at. */
  readonly columns: readonly string[];
  /** Quantile bins of a stratified numeric target. */
  readonly bins?: number;
}

/** The settings as one string, keys in a fixed order: equal strings draw equal holdouts from equal data. */
export function holdoutSettings(settings: HoldoutSettings): string {
  const { strategy, holdout, seed, by, columns, bins } = settings;
  return JSON.stringify({ strategy, holdout, seed, by, columns, ...(bins === undefined ? {} : { bins }) });
}

/**
 * Splits with the lock respected.
 *
 * - No lock yet: the split's own holdout becomes the lock.
 * - Same settings as when it was drawn (rows may have been added or removed): locked rows and their duplicates are held
 *   out whatever their rank now is, and the holdout is filled up to its size from the others.
 * - Other settings: allowed where their own split keeps every locked row in the holdout (a larger holdout of the same
 *   seed), else HOLDOUT_CONFLICT.
 * - `newHoldout`: drawn afresh, other rows under the same seed too (a time split has only one choice); how many rows were
 *   released is reported.
 *
 * @param settings of the split; `fingerprint` is their {@link holdoutSettings}
 * @throws BallastError HOLDOUT_CONFLICT, HOLDOUT_LOST (no locked row is in the data any more)
 */
export function assignHoldout(
  name: string,
  input: SplitInput,
  settings: SplitSettings,
  fingerprint: string,
  lock: HoldoutLock | undefined,
  newHoldout = false,
): HoldoutAssignment {
  const generation = (lock?.generation ?? 1) + (lock !== undefined && newHoldout ? 1 : 0);
  const drawing = { ...settings, generation };
  const drawn = split(input, drawing);
  if (lock === undefined) {
    const none: HoldoutLock = { hashes: new BigUint64Array(0), settings: fingerprint, generation };
    return remember(drawn, input, fingerprint, none, nothingLocked(input), drawn);
  }
  const found = findLocked(input.hashes, lock.hashes);
  const { mask, rows: locked } = found;
  if (newHoldout) return replace(drawn, input, fingerprint, lock, mask);
  if (locked === 0 && lock.hashes.length > 0) {
    throw new BallastError(
      `none of the ${lock.hashes.length} rows of the locked holdout of "${name}" is in this data`,
      {
        code: 'HOLDOUT_LOST',
        kind: 'conflict',
        place: 'data',
        remedy:
          'If columns were added or changed, name an id column in data.columns.id; if this is other data, give it another data.name; ' +
          'or draw a new holdout with --new-holdout.',
      },
    );
  }
  const outside = countIn(drawn.train, mask) + countIn(drawn.validation, mask);
  if (outside > 0 && fingerprint !== lock.settings) throw conflict(name, outside, locked, fingerprint, lock.settings);
  const kept = outside === 0 ? drawn : split(input, drawing, mask);
  return remember(kept, input, fingerprint, lock, found, drawn);
}

/** An id of a set of rows: the first 16 hex digits of the SHA-256 over its sorted distinct hashes. */
export function rowSetId(hashes: BigUint64Array): string {
  const bytes = distinctSorted(hashes);
  return createHash('sha256')
    .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest('hex')
    .slice(0, 16);
}

function remember(
  split: Split,
  input: SplitInput,
  fingerprint: string,
  { hashes, generation }: HoldoutLock,
  { mask, rows: locked, distinct }: Locked,
  drawn: Split,
): HoldoutAssignment {
  return {
    split,
    lock: { hashes: union(hashes, hashesOf(input.hashes, split.holdout)), settings: fingerprint, generation },
    report: {
      rows: split.holdout.length,
      locked,
      duplicates: locked - distinct,
      forced: countIn(drawn.train, mask) + countIn(drawn.validation, mask),
      lost: hashes.length - distinct,
      added: split.holdout.length - locked,
      generation,
    },
  };
}

function replace(
  drawn: Split,
  input: SplitInput,
  fingerprint: string,
  lock: HoldoutLock,
  mask: Uint8Array,
): HoldoutAssignment {
  const generation = lock.generation + 1;
  const kept = countIn(drawn.holdout, mask);
  return {
    split: drawn,
    lock: { hashes: distinctSorted(hashesOf(input.hashes, drawn.holdout)), settings: fingerprint, generation },
    report: {
      rows: drawn.holdout.length,
      locked: 0,
      duplicates: 0,
      forced: 0,
      lost: 0,
      added: drawn.holdout.length - kept,
      generation,
      newHoldout: {
        replaced: lock.hashes.length,
        released: countIn(drawn.train, mask) + countIn(drawn.validation, mask),
      },
    },
  };
}

function conflict(name: string, outside: number, locked: number, now: string, then: string): BallastError {
  return new BallastError(
    `${outside} of ${locked} rows of the locked holdout of "${name}" would come to training or validation: ${changes(then, now)}`,
    {
      code: 'HOLDOUT_CONFLICT',
      kind: 'conflict',
      place: 'data.split',
      remedy: 'Set it back, or draw a new holdout with --new-holdout (which is recorded).',
    },
  );
}

/** `seed is 2, the holdout was drawn with 1`. */
function changes(then: string, now: string): string {
  const before = JSON.parse(then) as Record<string, unknown>;
  const after = JSON.parse(now) as Record<string, unknown>;
  const differing = [...new Set([...Object.keys(after), ...Object.keys(before)])].filter(
    (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  return differing
    .map((key) => `${key} is ${JSON.stringify(after[key])}, the holdout was drawn with ${JSON.stringify(before[key])}`)
    .join('; ');
}

/** Locked rows that are in the data. */
interface Locked {
  /** 1 for each of them. */
  readonly mask: Uint8Array;
  readonly rows: number;
  /** Their distinct hashes. */
  readonly distinct: number;
}

function findLocked(hashes: BigUint64Array, locked: BigUint64Array): Locked {
  const index = new HashIndex(locked);
  const ids = index.find(hashes);
  const seen = new Uint8Array(index.size);
  const mask = new Uint8Array(hashes.length);
  let rows = 0;
  for (let row = 0; row < ids.length; row++) {
    if (ids[row] < 0) continue;
    mask[row] = 1;
    seen[ids[row]] = 1;
    rows++;
  }
  return { mask, rows, distinct: seen.reduce((sum, one) => sum + one, 0) };
}

function nothingLocked(input: SplitInput): Locked {
  return { mask: new Uint8Array(input.hashes.length), rows: 0, distinct: 0 };
}

function countIn(rows: Uint32Array, mask: Uint8Array): number {
  let count = 0;
  for (const row of rows) count += mask[row];
  return count;
}

function union(a: BigUint64Array, b: BigUint64Array): BigUint64Array {
  const all = new BigUint64Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  return distinctSorted(all);
}

function distinctSorted(hashes: BigUint64Array): BigUint64Array {
  const sorted = hashes.slice().sort();
  return sorted.filter((hash, position) => position === 0 || hash !== sorted[position - 1]);
}
