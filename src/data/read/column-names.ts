import { BallastError } from '../../errors.js';
import type { Dialect } from './dialect.js';
import type { ColumnType, ReadOptions } from './options.js';

/** The type asked for by name. */
export function wantedType(options: ReadOptions, name: string): ColumnType | undefined {
  return options.columns !== undefined && Object.hasOwn(options.columns, name) ? options.columns[name] : undefined;
}

/** Every column that has a type given must be there. */
export function requireColumns(names: readonly string[], options: ReadOptions, place: string): void {
  for (const name of Object.keys(options.columns ?? {})) {
    if (names.includes(name)) continue;
    throw new BallastError(`a type is given for the column ${name}, which is not there`, {
      code: 'DATA_COLUMN_MISSING',
      place,
      remedy: `The columns are ${names.slice(0, 20).join(', ')}.`,
    });
  }
}

/** Names of a delimited file's columns: given ones, those of its header, or `column0`, `column1`, ... */
export function columnNames(dialect: Dialect, options: ReadOptions, place: string): string[] {
  const { first } = dialect;
  if (first.length === 0) throw new BallastError('the file is empty', { code: 'DATA_EMPTY', place });
  const given = typeof options.header === 'object' ? [...options.header] : undefined;
  if (given !== undefined && given.length !== first.length) {
    throw new BallastError(`${given.length} column names are given, the first line has ${first.length} fields`, {
      code: 'DATA_HEADER',
      place,
      remedy: 'Give one name a column.',
    });
  }
  const written = given ?? (dialect.header ? first.map((name) => name.trim()) : first.map(() => ''));
  const names = written.map((name, index) => (name === '' ? `column${index}` : name));
  // The engine takes names that differ by case only for one; so two such columns are as bad as two of one name.
  const seen = new Map<string, number>();
  return names.map((name) => {
    const key = name.toLowerCase();
    const count = seen.get(key) ?? 0;
    seen.set(key, count + 1);
    if (count === 0) return name;
    if (options.delimited?.duplicateNames !== 'rename') {
      throw new BallastError(`two columns are named ${name}`, {
        code: 'DATA_DUPLICATE_COLUMN',
        place,
        value: name,
        remedy: "Rename one, or set duplicateNames: 'rename'.",
      });
    }
    let suffix = count;
    while (seen.has(`${key}_${suffix}`)) suffix++;
    seen.set(`${key}_${suffix}`, 1);
    return `${name}_${suffix}`;
  });
}
