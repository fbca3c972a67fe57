import { z } from 'zod';
import { BallastError } from '../../errors.js';
import { int } from '../../graph/model.js';
import { float32, int64, sizeOf, type Tensor } from '../../graph/tensor.js';
import { typeError } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { ArrayColumn, Table } from '../table.js';
import { type Feature, type FeatureBlock, type FeatureWriter, type RawInput, toFloat32 } from './feature-block.js';
import type { NodeList } from './node-list.js';

/**
 * One array a row: (x - center) / scale, with one center and scale for each channel (images: the first axis; series
 * [length, channels]: the last), for each element (features) or for all (audio: center 0, scale = root mean square). Tokens pass through as int64.
 * Missing elements (NaN) of features and series become the center.
 */
export const arrayEncodingSchema = z.strictObject({
  column: z.string(),
  input: z.string(),
  content: z.enum(['image', 'audio', 'tokens', 'series', 'features']),
  shape: z.array(z.int().min(1)),
  center: z.array(z.number()),
  scale: z.array(z.number().positive()),
  /** Of waveforms: samples a second. */
  sampleRate: z.int().positive().optional(),
});

export type ArrayEncoding = z.infer<typeof arrayEncodingSchema>;

/**
 * Fits one column on the training rows (standard deviations divide by n).
 *
 * @throws BallastError DATA_INFINITE, DATA_ARRAY_MISSING (NaN in images or audio)
 */
export function fitArray(
  column: ArrayColumn,
  input: string,
  rows: Uint32Array,
  scaling: 'standard' | 'robust' | 'none',
): ArrayEncoding {
  const { name, content, shape, sampleRate } = column;
  const encoding = {
    column: name,
    input,
    content,
    shape: [...shape],
    ...(sampleRate === undefined ? {} : { sampleRate }),
  };
  if (content === 'tokens') return { ...encoding, center: [], scale: [] };
  const { counts, sums, squaresAround } = elementSums(column, rows);
  const present = counts.reduce((sum, count) => sum + count, 0);
  if (present < rows.length * sizeOf(shape) && (content === 'image' || content === 'audio')) {
    throw arrayError(name, 'DATA_ARRAY_MISSING', 'has missing elements');
  }
  const center = Array.from(sums, (sum, group) =>
    content === 'audio' || counts[group] === 0 ? 0 : toFloat32(sum / counts[group]),
  );
  const deviation = Array.from(squaresAround(center), (sum, group) => Math.fround(Math.sqrt(sum / counts[group])) || 0);
  if (![...center, ...deviation].every(Number.isFinite))
    throw arrayError(name, 'DATA_INFINITE', 'holds infinite values');
  if (scaling === 'none') {
    return { ...encoding, center: center.map(() => 0), scale: center.map(() => (content === 'image' ? 255 : 1)) };
  }
  // What never varied in training (a border pixel) is scaled like the others, lest a change be out of all proportion.
  const varying = deviation.filter((value) => value > 0);
  const usual = varying.length === 0 ? 1 : Math.fround(varying.reduce((sum, value) => sum + value, 0) / varying.length);
  return { ...encoding, center, scale: deviation.map((value) => value || usual) };
}

interface ElementSums {
  /** Elements of each group that are not missing. */
  readonly counts: Float64Array;
  readonly sums: Float64Array;
  /** Sums of squared differences from the given centers. */
  squaresAround(center: readonly number[]): Float64Array;
}

/**
 * Which elements share a center: element i of a row belongs to group trunc(i / run) mod groups. Only images and what has
 * one group come in runs.
 */
function layoutOf({ content, shape }: Pick<ArrayColumn, 'content' | 'shape'>): { groups: number; run: number } {
  const size = sizeOf(shape);
  if (content === 'features') return { groups: size, run: 1 };
  if (content === 'image' && shape.length === 3) return { groups: shape[0], run: size / shape[0] };
  if (content === 'series' && shape.length > 1) return { groups: shape[shape.length - 1], run: 1 };
  return { groups: 1, run: size };
}

function elementSums(column: ArrayColumn, rows: Uint32Array): ElementSums {
  const { data, shape } = column;
  const size = sizeOf(shape);
  const { groups, run } = layoutOf(column);
  const totals = (term: (value: number, group: number) => number): Float64Array => {
    const result = new Float64Array(groups);
    if (data instanceof Uint8Array && run > 1) {
      // 256 possible values: count them once, then sum over the counts.
      const histogram = byteHistogram(data, rows, groups, run);
      for (let i = 0; i < histogram.length; i++) {
        if (histogram[i] > 0) result[i >> 8] += histogram[i] * term(i & 255, i >> 8);
      }
      return result;
    }
    for (const row of rows) {
      for (let i = 0, at = row * size; i < size; i++, at++) {
        const group = Math.trunc(i / run) % groups;
        if (!Number.isNaN(data[at])) result[group] += term(data[at], group);
      }
    }
    return result;
  };
  return {
    counts: totals(() => 1),
    sums: totals((value) => value),
    squaresAround: (center) => totals((value, group) => (value - center[group]) ** 2),
  };
}

function byteHistogram(data: Uint8Array, rows: Uint32Array, groups: number, run: number): Float64Array {
  const histogram = new Float64Array(groups * 256);
  for (const row of rows) {
    for (let group = 0, at = row * groups * run; group < groups; group++) {
      for (let i = 0; i < run; i++) histogram[group * 256 + data[at++]]++;
    }
  }
  return histogram;
}

