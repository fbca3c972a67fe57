import { HashIndex, hashesOf } from '../hash-index.js';
import type { Split } from '../split.js';
import { type Finding, percent, rowsOf, shownRows } from './finding.js';

/** Above this share of a part's rows, its figures are those of rows the model has seen. */
const GRAVE_SHARE = 0.01;
const MANY_DUPLICATES = 0.05;

const PAIRS = [
  ['train', 'validation'],
  ['train', 'holdout'],
  ['validation', 'holdout'],
] as const;

/**
 * Rows that are equal in all features.
 *
 * - EQUAL_ROWS_ACROSS_PARTS for each pair of parts: how many rows of the second are in the first as well. An error from
 *   1 % that agree in the target too: those a model can know by heart.
 * - CONTRADICTING_ROWS: equal features, different targets: no model can be right on all of them. The holdout's targets are
 *   not looked at.
 * - DUPLICATE_ROWS of the training part, where they are many.
 *
 * @param features hash of each row's features
 * @param whole hash of each row's features and target; the same as `features` where there is no target
 */
export function checkEqualRows(features: BigUint64Array, whole: BigUint64Array, split: Split): Finding[] {
  return [
    ...PAIRS.flatMap(([first, second]) => acrossParts(features, whole, split, first, second)),
    ...contradictions(features, whole, joined(split.train, split.validation)),
    ...duplicates(whole, split.train),
  ];
}

type Part = keyof Split;

function acrossParts(
  features: BigUint64Array,
  whole: BigUint64Array,
  split: Split,
  first: Part,
  second: Part,
): Finding[] {
  const shared = (hashes: BigUint64Array): Uint32Array => {
    const found = new HashIndex(hashesOf(hashes, split[first])).find(hashesOf(hashes, split[second]));
    return split[second].filter((_row, position) => found[position] >= 0);
  };
  const rows = shared(features);
  if (rows.length === 0) return [];
  const agreeing = shared(whole).length;
  const share = agreeing / split[second].length;
  return [
    {
      code: 'EQUAL_ROWS_ACROSS_PARTS',
      severity: share >= GRAVE_SHARE ? 'error' : 'warning',
      message: `${rowsOf(rows.length)} of ${second} (${percent(rows.length / split[second].length)}) ${rows.length === 1 ? 'equals' : 'equal'} a row of ${first} in all features, ${agreeing} in the target too`,
      remedy: 'Split by data.columns.group, name an id in data.columns.id, or remove the duplicates.',
      rows: shownRows(rows),
      count: rows.length,
      figures: { share, agreeing },
    },
  ];
}

function contradictions(features: BigUint64Array, whole: BigUint64Array, seen: Uint32Array): Finding[] {
  const groups = new HashIndex(hashesOf(features, seen));
  const answers = new HashIndex(hashesOf(whole, seen));
  // Of each group of equal features, the most frequent target.
  const usual = new Int32Array(groups.size).fill(-1);
  answers.first.forEach((position, answer) => {
    const group = groups.ids[position];
    if (usual[group] < 0 || answers.counts[answer] > answers.counts[usual[group]]) usual[group] = answer;
  });
  const rows = seen.filter((_row, position) => answers.ids[position] !== usual[groups.ids[position]]);
  if (rows.length === 0) return [];
  const share = rows.length / seen.length;
  return [
    {
      code: 'CONTRADICTING_ROWS',
      severity: share >= GRAVE_SHARE ? 'warning' : 'info',
      message: `${rowsOf(rows.length)} (${percent(share)}) have another target than most rows with the very same features`,
      remedy: 'Look for label errors or a missing feature; otherwise this much error cannot be avoided.',
      rows: shownRows(rows),
      count: rows.length,
      figures: { share },
    },
  ];
}

function duplicates(whole: BigUint64Array, train: Uint32Array): Finding[] {
  const repeated = train.length - new HashIndex(hashesOf(whole, train)).size;
  if (repeated <= MANY_DUPLICATES * train.length) return [];
  return [
    {
      code: 'DUPLICATE_ROWS',
      severity: 'info',
      message: `${percent(repeated / train.length)} of the training rows repeat another`,
      remedy: 'Remove repeated rows, or give them one row with a weight, unless they are observations of their own.',
      count: repeated,
    },
  ];
}

/** The rows of two parts, ascending. */
export function joined(a: Uint32Array, b: Uint32Array): Uint32Array {
  const rows = new Uint32Array(a.length + b.length);
  rows.set(a);
  rows.set(b, a.length);
  return rows.sort();
}
