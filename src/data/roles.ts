import { BallastError } from '../errors.js';
import type { DataOptions } from './options.js';
import { type Column, findColumn, type Table } from './table.js';

/** What each column of a table is for. Every name is that of an existing column. */
export interface Roles {
  readonly target: string | undefined;
  /** Numbers that are predicted beside the target. */
  readonly targets: readonly string[];
  readonly id: readonly string[];
  readonly weight: string | undefined;
  readonly offset: string | undefined;
  readonly time: string | undefined;
  readonly event: string | undefined;
  readonly group: readonly string[];
  readonly domain: string | undefined;
  readonly sensitive: readonly string[];
  /** What the model gets, in the order of the table. */
  readonly features: readonly string[];
}

/** The columns that `data.columns`, `data.target` and `data.features` name; a table is not needed. */
export type RoleOptions = Pick<DataOptions, 'target' | 'columns' | 'features'>;

/**
 * Finds the columns of a table that the options name, and the features: all columns without a role that are not
 * excluded and do not say where in the source a row is from; and those others that `features.include` names.
 *
 * @throws BallastError DATA_COLUMN_ABSENT, DATA_COLUMN_TWICE, DATA_TARGET_ABSENT, DATA_TARGET_IS_FEATURE, DATA_TARGET_TWICE, DATA_NO_FEATURES
 */
export function resolveRoles(table: Table, options: RoleOptions): Roles {
  const { columns, features } = options;
  refuseDuplicates(table);
  const roles = {
    target: options.target,
    targets: list(columns.targets),
    id: list(columns.id),
    weight: columns.weight,
    offset: columns.offset,
    time: columns.time,
    event: columns.event,
    group: list(columns.group),
    domain: columns.domain,
    sensitive: list(columns.sensitive),
  };
  if (roles.target !== undefined && findColumn(table, roles.target) === undefined) {
    throw absent('DATA_TARGET_ABSENT', 'the target column', 'data.target', roles.target, table);
  }
  for (const [role, names] of Object.entries(roles)) {
    for (const name of list(names)) requireColumn(table, name, `the ${role} column`, `data.columns.${role}`);
  }
  for (const list of ['exclude', 'include'] as const) {
    for (const name of features[list])
      requireColumn(table, name, `a column of features.${list}`, `data.features.${list}`);
  }
  const included = new Set(features.include);
  const targets = [...list(roles.target), ...roles.targets];
  const asFeature = targets.find((name) => included.has(name));
  if (asFeature !== undefined) {
    throw new BallastError('the target cannot be a feature as well', {
      code: 'DATA_TARGET_IS_FEATURE',
      place: 'data.features.include',
      value: asFeature,
    });
  }
  const twice = targets.find((name, k) => targets.indexOf(name) !== k);
  if (twice !== undefined) {
    throw new BallastError('a column is named as a target twice', {
      code: 'DATA_TARGET_TWICE',
      place: 'data.columns.targets',
      value: twice,
      remedy: 'Name the first target in data.target, and each further one once in data.columns.targets.',
    });
  }
  const excluded = new Set(features.exclude);
  const provenance = table.columns.filter((column) => 'provenance' in column).map(({ name }) => name);
  const taken = new Set([...Object.values(roles).flatMap(list), ...provenance]);
  const names = table.columns
    .map((column) => column.name)
    .filter((name) => !excluded.has(name) && (included.has(name) || !taken.has(name)));
  if (names.length === 0) {
    throw new BallastError('no column is left as a feature', {
      code: 'DATA_NO_FEATURES',
      place: 'data',
      remedy: 'Exclude fewer columns, or name some in data.features.include.',
    });
  }
  return { ...roles, features: names };
}

/**
 * The column of that name.
 *
 * @throws BallastError DATA_COLUMN_ABSENT, with the columns that there are
 */
export function requireColumn(table: Table, name: string, what = 'the column', place?: string): Column {
  const column = findColumn(table, name);
  if (column === undefined) throw absent('DATA_COLUMN_ABSENT', what, place, name, table);
  return column;
}

function absent(code: string, what: string, place: string | undefined, name: string, table: Table): BallastError {
  const known = table.columns.map((column) => column.name);
  const shown =
    known.length > 12 ? `${known.slice(0, 12).join(', ')}, ... (${known.length} columns)` : known.join(', ');
  return new BallastError(`${what} is not in the data`, {
    code,
    ...(place === undefined ? {} : { place }),
    value: name,
    remedy: `The columns are: ${shown}.`,
  });
}

function refuseDuplicates(table: Table): void {
  const seen = new Set<string>();
  for (const { name } of table.columns) {
    if (seen.has(name)) {
      throw new BallastError('two columns have one name', {
        code: 'DATA_COLUMN_TWICE',
        value: name,
        remedy: 'Rename one of them.',
      });
    }
    seen.add(name);
  }
}

function list(names: string | readonly string[] | undefined): readonly string[] {
  return names === undefined ? [] : typeof names === 'string' ? [names] : names;
}