function arrayError(name: string, code: string, what: string): BallastError {
  return new BallastError(`array column "${name}" ${what}`, {
    code,
    place: 'data',
    remedy: 'Mend or remove those rows, or exclude the column in data.features.exclude.',
  });
}

export function arrayInput({ column, input, content, shape }: ArrayEncoding): RawInput {
  return { name: input, column, type: content === 'tokens' ? 'int64' : 'float32', shape };
}

/** Arrays of features join the `features` tensor, flattened. */
export function featureArrayBlock(encoding: ArrayEncoding): FeatureBlock {
  const { column, shape } = encoding;
  const size = sizeOf(shape);
  const features: Feature[] = Array.from({ length: size }, (_, index) => ({ name: `${column}[${index}]`, column }));
  return {
    features,
    writer(table): FeatureWriter {
      const encode = bindElements(encoding, requireArray(encoding, table));
      return (rows, from, to, out, width, offset) => {
        for (let i = from, at = offset; i < to; i++, at += width) encode(rows[i], out, at);
      };
    },
    nodes: (list) => list.op('Flatten', [arrayNodes(encoding, list)], { axis: int(1) }),
  };
}

/** The tensor of an array column that is an output of its own: float32 [rows, ...shape], or int64 for tokens. */
export function arrayTensor(
  encoding: ArrayEncoding,
  table: Table,
  rows: Uint32Array,
): Tensor<Float32Array | BigInt64Array> {
  const column = requireArray(encoding, table);
  const size = sizeOf(encoding.shape);
  const shape = [rows.length, ...encoding.shape];
  if (encoding.content === 'tokens') {
    const tokens = new BigInt64Array(rows.length * size);
    rows.forEach((row, i) => {
      for (let j = 0; j < size; j++) tokens[i * size + j] = BigInt(column.data[row * size + j]);
    });
    return int64(shape, tokens);
  }
  const out = new Float32Array(rows.length * size);
  const encode = bindElements(encoding, column);
  rows.forEach((row, i) => {
    encode(row, out, i * size);
  });
  return float32(shape, out);
}

/** Raw pixels are 0 to 255 and raw samples -1 to 1; what they are encoded as, per channel. */
export function rangeOf({
  content,
  center,
  scale,
}: ArrayEncoding): { readonly low: readonly number[]; readonly high: readonly number[] } | undefined {
  const raw = { image: [0, 255], audio: [-1, 1], tokens: undefined, series: undefined, features: undefined }[content];
  if (raw === undefined) return undefined;
  const encoded = (value: number): number[] => center.map((c, i) => Math.fround((value - c) / scale[i]));
  return { low: encoded(raw[0]), high: encoded(raw[1]) };
}

/** Adds the nodes of {@link arrayTensor}. */
export function arrayNodes({ input, content, shape, center, scale }: ArrayEncoding, list: NodeList): string {
  if (content === 'tokens') return list.op('Identity', [input]);
  const extents = content === 'features' ? shape : content === 'image' ? [center.length, 1, 1] : [center.length];
  const centers = list.constant(float32(extents, center));
  const scales = list.constant(float32(extents, scale));
  const value =
    content === 'image' || content === 'audio' ? input : list.op('Where', [list.op('IsNaN', [input]), centers, input]);
  return list.op('Div', [list.op('Sub', [value, centers]), scales]);
}

/** Bytes are looked up in a table of their 256 results: as exact as the arithmetic, and faster. */
function bindElements(
  encoding: ArrayEncoding,
  { data, shape }: ArrayColumn,
): (row: number, out: Float32Array, at: number) => void {
  const { center, scale } = encoding;
  const size = sizeOf(shape);
  const { groups, run } = layoutOf(encoding);
  if (data instanceof Uint8Array && run > 1) {
    const tables = center.map((c, group) =>
      Float32Array.from({ length: 256 }, (_, value) => Math.fround(value - c) / scale[group]),
    );
    return (row, out, at) => {
      for (let group = 0, from = row * size, to = at; group < groups; group++) {
        const table = tables[group];
        for (let i = 0; i < run; i++) out[to++] = table[data[from++]];
      }
    };
  }
  return (row, out, at) => {
    for (let part = 0, from = row * size, to = at; part < size / run; part++) {
      const c = center[part % groups];
      const s = scale[part % groups];
      for (let i = 0; i < run; i++, from++, to++) {
        const value = Math.fround(data[from]);
        out[to] = Number.isNaN(value) ? 0 : Math.fround(value - c) / s;
      }
    }
  };
}

function requireArray({ column: name, content, shape }: ArrayEncoding, table: Table): ArrayColumn {
  const column = requireColumn(table, name, 'the feature column');
  if (column.kind !== 'array') throw typeError(column, `${content} arrays`, 'the feature');
  if (column.content !== content || String(column.shape) !== String(shape)) {
    throw new BallastError(
      `column "${name}" holds ${column.content} of shape [${column.shape}], but the model was fitted on ${content} of [${shape}]`,
      {
        code: 'DATA_ARRAY_SHAPE',
        place: 'data',
        remedy: 'Read the data with the image, audio or text options of the training spec.',
      },
    );
  }
  return column;
}
