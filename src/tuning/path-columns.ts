import type { Preprocessor } from '../data/preprocess/preprocessor.js';
import { BallastError } from '../errors.js';
import type { PathOptions } from '../paths/problem.js';
import type { PathSpecOptions } from '../spec/path-options.js';
import { unitOf } from './path-data.js';

/** What single columns are given, of encoded features. */
export type ColumnSettings = Pick<PathOptions, 'factors' | 'lower' | 'upper' | 'groups'>;

/**
 * Penalty factors and bounds by name as those of the features: a raw column's factor is that of all its features, its
 * bound that of its number alone where it is one. Bounds, given in units of raw columns, become those of encoded values.
 *
 * @throws BallastError PATH_FEATURE_UNKNOWN, PATH_BOUNDS
 */
export function columnSettings(preprocessor: Preprocessor, options: PathSpecOptions = {}): ColumnSettings {
  const { factors, lower, upper, nonNegative, groups } = options;
  const settings: ColumnSettings = {
    ...(factors === undefined ? {} : { factors: filled(preprocessor, factors, 'factors', 1) }),
    ...(lower === undefined && nonNegative === undefined ? {} : { lower: lowerOf(preprocessor, options) }),
    ...(upper === undefined ? {} : { upper: filled(preprocessor, upper, 'upper', Number.POSITIVE_INFINITY) }),
    ...(groups === undefined ? {} : { groups: groupsOf(preprocessor, groups) }),
  };
  return settings;
}

/** Features that follow each other: numbers, and values of arrays, in the order of the table. Codes and instants have no neighbours. */
export function chainOf({ features, state }: Preprocessor): number[] {
  const ordered = new Set([...state.arrays, ...state.sparse].map(({ column }) => column));
  return features.flatMap(({ column }, j) => (j < state.numbers.length || ordered.has(column) ? [j] : []));
}

/** Group of each feature: that of a name, or of the column it is made of; others stand alone. */
function groupsOf(preprocessor: Preprocessor, groups: NonNullable<PathSpecOptions['groups']>): Int32Array {
  const { features } = preprocessor;
  if (groups === true) {
    return Int32Array.from(features, ({ column }) => features.findIndex((feature) => feature.column === column));
  }
  const labels = Int32Array.from(features.keys());
  const named = new Map<number, string>();
  Object.entries(groups).forEach(([group, names], g) => {
    for (const column of names.flatMap((name) => columnsOf(preprocessor, name, 'groups'))) {
      const other = named.get(column);
      if (other !== undefined && other !== group) {
        throw new BallastError(`"${features[column].name}" is in the groups "${other}" and "${group}"`, {
          code: 'PATH_GROUPS',
          place: 'path.groups',
          remedy: 'Keep one of the two',
        });
      }
      named.set(column, group);
      labels[column] = features.length + g;
    }
  });
  return labels;
}

function lowerOf(preprocessor: Preprocessor, { lower = {}, nonNegative = [] }: PathSpecOptions): Float64Array {
  const bounds = filled(preprocessor, lower, 'lower', Number.NEGATIVE_INFINITY);
  const columns =
    nonNegative === true
      ? preprocessor.features.map((_, column) => column)
      : nonNegative.flatMap((name) => columnsOf(preprocessor, name, 'nonNegative'));
  for (const column of columns) {
    if (Number.isFinite(bounds[column]) && bounds[column] < 0) {
      throw new BallastError(`"${preprocessor.features[column].name}" is not to be below 0, and has a bound below 0`, {
        code: 'PATH_BOUNDS',
        place: 'path.lower (--lower)',
        remedy: 'Keep one of the two',
      });
    }
    bounds[column] = 0;
  }
  return bounds;
}

function filled(
  preprocessor: Preprocessor,
  given: Readonly<Record<string, number>>,
  key: 'factors' | 'lower' | 'upper',
  otherwise: number,
): Float64Array {
  const values = new Float64Array(preprocessor.features.length).fill(otherwise);
  // A feature's own name says more than its column's.
  const own = new Set(preprocessor.features.map(({ name }) => name));
  const entries = Object.entries(given).sort(([a], [b]) => Number(own.has(a)) - Number(own.has(b)));
  for (const [name, value] of entries) {
    for (const column of columnsOf(preprocessor, name, key)) {
      values[column] = key === 'factors' ? value : value * unitOf(preprocessor, column);
    }
  }
  return values;
}

/** Columns of the features that a name means; none of a column that never varies. */
function columnsOf({ features, state }: Preprocessor, name: string, key: keyof PathSpecOptions): number[] {
  const columns = features.map((_, column) => column);
  const own = columns.filter((column) => features[column].name === name);
  if (own.length > 0 && key !== 'factors' && key !== 'groups') return own;
  const found = columns.filter((column) => features[column].name === name || features[column].column === name);
  if (found.length > 0 || state.dropped.some(({ column }) => column === name)) return found;
  throw new BallastError(`there is no feature "${name}"`, {
    code: 'PATH_FEATURE_UNKNOWN',
    place: `path.${key} (--${key === 'nonNegative' ? 'non-negative' : key})`,
    remedy: `Features are ${features
      .slice(0, 20)
      .map((feature) => feature.name)
      .join(', ')}${features.length > 20 ? ', ...' : ''}`,
  });
}
