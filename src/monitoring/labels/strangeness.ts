import { median } from '../../numeric/index.js';
import type { StoredObservation } from '../../store/index.js';

/** Rows from which what is usual is taken: the older half, and no more. */
const USUAL_ROWS = 5000;
const MOST_UNUSUAL = 10;

/**
 * How unlike the older half of the rows each row is: the mean over its columns of the distance of numbers from their median in units of
 * their median deviation (10 at most), and of minus the logarithm of the share of categories. Rows are newest first.
 */
export function strangeness(rows: readonly StoredObservation[]): number[] {
  const usual = rows.slice(Math.floor(rows.length / 2)).slice(0, USUAL_ROWS);
  const columns = [...new Set(rows.flatMap(({ features }) => Object.keys(features)))];
  const total = new Float64Array(rows.length);
  for (const column of columns) {
    const distance = distanceFrom(usual.map(({ features }) => features[column] ?? null));
    rows.forEach(({ features }, row) => {
      total[row] += distance(features[column] ?? null) / columns.length;
    });
  }
  return Array.from(total);
}

function distanceFrom(usual: readonly (number | string | null)[]): (value: number | string | null) => number {
  const numbers = usual.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  const counts = new Map<string, number>();
  for (const value of usual)
    if (typeof value !== 'number') counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  const rarity = (value: string): number =>
    Math.min(MOST_UNUSUAL, -Math.log(((counts.get(value) ?? 0) + 0.5) / (usual.length + 1)));
  const middle = numbers.length === 0 ? 0 : median(numbers);
  const spread = numbers.length === 0 ? 0 : median(numbers.map((value) => Math.abs(value - middle)));
  return (value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return rarity(String(value));
    if (numbers.length === 0) return MOST_UNUSUAL;
    const away = Math.abs(value - middle);
    return Math.min(MOST_UNUSUAL, spread > 0 ? away / (1.4826 * spread) : away > 0 ? MOST_UNUSUAL : 0);
  };
}
