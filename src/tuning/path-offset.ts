import { numbersOf } from '../data/column-values.js';
import type { Preprocessor } from '../data/preprocess/preprocessor.js';
import { requireColumn } from '../data/roles.js';
import { BallastError } from '../errors.js';
import type { LinearModel } from '../paths/path-point.js';
import type { PathOptions } from '../paths/problem.js';
import type { PreparedData } from '../spec/prepare.js';
import { type ResolvedSpec, resolveSpec } from '../spec/read.js';

/**
 * The spec whose offset is a feature as well: the model then has an input for it, and its coefficient is fixed at 1 on
 * the scale of the column.
 */
export function withOffsetFeature(resolved: ResolvedSpec): ResolvedSpec {
  const { spec, baseDirectory, path } = resolved;
  const { offset } = spec.data.columns;
  if (offset === undefined || spec.data.features.include.includes(offset)) return resolved;
  const features = { ...spec.data.features, include: [...spec.data.features.include, offset] };
  return { ...resolveSpec({ ...spec, data: { ...spec.data, features } }, baseDirectory), path };
}

/** How a model takes its offset in. */
export interface OffsetTerm {
  /** Leaves the offset's features out of what is fitted. */
  factors(factors: PathOptions['factors']): PathOptions['factors'];
  /** The model with the offset in it. */
  within(model: LinearModel): LinearModel;
}

/** @throws BallastError PATH_OFFSET where the offset is no number, or missing in a row */
export function offsetTerm({ preprocessor, table, roles }: PreparedData): OffsetTerm | undefined {
  const { offset } = roles;
  if (offset === undefined) return undefined;
  const values = numbersOf(requireColumn(table, offset), 'the offset', 'data.columns.offset');
  const missing = values.findIndex((value) => !Number.isFinite(value));
  if (missing !== -1) {
    throw new BallastError(`row ${missing + 1} has no offset`, {
      code: 'PATH_OFFSET',
      place: 'data.columns.offset',
      value: String(values[missing]),
      remedy: 'Fill it in, or remove the row',
    });
  }
  const column = preprocessor.features.findIndex((feature) => feature.column === offset);
  // An offset that is the same in every row is no feature: it is a part of the intercept.
  if (column === -1) {
    if (values.some((value) => value !== values[0])) {
      throw new BallastError('the offset is the same in every training row, and another in other rows', {
        code: 'PATH_OFFSET',
        place: 'data.columns.offset',
        remedy: 'Split the rows otherwise, so that training sees offsets that vary',
      });
    }
    return {
      factors: (factors) => factors,
      within: (model) => ({ ...model, intercept: model.intercept + values[0] }),
    };
  }
  const { scale, center, origin = 0 } = numberOf(preprocessor, column);
  return {
    factors: (factors) =>
      preprocessor.features.map((_, j) => (j === column ? Number.POSITIVE_INFINITY : (factors?.[j] ?? 1))),
    within: ({ columns, coefficients, intercept }) => ({
      columns: Int32Array.from([...columns, column]),
      coefficients: Float64Array.from([...coefficients, scale]),
      intercept: intercept + center + origin,
    }),
  };
}

function numberOf({ state }: Preprocessor, column: number): { scale: number; center: number; origin?: number } {
  const { scale, center, origin } = state.numbers[column];
  return { scale, center, ...(origin === undefined ? {} : { origin }) };
}
