import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { DatabaseKind } from '../migrations/dialect-types.js';
import type { Clause, Comparator } from './filter.js';
import { filterInvalid } from './tokens.js';

const OF_TEXTS: ReadonlySet<Comparator> = new Set(['=', '!=', 'LIKE', 'ILIKE', 'IN', 'NOT IN']);
const OF_NUMBERS: ReadonlySet<Comparator> = new Set(['=', '!=', '>', '>=', '<', '<=']);

/** Compares a text column as a clause asks. @throws BallastError `FILTER_INVALID` */
export function compareText(kind: DatabaseKind, column: Expression<unknown>, clause: Clause): RawBuilder<SqlBool> {
  const { comparator, value, key } = clause;
  if (!OF_TEXTS.has(comparator)) throw refused(clause, `${comparator} does not compare texts`);
  if (Array.isArray(value)) {
    const values = sql.join(value as readonly string[]);
    return comparator === 'IN' ? sql`${column} in (${values})` : sql`${column} not in (${values})`;
  }
  if (typeof value !== 'string') throw refused(clause, `"${key}" is a text: put its value in quotes`);
  switch (comparator) {
    case 'LIKE':
      // SQLite's LIKE knows no case; its GLOB does.
      return kind === 'sqlite' ? sql`${column} glob ${globOf(value)}` : sql`${column} like ${value} escape ''`;
    case 'ILIKE':
      return kind === 'sqlite' ? sql`${column} like ${value}` : sql`${column} ilike ${value} escape ''`;
    default:
      return sql`${column} ${sql.raw(comparator)} ${value}`;
  }
}

/** Compares a numeric column as a clause asks. @throws BallastError `FILTER_INVALID` */
export function compareNumber(column: Expression<unknown>, clause: Clause): RawBuilder<SqlBool> {
  const { comparator, key } = clause;
  if (!OF_NUMBERS.has(comparator)) throw refused(clause, `${comparator} does not compare numbers`);
  const value = typeof clause.value === 'number' ? clause.value : Number.NaN;
  if (!Number.isFinite(value)) throw refused(clause, `"${key}" is a number: give a number, without quotes`);
  return sql`${column} ${sql.raw(comparator)} ${value}`;
}

/** What is wrong with one comparison of a filter. */
export function refused(clause: Pick<Clause, 'at' | 'key'>, why: string): Error {
  return filterInvalid('filter', clause.key, clause.at, why);
}

function globOf(pattern: string): string {
  return pattern.replace(/[[*?]/g, '[$&]').replaceAll('%', '*').replaceAll('_', '?');
}
