import { HOUR_MS } from '../../store/index.js';

/** Series by key, each a vector of counts. */
export type CountVectors = ReadonlyMap<string, readonly number[]>;

/** By hour, series as they are added up. */
export type CountsByHour = Map<string, Map<string, number[]>>;

export const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;

/** Adds counts to a series of an hour. */
export function addCounts(hours: CountsByHour, hour: string, key: string, counts: readonly number[]): void {
  const series = hours.get(hour) ?? new Map<string, number[]>();
  const sum = series.get(key) ?? counts.map(() => 0);
  series.set(
    key,
    sum.map((value, i) => value + counts[i]),
  );
  hours.set(hour, series);
}

/**
 * Counters that only grow, of counts that the store keeps by hour: late labels change hours that are past, and retention takes
 * old ones away. Of each hour what grew since it was last seen is added; what shrank changes nothing.
 */
export class GrowingCounts {
  #seen = new Map<string, Map<string, readonly number[]>>();
  readonly #totals = new Map<string, number[]>();

  /** @param hours by hour, the counts of every series; hours that are no more among them are forgotten */
  update(hours: ReadonlyMap<string, CountVectors>): void {
    const seen = new Map<string, Map<string, readonly number[]>>();
    for (const [hour, series] of hours) {
      const before = this.#seen.get(hour);
      for (const [key, counts] of series) {
        const last = before?.get(key);
        const total = this.#totals.get(key) ?? counts.map(() => 0);
        counts.forEach((count, i) => {
          total[i] += Math.max(0, count - (last?.[i] ?? 0));
        });
        this.#totals.set(key, total);
      }
      seen.set(hour, new Map(series));
    }
    this.#seen = seen;
  }

  totals(): CountVectors {
    return this.#totals;
  }
}
