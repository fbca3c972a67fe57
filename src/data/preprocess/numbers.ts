import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { float, floats, int } from '../../graph/model.js';
import { ONNX_TYPE_NUMBER } from '../../graph/tensor.js';
import { quantilesInPlace } from '../../numeric/select.js';
import { typeError } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { NumberColumn, Table } from '../table.js';
import {
  type Feature,
  type FeatureBlock,
  type FeatureWriter,
  MISSING_INTEGER,
  type RawInput,
  toFloat32,
  type Unfit,
} from './feature-block.js';
import type { NodeList } from './node-list.js';

/**
 * Numbers, integers and booleans: x -> (x - center) / scale in float32, missing values become `fill` first.
 * `indicator`: a second feature is 1 where the value was missing.
 * `origin` is set for integers that float32 cannot hold: the input is int64, and it is taken off before rounding.
 */
export const numberEncodingSchema = z.strictObject({
  column: z.string(),
  input: z.string(),
  fill: z.number(),
  center: z.number(),
  scale: z.number().positive(),
  indicator: z.boolean(),
  origin: z.int().optional(),
});

type NumberEncoding = z.infer<typeof numberEncodingSchema>;

export type Scaling = 'standard' | 'robust' | 'none';

/** IQR of a normal distribution with standard deviation 1. */
const NORMAL_IQR = 1.3489795003921634;

/**
 * Fits one column on the training rows.
 *
 * - fill: the median; of booleans the more frequent value.
 * - standard: center = mean, scale = sd = sqrt(sum (x - mean)^2 / n) (scikit-learn's StandardScaler).
 * - robust: center = median, scale = IQR / 1.349 (RobustScaler with unit variance); sd where the IQR is 0.
 * - booleans stay 0 and 1.
 *
 * @throws BallastError DATA_INFINITE
 */
export function fitNumber(
  column: NumberColumn,
  input: string,
  rows: Uint32Array,
  scaling: Scaling,
): NumberEncoding | Unfit {
  const origin = needsOrigin(column) ? Math.round(firstPresent(column, rows)) + 0 : undefined;
  const present = presentValues(column, rows, origin ?? 0);
  if (present.length === 0) return 'empty';
  const missing = present.length < rows.length;
  const { mean, deviation, constant } = moments(present);
  if (!Number.isFinite(mean) || !Number.isFinite(deviation)) {
    throw new BallastError(`column "${column.name}" holds infinite values, or values beyond the range of float32`, {
      code: 'DATA_INFINITE',
      place: 'data.features',
      remedy: 'Replace them by missing values, transform the column, or exclude it in data.features.exclude.',
    });
  }
  if (constant && !missing) return 'constant';
  const encoding = { column: column.name, input, indicator: missing, ...(origin === undefined ? {} : { origin }) };
  if (column.type === 'boolean') return { ...encoding, fill: mean > 0.5 ? 1 : 0, center: 0, scale: 1 };
  const [median, low, high] = quantilesInPlace(present, scaling === 'robust' ? [0.5, 0.25, 0.75] : [0.5]);
  const fill = toFloat32(median);
  if (scaling === 'none') return { ...encoding, fill, center: 0, scale: 1 };
  const spread = scaling === 'robust' && high > low ? (high - low) / NORMAL_IQR : deviation;
  const scale = Math.fround(constant ? 1 : spread);
  return { ...encoding, fill, center: toFloat32(scaling === 'robust' ? median : mean), scale: scale > 0 ? scale : 1 };
}

/** Features of all number columns, then the indicators of those that have one. */
export function numberBlock(encodings: readonly NumberEncoding[]): FeatureBlock {
  const indicators = encodings.flatMap(({ indicator }, index) => (indicator ? [index] : []));
  const features: Feature[] = [
    ...encodings.map(({ column }) => ({ name: column, column })),
    ...indicators.map((index) => ({ name: `${encodings[index].column} is missing`, column: encodings[index].column })),
  ];
  return {
    features,
    writer: (table) => bindNumbers(encodings, table),
    nodes: (list) => numberNodes(encodings, indicators, list),
  };
}

