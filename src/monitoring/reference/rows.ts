import { HashIndex } from '../../data/hash-index.js';
import type { SplitInput, SplitStrategy } from '../../data/split.js';

/** What is known of how a run's data was split. */
export interface SplitData {
  readonly strategy: SplitStrategy;
  readonly input: SplitInput;
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly holdout: Uint32Array;
  /** Rows that the validation part was to have: equal rows stay together, so that it may have others. */
  readonly wanted: number;
}

/** Rows that stand for all of the data, each as often as it should count. */
export interface ReferenceRows {
  readonly rows: Uint32Array;
  /** Share of all rows that is not known from these: rows that occur often, and are locked in the holdout. */
  readonly unknown: number;
}

/** A row that makes up more than this share of the data is one whose place in the split matters. */
const FREQUENT = 0.001;
/** Strata smaller than this share have their rows several times rather than to make the whole smaller. */
const SMALL = 0.05;

/**
 * Rows of the training and validation parts that are distributed as all rows of the data are, holdout included, without looking there.
 *
 * Equal rows are all in one part. Where a row occurs often (no finding, one value of everything), the part that it is in has it too often
 * and the others never, so that neither mirrors production. What a model says to such a row is the same wherever it stands: it counts
 * with its share of the data. Other rows are exchangeable within their stratum; `unseen` takes them from the validation part, as long as
 * that has at least half of those that it should have.
 */
export function referenceRows(data: SplitData, take: 'unseen' | 'all'): ReferenceRows {
  const { strategy, input, train, validation, holdout } = data;
  const known = Uint32Array.from([...train, ...validation]).sort();
  const asSplit = { rows: take === 'all' ? known : validation, unknown: 0 };
  if (strategy === 'group' || strategy === 'time') return asSplit;
  const all = known.length + holdout.length;
  const index = new HashIndex(input.hashes);
  const isFrequent = (row: number): boolean => index.counts[index.ids[row]] > Math.max(1, FREQUENT * all);
  const frequent = known.filter(isFrequent).sort((a, b) => index.ids[a] - index.ids[b]);
  const locked = holdout.filter(isFrequent).length;
  if (frequent.length + locked === 0) return asSplit;

  const strataOf = (rows: Uint32Array): Map<number, number[]> => {
    const strata = new Map<number, number[]>();
    for (const row of rows) {
      if (isFrequent(row)) continue;
      const stratum = input.strata?.[row] ?? 0;
      const own = strata.get(stratum);
      if (own === undefined) strata.set(stratum, [row]);
      else own.push(row);
    }
    return strata;
  };
  const [ofKnown, ofValidation, ofHoldout] = [known, validation, holdout].map(strataOf);
  const share = data.wanted / Math.max(1, known.length);
  const strata = [...ofKnown].map(([stratum, rows]) => {
    const unseen = ofValidation.get(stratum) ?? [];
    const candidates = take === 'unseen' && unseen.length >= (share * rows.length) / 2 ? unseen : rows;
    return { candidates, of: rows.length + (ofHoldout.get(stratum)?.length ?? 0) };
  });
  const others = strata.reduce((sum, { of }) => sum + of, 0);
  const fraction = Math.min(
    1,
    ...strata.filter(({ of }) => of >= SMALL * others).map(({ candidates, of }) => candidates.length / of),
  );
  const rows = [
    ...spread(frequent, fraction * frequent.length),
    ...strata.flatMap(({ candidates, of }) => spread(candidates, fraction * of)),
  ];
  return { rows: Uint32Array.from(rows).sort(), unknown: locked / all };
}

/** So many of the rows, evenly from the first to the last; some several times where there are not enough. */
function spread(rows: ArrayLike<number>, wanted: number): number[] {
  const count = Math.max(rows.length === 0 ? 0 : 1, Math.round(wanted));
  return Array.from({ length: count }, (_, i) => rows[Math.floor(((i + 0.5) * rows.length) / count)]);
}
