import { rocArea } from '../../numeric/delong.js';
import { quantileSorted, sorted } from '../../numeric/quantile.js';
import { derive } from '../../numeric/random.js';
import { argsort } from '../../numeric/sort.js';
import { textOf } from '../column-values.js';
import type { Column } from '../table.js';

const BINS = 64;

/** How well one feature alone tells the target. */
export interface Predictability {
  /**
   * Share of the error of the best constant answer that the feature takes away, on rows it was not fitted on: 1 is
   * certainty, 0 nothing. Classification: 1 - error / error of the most frequent class; regression: R^2.
   */
  readonly skill: number;
  /** Two classes: max(AUC, 1 - AUC); a numeric target: the larger of |Pearson's| and |Spearman's| correlation. */
  readonly association: number;
}

/** The target in a form that skill can be computed from. */
export type Answer =
  | { readonly kind: 'classes'; readonly labels: Int32Array; readonly classes: number }
  | { readonly kind: 'number'; readonly values: Float64Array; readonly ranks: Float64Array };

/** The target of the rows; undefined where it does not vary, or is no number where one is needed. */
export function answerOf(column: Column, rows: Uint32Array, task: 'classification' | 'regression'): Answer | undefined {
  return task === 'classification' ? classAnswer(column, rows) : numericAnswer(column, rows);
}

function classAnswer(column: Column, rows: Uint32Array): Answer | undefined {
  const text = textOf(column);
  const known = new Map<string, number>();
  const labels = Int32Array.from(rows, (row) => {
    const label = text(row);
    const number = known.get(label) ?? known.size;
    known.set(label, number);
    return number;
  });
  return known.size < 2 ? undefined : { kind: 'classes', labels, classes: known.size };
}

function numericAnswer(column: Column, rows: Uint32Array): Answer | undefined {
  if (column.kind !== 'number') return undefined;
  const values = Float64Array.from(rows, (row) => column.values[row]);
  return { kind: 'number', values, ranks: ranksOf(values) };
}

/**
 * How well a feature alone tells the target. Skill is measured on two halves: the feature's values (numbers in 64
 * quantile bins) are mapped to the most frequent class, or mean target, of the other half; so ids, which tell every row
 * they have seen, have none.
 */
export function predictability(column: Column, rows: Uint32Array, answer: Answer): Predictability {
  const bins = binsOf(column, rows);
  const half = derive(1, 'leakage halves')
    .permutation(rows.length)
    .map((place) => place & 1);
  const skill = answer.kind === 'classes' ? classSkill(bins, half, answer) : numericSkill(bins, half, answer.values);
  return { skill, association: associationOf(column, rows, answer) };
}

/** A number for each row: equal values, or numbers of one quantile bin, have the same. Missing is one of them. */
function binsOf(column: Column, rows: Uint32Array): Int32Array {
  if (column.kind === 'number' || column.kind === 'time') {
    const values = Float64Array.from(rows, (row) => column.values[row]);
    const distinct = new Set(values);
    if (distinct.size > BINS) {
      const ascending = sorted(values.filter((value) => !Number.isNaN(value)));
      const edges = Float64Array.from({ length: BINS - 1 }, (_, i) => quantileSorted(ascending, (i + 1) / BINS));
      return Int32Array.from(values, (value) => (Number.isNaN(value) ? BINS : binOf(edges, value)));
    }
    const number = new Map([...distinct].map((value, index) => [value, index]));
    return Int32Array.from(values, (value) => number.get(value) ?? 0);
  }
  const text = textOf(column);
  const known = new Map<string, number>();
  return Int32Array.from(rows, (row) => {
    const value = text(row);
    const number = known.get(value) ?? known.size;
    known.set(value, number);
    return number;
  });
}

function binOf(edges: Float64Array, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value > edges[middle]) low = middle + 1;
    else high = middle;
  }
  return low;
}

function classSkill(
  bins: Int32Array,
  half: Int32Array,
  { labels, classes }: Extract<Answer, { kind: 'classes' }>,
): number {
  const size = bins.reduce((most, bin) => Math.max(most, bin + 1), 0);
  const overall = new Float64Array(classes);
  for (const label of labels) overall[label]++;
  const usual = overall.indexOf(Math.max(...overall));
  let errors = 0;
  for (const side of [0, 1]) {
    const counts = new Map<number, Float64Array>();
    for (let i = 0; i < bins.length; i++) {
      if (half[i] === side) continue;
      const of = counts.get(bins[i]) ?? new Float64Array(classes);
      of[labels[i]]++;
      counts.set(bins[i], of);
    }
    const answers = new Int32Array(size).fill(usual);
    for (const [bin, of] of counts) answers[bin] = of.indexOf(Math.max(...of));
    for (let i = 0; i < bins.length; i++) if (half[i] === side && answers[bins[i]] !== labels[i]) errors++;
  }
  return 1 - errors / (labels.length - overall[usual]);
}

function numericSkill(bins: Int32Array, half: Int32Array, values: Float64Array): number {
  const size = bins.reduce((most, bin) => Math.max(most, bin + 1), 0);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let residual = 0;
  for (const side of [0, 1]) {
    const sums = new Float64Array(size);
    const counts = new Float64Array(size);
    for (let i = 0; i < bins.length; i++) {
      if (half[i] === side) continue;
      sums[bins[i]] += values[i];
      counts[bins[i]]++;
    }
    for (let i = 0; i < bins.length; i++) {
      if (half[i] !== side) continue;
      const answer = counts[bins[i]] === 0 ? mean : sums[bins[i]] / counts[bins[i]];
      residual += (values[i] - answer) ** 2;
    }
  }
  const total = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return total === 0 ? 0 : 1 - residual / total;
}

function associationOf(column: Column, rows: Uint32Array, answer: Answer): number {
  if (column.kind !== 'number' && column.kind !== 'time') return 0;
  const values = Float64Array.from(rows, (row) => column.values[row]);
  if (values.some(Number.isNaN)) return 0;
  if (answer.kind === 'classes') {
    if (answer.classes > 2) return 0;
    const { area } = rocArea(values, Uint8Array.from(answer.labels));
    return Math.max(area, 1 - area);
  }
  const straight = Math.abs(correlation(values, answer.values));
  return Math.max(straight, Math.abs(correlation(ranksOf(values), answer.ranks)));
}

/** Pearson's correlation; 0 where one side is constant. */
function correlation(a: Float64Array, b: Float64Array): number {
  const n = a.length;
  const meanA = a.reduce((sum, value) => sum + value, 0) / n;
  const meanB = b.reduce((sum, value) => sum + value, 0) / n;
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < n; i++) {
    product += (a[i] - meanA) * (b[i] - meanB);
    squaresA += (a[i] - meanA) ** 2;
    squaresB += (b[i] - meanB) ** 2;
  }
  return squaresA === 0 || squaresB === 0 ? 0 : product / Math.sqrt(squaresA * squaresB);
}

/** Ranks from 0, equal values share their mean rank. */
function ranksOf(values: Float64Array): Float64Array {
  const order = argsort(values);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + end - 1) / 2;
    start = end;
  }
  return ranks;
}
