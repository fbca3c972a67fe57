import { FEATURES, type Preprocessor } from '../data/preprocess/preprocessor.js';
import { BallastError } from '../errors.js';
import type { FamilyName } from '../paths/families/family.js';
import { type DenseFeatures, type Features, writeOut } from '../paths/features.js';
import type { LinearModel, OutputModel } from '../paths/path-point.js';
import type { PathData } from '../paths/problem.js';
import type { PreparedData } from '../spec/prepare.js';
import { targetNames, targetValues } from './path-targets.js';
import { eventsIn } from './score.js';

/**
 * Rows of a spec's data as a path takes them: encoded features as double precision columns, the target as it stands in
 * the table (for classes, the index of each row's).
 *
 * @throws BallastError PATH_INPUTS where there are images, waveforms, series or tokens
 */
export function pathData({ preprocessor, table, roles }: PreparedData, rows: Uint32Array): PathData {
  const other = preprocessor.outputs.find(({ name }) => name !== FEATURES);
  if (other !== undefined) {
    throw new BallastError(`a path is fitted to numbers, and "${other.name}" is ${other.content}`, {
      code: 'PATH_INPUTS',
      place: 'data.features',
      remedy: 'Exclude it in data.features.exclude, or train with ballast train',
    });
  }
  const { target, weights, offsets } = preprocessor.answers(table, rows);
  const wide = (values: ArrayLike<number> | undefined): Float64Array | undefined =>
    values === undefined ? undefined : Float64Array.from(values);
  return {
    features: featuresOf(preprocessor, table, rows),
    target:
      preprocessor.classes === undefined
        ? targetValues(table, roles, rows)
        : Float64Array.from(target?.data ?? [], Number),
    weights: wide(weights),
    offset: wide(offsets),
    ...(roles.event === undefined ? {} : { event: eventsIn(table, roles.event, rows) }),
  };
}

/** Sparse columns are cheaper than full ones while less than this share of their values is not 0. */
const SPARSE = 0.2;

function featuresOf(preprocessor: Preprocessor, table: PreparedData['table'], rows: Uint32Array): Features {
  if (preprocessor.sparse) {
    const sparse = preprocessor.columns(table, rows);
    return sparse.values.length < SPARSE * rows.length * sparse.columns ? sparse : writeOut(sparse);
  }
  const { inputs } = preprocessor.transform(table, rows, { target: false });
  return byColumns(inputs[FEATURES].data as Float32Array, rows.length, preprocessor.features.length);
}

function byColumns(encoded: Float32Array, rows: number, columns: number): DenseFeatures {
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) data[j * rows + i] = encoded[i * columns + j];
  }
  return { rows, columns, data };
}

/** A linear model of one output in the units of the raw columns, by name. */
export interface NamedOutput {
  readonly intercept: number;
  /** Of every feature whose coefficient is not 0, in the order of the features. */
  readonly coefficients: Readonly<Record<string, number>>;
}

/** The model of a target, or one of each class, or of each of several targets. */
export type NamedCoefficients =
  | (NamedOutput & { readonly outputs?: undefined })
  | { readonly outputs: readonly (NamedOutput & { readonly name: string })[] };

/** What a feature's values are divided by when they are encoded: 1 unless it is a number. */
export function unitOf({ state }: Pick<Preprocessor, 'state'>, column: number): number {
  return state.numbers[column]?.scale ?? 1;
}

/**
 * Coefficients of encoded features as coefficients of the raw columns: numbers in their own units. Indicators and
 * one-hot features are 0 or 1 as they are; features of instants, texts and arrays stay in the units of their encoding.
 */
export function onOriginalScale(
  { preprocessor, roles }: Pick<PreparedData, 'preprocessor' | 'roles'>,
  model: LinearModel,
  family: FamilyName,
): NamedCoefficients {
  const { outputs } = model;
  if (outputs === undefined) return namedOutput(preprocessor, model, family);
  const labels = preprocessor.classes?.map(String) ?? targetNames(roles);
  return {
    outputs: outputs.map((output, k) => ({ name: labels[k], ...namedOutput(preprocessor, output, family) })),
  };
}

function namedOutput(
  { state, features }: Preprocessor,
  { columns, coefficients, intercept }: OutputModel,
  family: FamilyName,
): NamedOutput {
  const numbers = state.numbers;
  let shifted = intercept;
  const named = Array.from(columns, (column, k): [string, number] => {
    const { name } = features[column];
    const encoding = numbers[column];
    if (encoding === undefined) return [name, coefficients[k]];
    const value = coefficients[k] / encoding.scale;
    shifted -= value * (encoding.center + (encoding.origin ?? 0));
    return [name, value];
  });
  // Of relative risks, what is common to all rows means nothing.
  return { intercept: family === 'cox' ? 0 : shifted, coefficients: Object.fromEntries(named) };
}
