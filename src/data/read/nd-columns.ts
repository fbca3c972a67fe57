import { BallastError } from '../../errors.js';
import type { ArrayColumn, Column, NumberColumn, Table } from '../table.js';
import { type Elements, elementsOf, type NdArray, type NumericType, sizeOf, stringsOf } from './nd-array.js';
import { categoryOf, encodeCategories, stringColumn } from './strings.js';

const IMAGES = /^(images?|x|data|pixels?)$/i;
const LABELS = /^(labels?|y|targets?|class|classes|ground_?truth)$/i;

/** The column's name by the conventions of the field: `images`, `x` -> `image`; `labels`, `y` -> `label`. */
function conventionalName(name: string, image: boolean): string {
  if (LABELS.test(name)) return 'label';
  if (IMAGES.test(name)) return image ? 'image' : 'features';
  return name;
}

/**
 * An array whose first axis is the rows, as a column. One value a row: a number, a category (labels and strings), or
 * strings where integers exceed 2^53. More: an image if the elements are bytes and the shape is [N, H, W], [N, H, W, C]
 * or [N, C, H, W] with 1 or 3 channels (or if it is called `images`; fractions 0-1 are scaled to 0-255); features
 * otherwise.
 */
export function columnOf(name: string, array: NdArray): Column {
  const [rows = 1] = array.shape;
  const inner = array.shape.slice(1);
  const single = sizeOf(inner) === 1 && inner.length <= 1;
  if (array.type === 'string') {
    if (!single) throw unsupported(name, 'an array of several strings a row');
    const plain = encodeCategories(conventionalName(name, false), stringsOf(array));
    return stringColumn(
      plain.name,
      plain.codes,
      plain.dictionary,
      new Set(),
      LABELS.test(name) ? 'category' : undefined,
    );
  }
  const numeric = { ...array, type: array.type };
  const elements = elementsOf(numeric);
  if (single) return scalarColumn(conventionalName(name, false), elements, numeric.type, LABELS.test(name));
  const image = imageLayout(name, array.type, inner);
  if (image === undefined) {
    const data = array.type === 'bool' ? new Uint8Array(elements as Uint8Array) : narrowed(elements);
    return { kind: 'array', name: conventionalName(name, false), content: 'features', shape: inner, data };
  }
  return imageColumn(conventionalName(name, true), elements, rows, image);
}

function scalarColumn(name: string, elements: Elements, type: NumericType, label: boolean): Column {
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    const safe = (elements as { every(test: (value: bigint) => boolean): boolean }).every((value) =>
      Number.isSafeInteger(Number(value)),
    );
    if (!safe || label) {
      const strings = encodeCategories(name, Array.from(elements, String));
      return stringColumn(name, strings.codes, strings.dictionary, new Set(), label ? 'category' : undefined);
    }
    return numberColumn(name, Float64Array.from(elements, Number), 'integer');
  }
  const fractional = type === 'float16' || type === 'float32' || type === 'float64';
  if (label && !fractional) {
    const distinct = [...new Set<number>(elements)];
    const code = new Map(distinct.map((value, index) => [value, index]));
    const codes = Int32Array.from(elements, (value) => code.get(value) ?? -1);
    return categoryOf(name, codes, distinct.map(String));
  }
  return numberColumn(name, elements, fractional ? 'float' : type === 'bool' ? 'boolean' : 'integer');
}

/** A column of numbers, as float32 where every value survives that. */
export function numberColumn(
  name: string,
  elements: Exclude<Elements, BigInt64Array | BigUint64Array>,
  type: NumberColumn['type'],
): NumberColumn {
  if (elements instanceof Float32Array) return { kind: 'number', name, type, values: elements };
  const narrow = Float32Array.from(elements);
  const survives = narrow.every((value, index) => value === elements[index] || Number.isNaN(value));
  return { kind: 'number', name, type, values: survives ? narrow : Float64Array.from(elements) };
}

function narrowed(elements: Elements): ArrayColumn['data'] {
  if (elements instanceof Uint8Array || elements instanceof Int32Array || elements instanceof Float32Array)
    return elements;
  if (elements instanceof Float64Array) return Float32Array.from(elements);
  const whole =
    elements instanceof BigInt64Array || elements instanceof BigUint64Array
      ? Float64Array.from(elements, Number)
      : elements;
  const integers = Int32Array.from(whole);
  return integers.every((value, index) => value === whole[index]) ? integers : Float32Array.from(whole);
}

interface ImageLayout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly channelsLast: boolean;
}

function imageLayout(name: string, type: NumericType, inner: readonly number[]): ImageLayout | undefined {
  if (type !== 'uint8' && !/^images?$/i.test(name)) return undefined;
  if (inner.length === 2) return { channels: 1, height: inner[0], width: inner[1], channelsLast: false };
  if (inner.length !== 3) return undefined;
  const [a, b, c] = inner;
  if (c === 1 || c === 3) return { channels: c, height: a, width: b, channelsLast: true };
  if (a === 1 || a === 3) return { channels: a, height: b, width: c, channelsLast: false };
  return undefined;
}

function imageColumn(name: string, elements: Elements, rows: number, layout: ImageLayout): ArrayColumn {
  const { channels, height, width, channelsLast } = layout;
  const pixels = height * width;
  let data = narrowed(elements);
  if (channelsLast && channels > 1) {
    const planes = data.slice();
    for (let row = 0; row < rows; row++) {
      const start = row * pixels * channels;
      for (let channel = 0; channel < channels; channel++) {
        for (let pixel = 0; pixel < pixels; pixel++) {
          planes[start + channel * pixels + pixel] = data[start + pixel * channels + channel];
        }
      }
    }
    data = planes;
  }
  return { kind: 'array', name, content: 'image', shape: [channels, height, width], data: to255(data) };
}

/** Pixels as 0-255: fractions of 1 are scaled. */
function to255(data: ArrayColumn['data']): ArrayColumn['data'] {
  if (!(data instanceof Float32Array)) return data;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of data) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return least >= 0 && most <= 1 ? data.map((value) => value * 255) : data;
}

/** Columns of equal length as a table. */
export function tableOf(columns: readonly Column[], place: string): Table {
  const rows = columns.map(rowsOf);
  if (rows.length === 0 || rows[0] === 0) throw new BallastError('there are no rows', { code: 'DATA_EMPTY', place });
  if (new Set(rows).size > 1) {
    const lengths = columns.map(({ name }, index) => `${name}: ${rows[index]}`).join(', ');
    throw new BallastError(`the arrays have unequal numbers of rows (${lengths})`, {
      code: 'DATA_ROWS_DIFFER',
      place,
      remedy: 'Give arrays of one set, with the rows along the first axis.',
    });
  }
  return { rows: rows[0], columns };
}

function rowsOf(column: Column): number {
  switch (column.kind) {
    case 'array':
      return column.data.length / sizeOf(column.shape);
    case 'category':
      return column.codes.length;
    case 'sparse':
      return column.starts.length - 1;
    default:
      return column.values.length;
  }
}

function unsupported(name: string, what: string): BallastError {
  return new BallastError(`${name} is ${what}, which is not supported`, { code: 'DATA_TYPE_UNSUPPORTED' });
}
