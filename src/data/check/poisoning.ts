import { binomialSf } from '../../numeric/distributions/binomial.js';
import { mean, variance } from '../../numeric/statistics.js';
import { missingOf, textOf } from '../column-values.js';
import { HashIndex } from '../hash-index.js';
import { fitPreprocessor } from '../preprocess/fit.js';
import { type Roles, requireColumn } from '../roles.js';
import { findColumn, isScalar, type Table } from '../table.js';
import { type Finding, percent, rowsOf, shownRows } from './finding.js';
import { thinned } from './leakage.js';
import { nearest, pointsOf } from './neighbours.js';

/** One version of a data set, as the screens look at it. */
export interface Version {
  readonly table: Table;
  /** Hash of each row's features. */
  readonly features: BigUint64Array;
  /** Hash of features and target together; the same as `features` without one. */
  readonly whole: BigUint64Array;
}

export interface PoisoningOptions {
  readonly roles: Roles;
  readonly task: 'classification' | 'regression';
}

/** False alarms of each screen: one in 10,000 clean versions. */
const ALARM = 1e-4;
const NEIGHBOURS = 10;
const MOST_NEW = 1000;
const MOST_OLD = 4000;
/** A rise of disagreement below this is not worth a word, however certain. */
const RISE = 0.05;
const GRAVE_RISE = 0.15;
const GRAVE_SHARE = 0.01;

/**
 * Screens new rows of a version against an earlier, trusted one. New rows are those whose features and target together do
 * not occur in the earlier version.
 *
 * - LABEL_FLIPS: rows that were there before with the same features and another target.
 * - INJECTED_DUPLICATES: copies among the new rows, more than the earlier version's own rate of repetition explains.
 * - LABELS_AGAINST_NEIGHBOURS: labels of new rows disagree with those of their 10 nearest earlier rows more often than
 *   labels of earlier rows do.
 * - OUTLYING_ROWS: new rows farther from their neighbours than any earlier row is, or with a number far outside the
 *   earlier range.
 *
 * A screen speaks where chance would in less than one of 10,000 clean versions; large tables are sampled.
 */
export function screenPoisoning(current: Version, earlier: Version, options: PoisoningOptions): Finding[] {
  const seen = new HashIndex(earlier.whole).find(current.whole);
  const fresh = Uint32Array.from([...seen.keys()].filter((row) => seen[row] < 0));
  return [
    ...labelFlips(current, earlier),
    ...injectedDuplicates(current, earlier),
    ...(fresh.length === 0 ? [] : neighbourScreens(current.table, earlier.table, fresh, options)),
  ];
}

function labelFlips(current: Version, earlier: Version): Finding[] {
  const features = new HashIndex(earlier.features);
  const both = new HashIndex(earlier.whole);
  const sameFeatures = features.find(current.features);
  const sameRow = both.find(current.whole);
  const flipped: number[] = [];
  let known = 0;
  for (let row = 0; row < sameFeatures.length; row++) {
    if (sameFeatures[row] < 0) continue;
    known++;
    if (sameRow[row] < 0) flipped.push(row);
  }
  if (flipped.length === 0) return [];
  const share = flipped.length / known;
  return [
    {
      code: 'LABEL_FLIPS',
      severity: share >= GRAVE_SHARE ? 'error' : 'warning',
      message: `${rowsOf(flipped.length)} (${percent(share)} of those with the features of an earlier row) had another target before`,
      remedy: 'Find out who changed them and why; restore the earlier targets until then.',
      rows: shownRows(flipped),
      count: flipped.length,
      figures: { share },
    },
  ];
}

function injectedDuplicates(current: Version, earlier: Version): Finding[] {
  const before = new HashIndex(earlier.whole);
  const now = new HashIndex(current.whole);
  const known = before.find(current.whole.filter((_hash, row) => now.first[now.ids[row]] === row));
  let copies = 0;
  let added = 0;
  const repeated: { row: number; copies: number }[] = [];
  for (let id = 0; id < now.size; id++) {
    const had = known[id] < 0 ? 0 : before.counts[known[id]];
    added += Math.max(0, now.counts[id] - had);
    const more = Math.max(0, now.counts[id] - Math.max(had, 1));
    copies += more;
    if (more > 0) repeated.push({ row: now.first[id], copies: more });
  }
  const usual = Math.max(1 - before.size / earlier.whole.length, 1 / earlier.whole.length);
  if (copies < 3 || binomialSf(copies - 1, added, usual) >= ALARM) return [];
  repeated.sort((a, b) => b.copies - a.copies);
  return [
    {
      code: 'INJECTED_DUPLICATES',
      severity: 'error',
      message: `${copies} of ${added} added rows are copies (before: ${percent(1 - before.size / earlier.whole.length)}); row ${repeated[0].row + 1} came ${repeated[0].copies} times more`,
      remedy: 'Look at the repeated rows; remove the copies unless they are observations of their own.',
      rows: shownRows(repeated.map(({ row }) => row)),
      count: copies,
      figures: { share: copies / added, usualShare: 1 - before.size / earlier.whole.length },
    },
  ];
}