export function numberInput({ column, input, origin }: NumberEncoding): RawInput {
  return { name: input, column, type: origin === undefined ? 'float32' : 'int64', shape: [1] };
}

function bindNumbers(encodings: readonly NumberEncoding[], table: Table): FeatureWriter {
  let nextIndicator = encodings.length;
  const writers = encodings.map((encoding, index) => {
    const column = requireColumn(table, encoding.column, 'the feature column');
    if (column.kind !== 'number') throw typeError(column, 'numbers', 'the feature');
    return bindNumber(encoding, column, index, encoding.indicator ? nextIndicator++ : -1);
  });
  return (rows, from, to, out, width, offset) => {
    for (const write of writers) write(rows, from, to, out, width, offset);
  };
}

function bindNumber(
  encoding: NumberEncoding,
  { values }: NumberColumn,
  index: number,
  indicator: number,
): FeatureWriter {
  const { fill, center, scale, origin = 0 } = encoding;
  const filled = Math.fround(Math.fround(fill - center) / scale);
  return (rows, from, to, out, width, offset) => {
    let at = offset + index;
    for (let i = from; i < to; i++, at += width) {
      const value = values[rows[i]];
      if (!Number.isNaN(value)) {
        out[at] = Math.fround(Math.fround(value - origin) - center) / scale;
      } else {
        out[at] = filled;
        if (indicator >= 0) out[at - index + indicator] = 1;
      }
    }
  };
}

function numberNodes(encodings: readonly NumberEncoding[], indicators: readonly number[], list: NodeList): string {
  const inputs = encodings.map((encoding) => rawNumber(encoding, list));
  const raw = inputs.length === 1 ? inputs[0] : list.op('Concat', inputs, { axis: int(1) });
  let value = list.ml('Imputer', [raw], {
    imputed_value_floats: floats(encodings.map(({ fill }) => fill)),
    replaced_value_float: float(Number.NaN),
  });
  value = list.op('Sub', [value, list.floats(encodings.map(({ center }) => center))]);
  value = list.op('Div', [value, list.floats(encodings.map(({ scale }) => scale))]);
  if (indicators.length === 0) return value;
  const watched = list.op('Gather', [raw, list.integers(indicators)], { axis: int(1) });
  const missing = list.op('Cast', [list.op('IsNaN', [watched])], { to: int(ONNX_TYPE_NUMBER.float32) });
  return list.op('Concat', [value, missing], { axis: int(1) });
}

/** The raw column as [N, 1] float32 with NaN where missing. */
function rawNumber({ input, origin }: NumberEncoding, list: NodeList): string {
  if (origin === undefined) return input;
  const missing = list.op('Equal', [input, list.integers(MISSING_INTEGER)]);
  const residual = list.op('Sub', [input, list.integers(origin)]);
  const rounded = list.op('Cast', [residual], { to: int(ONNX_TYPE_NUMBER.float32) });
  return list.op('Where', [missing, list.floats(Number.NaN), rounded]);
}

/** Whether some integer of the column is not a float32 number. */
function needsOrigin({ type, values }: NumberColumn): boolean {
  if (type !== 'integer' || values instanceof Float32Array) return false;
  for (const value of values) if (Number.isSafeInteger(value) && Math.fround(value) !== value) return true;
  return false;
}

function firstPresent({ values }: NumberColumn, rows: Uint32Array): number {
  for (const row of rows) if (!Number.isNaN(values[row])) return values[row];
  return 0;
}

function presentValues({ values }: NumberColumn, rows: Uint32Array, origin: number): Float32Array {
  const present = new Float32Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) {
    const value = values[rows[i]] - origin;
    if (!Number.isNaN(value)) present[count++] = value;
  }
  return present.subarray(0, count);
}

/** Mean and population standard deviation, two passes in float64. */
function moments(values: Float32Array): { mean: number; deviation: number; constant: boolean } {
  const n = values.length;
  const first = values[0];
  let sum = 0;
  let constant = true;
  for (let i = 0; i < n; i++) {
    sum += values[i] - first;
    if (values[i] !== first) constant = false;
  }
  const mean = first + sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i] - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / n), constant };
}
