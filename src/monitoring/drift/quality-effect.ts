import { quantile } from '../../numeric/index.js';
import type { Reference } from '../reference/reference.js';
import type { ColumnSketch } from '../sketch/column-sketch.js';
import { OTHERS } from './distribution.js';

/** Bins of a number: quantiles of the reference. */
const BINS = 10;
/** A bin's loss counts as if this many rows of average loss were in it. */
const PRIOR_ROWS = 10;

/**
 * What the change of one feature alone would add to a model's mean loss (share of wrong answers, or mean absolute error): the loss of
 * the reference rows in bins of the feature, weighted by how often production falls into them, minus their mean. Where the reference has no
 * rows, their worst bin is taken. Undefined of a feature that no reference row has.
 */
export function qualityEffect(reference: Reference, feature: string, current: ColumnSketch): number | undefined {
  const values = reference.sample.columns[feature];
  const kind = reference.columns.get(`feature/${feature}`)?.kind;
  if (values === undefined || values.length === 0 || kind === undefined) return undefined;
  const { loss } = reference.sample;
  const mean = loss.reduce((sum, each) => sum + each, 0) / loss.length;
  const place = placesOf(kind, values);
  const [losses, rows] = [new Map<string, number>(), new Map<string, number>()];
  values.forEach((value, i) => {
    const bin = place(value);
    losses.set(bin, (losses.get(bin) ?? 0) + loss[i]);
    rows.set(bin, (rows.get(bin) ?? 0) + 1);
  });
  const expected = new Map(
    [...rows].map(([bin, count]) => [bin, ((losses.get(bin) ?? 0) + PRIOR_ROWS * mean) / (count + PRIOR_ROWS)]),
  );
  const worst = Math.max(...expected.values());
  let [total, weight] = [0, 0];
  const add = (bin: string, count: number): void => {
    total += count * (expected.get(bin) ?? worst);
    weight += count;
  };
  const distribution = current.distribution(kind);
  if (distribution.kind === 'number') {
    for (const [i, value] of distribution.values.entries()) add(place(value), distribution.weights[i]);
  } else {
    for (const [name, count] of distribution.counts) add(place(name), count);
  }
  add(MISSING, distribution.missing);
  return weight === 0 ? undefined : total / weight - mean;
}

const MISSING = '';

function placesOf(
  kind: 'number' | 'category',
  values: readonly (number | string | null)[],
): (value: number | string | null) => string {
  if (kind === 'category')
    return (value) => (value === OTHERS ? OTHERS : `=${String(value ?? MISSING)}`.replace(/^=$/, MISSING));
  const numbers = values.filter((value): value is number => typeof value === 'number');
  if (numbers.length === 0) return () => MISSING;
  const edges = [...new Set(Array.from({ length: BINS - 1 }, (_, i) => quantile(numbers, (i + 1) / BINS)))];
  const [low, high] = numbers.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Infinity, -Infinity],
  );
  return (value) => {
    if (typeof value !== 'number') return MISSING;
    if (value < low) return 'below';
    if (value > high) return 'above';
    return String(edges.filter((edge) => value > edge).length);
  };
}