function neighbourScreens(
  current: Table,
  earlier: Table,
  fresh: Uint32Array,
  { roles, task }: PoisoningOptions,
): Finding[] {
  const ranges = outsideRange(current, earlier, fresh, roles);
  const usable = comparableFeatures(current, earlier, roles);
  if (usable.length === 0 || earlier.rows <= NEIGHBOURS + 1) return outlying(ranges, fresh.length, undefined);
  const oldRows = thinned(
    Uint32Array.from({ length: earlier.rows }, (_, row) => row),
    MOST_OLD,
  );
  const newRows = thinned(fresh, MOST_NEW);
  const preprocessor = fitPreprocessor(earlier, { ...roles, target: undefined, features: usable }, oldRows, {
    task: 'none',
  });
  const old = pointsOf(preprocessor.transform(earlier, oldRows, { target: false }));
  const added = pointsOf(preprocessor.transform(current, newRows, { target: false }));
  const tried = thinned(
    Uint32Array.from({ length: old.count }, (_, i) => i),
    MOST_NEW,
  );
  const ofOld = Array.from(tried, (i) => nearest(old, i, old, NEIGHBOURS, i));
  const ofNew = Array.from({ length: added.count }, (_, i) => nearest(added, i, old, NEIGHBOURS));
  const reach = ofOld.map(({ distances }) => distances[distances.length - 1]);
  const distant = farther(
    reach,
    ofNew.map(({ distances }) => distances[distances.length - 1]),
  );
  const findings = outlying(
    new Set([...ranges, ...distant.map((i) => newRows[i])]),
    fresh.length,
    distant.length / added.count,
  );
  if (task === 'regression' || roles.target === undefined) return findings;
  const oldLabels = labelsOf(earlier, roles.target, oldRows);
  const newLabels = labelsOf(current, roles.target, newRows);
  const disagreement = (label: string, indices: Int32Array): number =>
    indices.filter((index) => oldLabels[index] !== label).length / indices.length;
  const before = ofOld.map(({ indices }, i) => disagreement(oldLabels[tried[i]], indices));
  const now = ofNew.map(({ indices }, i) => disagreement(newLabels[i], indices));
  return [...findings, ...againstNeighbours(before, now, newRows)];
}

/** Places of new distances beyond every old one, where they are too many to be chance. */
function farther(old: readonly number[], added: readonly number[]): number[] {
  const limit = old.reduce((most, distance) => Math.max(most, distance), 0);
  const places = [...added.keys()].filter((place) => added[place] > limit);
  // The chance that a new value exceeds the largest of m others from the same distribution is 1 / (m + 1).
  return places.length > 0 && binomialSf(places.length - 1, added.length, 1 / (old.length + 1)) < ALARM ? places : [];
}

function againstNeighbours(before: readonly number[], now: readonly number[], rows: Uint32Array): Finding[] {
  if (now.length < 2 || before.length < 2) return [];
  const rise = mean(now) - mean(before);
  const error = Math.sqrt(variance(now) / now.length + variance(before) / before.length);
  // 3.72 standard errors are exceeded by chance once in 10,000 times.
  if (rise < RISE || rise < 3.72 * error) return [];
  const worst = [...now.keys()].sort((a, b) => now[b] - now[a]).filter((place) => now[place] > 0.5);
  return [
    {
      code: 'LABELS_AGAINST_NEIGHBOURS',
      severity: rise >= GRAVE_RISE ? 'error' : 'warning',
      message: `${percent(mean(now))} of the nearest earlier rows disagree with the label of a new row; among earlier rows it was ${percent(mean(before))}`,
      remedy: 'Have the labels of the new rows checked, those shown first.',
      rows: shownRows(worst.map((place) => rows[place])),
      count: worst.length,
      figures: { disagreement: mean(now), usualDisagreement: mean(before) },
    },
  ];
}

function outlying(rows: ReadonlySet<number>, fresh: number, share: number | undefined): Finding[] {
  if (rows.size === 0) return [];
  return [
    {
      code: 'OUTLYING_ROWS',
      severity: 'warning',
      message: `${rows.size} of ${fresh} new rows lie outside of where any earlier row is`,
      remedy: 'Look at them: a wrong unit, a broken sensor, or rows made to mislead the model.',
      rows: shownRows([...rows].sort((a, b) => a - b)),
      count: rows.size,
      ...(share === undefined ? {} : { figures: { sampledShare: share } }),
    },
  ];
}

/** New rows with a number farther outside the earlier range than that range is wide. */
function outsideRange(current: Table, earlier: Table, fresh: Uint32Array, roles: Roles): Set<number> {
  const outside = new Set<number>();
  for (const name of roles.features) {
    const [old, now] = [findColumn(earlier, name), findColumn(current, name)];
    if (old?.kind !== 'number' || now?.kind !== 'number') continue;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (const value of old.values) {
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const width = most - least;
    if (!(width > 0)) continue;
    for (const row of fresh) {
      if (now.values[row] > most + width || now.values[row] < least - width) outside.add(row);
    }
  }
  return outside;
}

/** Features that both versions have, of one kind, and that vary in the earlier one. */
function comparableFeatures(current: Table, earlier: Table, roles: Roles): string[] {
  return roles.features.filter((name) => {
    const [old, now] = [findColumn(earlier, name), findColumn(current, name)];
    if (old === undefined || now?.kind !== old.kind) return false;
    const missing = missingOf(old);
    const text = isScalar(old) ? textOf(old) : (row: number) => String(row);
    const first = text(0);
    for (let row = 1; row < earlier.rows; row++) if (!missing(row) && text(row) !== first) return true;
    return false;
  });
}

function labelsOf(table: Table, target: string, rows: Uint32Array): string[] {
  return Array.from(rows, textOf(requireColumn(table, target, 'the target column')));
}
