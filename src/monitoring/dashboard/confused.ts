import type { Evaluation } from '../../evaluation/index.js';
import type { StoredObservation } from '../../store/index.js';

/** How often one class is taken for another. */
export interface Confused {
  readonly actual: string;
  readonly predicted: string;
  readonly count: number;
  /** Of the rows of the actual class. */
  readonly share: number;
}

const MOST = 10;

/** Pairs of classes of an evaluation by the share of the true one that is taken for the other. */
export function confusedOf({ confusion }: Evaluation): Confused[] {
  if (confusion === undefined) return [];
  const { classes, counts } = confusion;
  return worst(
    classes.flatMap((actual, i) => classes.map((predicted, j) => ({ actual, predicted, count: counts[i][j] }))),
  );
}

/** The same of labelled answers. */
export function confusedRows(rows: readonly StoredObservation[]): Confused[] {
  const pairs = new Map<string, { actual: string; predicted: string; count: number }>();
  for (const { label, prediction } of rows) {
    if (label === undefined || typeof prediction !== 'string') continue;
    const actual = String(label.value);
    const key = JSON.stringify([actual, prediction]);
    const pair = pairs.get(key) ?? { actual, predicted: prediction, count: 0 };
    pair.count++;
    pairs.set(key, pair);
  }
  return worst([...pairs.values()]);
}

function worst(pairs: readonly Omit<Confused, 'share'>[]): Confused[] {
  const totals = new Map<string, number>();
  for (const { actual, count } of pairs) totals.set(actual, (totals.get(actual) ?? 0) + count);
  return pairs
    .filter(({ actual, predicted, count }) => actual !== predicted && count > 0)
    .map((pair) => ({ ...pair, share: pair.count / (totals.get(pair.actual) ?? 1) }))
    .sort((a, b) => b.share - a.share)
    .slice(0, MOST);
}
