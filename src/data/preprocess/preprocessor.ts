import { BallastError } from '../../errors.js';
import type { Graph, ValueInfo } from '../../graph/model.js';
import { float32, type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import { numbersOf } from '../column-values.js';
import { requireColumn } from '../roles.js';
import type { Table } from '../table.js';
import { type ArrayEncoding, arrayInput, arrayNodes, arrayTensor, featureArrayBlock, rangeOf } from './arrays.js';
import { categoryBlock, categoryInput } from './categories.js';
import { type EncodedColumns, encodeColumns } from './encoded-columns.js';
import type { Feature, FeatureBlock, RawInput } from './feature-block.js';
import { groupIds } from './groups.js';
import { NodeList } from './node-list.js';
import { numberBlock, numberInput } from './numbers.js';
import { sparseBlock, sparseInput } from './sparse.js';
import { type PreprocessorState, preprocessorStateSchema } from './state.js';
import { type ClassLabel, targetTensor } from './target.js';
import { textBlock, textInput } from './texts.js';
import { timeBlock, timeInput } from './times.js';

/** Encoded rows: what a network trains on. */
export interface Examples {
  readonly rows: number;
  /** By name of the network's input; the first extent is the number of rows. */
  readonly inputs: Readonly<Record<string, Tensor<NumericArray>>>;
  /** int64 [rows] class indices, or float32 [rows, 1] standardised numbers. Absent where there is no target. */
  readonly target?: Tensor<NumericArray>;
  readonly weights?: Float32Array;
  readonly offsets?: Float32Array;
  /** For each row the number of its group, 0 .. g - 1 in order of first occurrence. */
  readonly groups?: Int32Array;
}

/** A tensor that the network takes: name, element type and shape without the batch dimension. */
export interface NetworkInput {
  readonly name: string;
  readonly type: 'float32' | 'int64';
  readonly shape: readonly number[];
  /** What it shows: `tabular` for the features tensor. */
  readonly content: 'tabular' | 'image' | 'audio' | 'tokens' | 'series';
  /**
   * For each feature of a tabular tensor the number of its group, where features that only mean something together (the
   * codes of one category, the parts of one instant, a number and its missing indicator) are a group. Absent where every
   * feature stands for itself.
   */
  readonly groups?: readonly number[];
  /** Images and waveforms: the encoded values between which every possible raw value lies, one pair a channel. */
  readonly range?: { readonly low: readonly number[]; readonly high: readonly number[] };
  /** Waveforms: samples a second. */
  readonly sampleRate?: number;
}

/** Name of the tensor that all scalar columns are encoded into. */
export const FEATURES = 'features';

/** More features than these, times rows, are not written out: 8 GiB. */
const MOST_FLOATS = 2 ** 31;

/** Floats that are encoded at a time: they stay in cache while column after column is written. */
const BLOCK = 16_384;

/**
 * Raw columns -> tensors, fitted on training rows. {@link transform} does it in memory, {@link graph} is the same as
 * ONNX; both give equal float32 numbers.
 */
export class Preprocessor {
  readonly state: PreprocessorState;
  /** Columns of the `features` tensor, in order. */
  readonly features: readonly Feature[];
  readonly #blocks: readonly FeatureBlock[];
  readonly #arrays: readonly { readonly name: string; readonly encoding: ArrayEncoding }[];

  constructor(state: PreprocessorState) {
    this.state = state;
    const { numbers, categories, times, texts, arrays, sparse } = state;
    this.#blocks = [
      ...(numbers.length > 0 ? [numberBlock(numbers)] : []),
      ...categories.map(categoryBlock),
      ...times.map(timeBlock),
      ...texts.map(textBlock),
      ...arrays.filter(({ content }) => content === 'features').map(featureArrayBlock),
      ...sparse.map(sparseBlock),
    ];
    this.features = this.#blocks.flatMap((block) => block.features);
    const own = arrays.filter(({ content }) => content !== 'features');
    this.#arrays = own.map((encoding) => {
      const alone = own.filter(({ content }) => content === encoding.content).length === 1;
      return { name: alone ? encoding.content : `${encoding.content}.${encoding.column}`, encoding };
    });
  }

  /**
   * Restores what {@link toJSON} gave.
   *
   * @throws BallastError PREPROCESSOR_INVALID
   */
  static fromJSON(json: unknown): Preprocessor {
    const result = preprocessorStateSchema.safeParse(json);
    if (result.success) return new Preprocessor(result.data);
    const issue = result.error.issues[0];
    throw new BallastError(`not a preprocessor of this version: ${issue.message}`, {
      code: 'PREPROCESSOR_INVALID',
      place: issue.path.join('.'),
      remedy: 'Use the file that training wrote, with this version of Ballast or a newer one.',
    });
  }

  toJSON(): PreprocessorState {
    return this.state;
  }

  /** Inputs of the served model, one for each raw column that is used. */
  get inputs(): readonly RawInput[] {
    const { numbers, categories, times, texts, arrays, sparse } = this.state;
    return [
      ...numbers.map(numberInput),
      ...categories.map(categoryInput),
      ...times.map(timeInput),
      ...texts.map(textInput),
      ...arrays.map(arrayInput),
      ...sparse.map(sparseInput),
    ];
  }

  /** Tensors that the network takes: `features` [D], then each image, waveform, series and token sequence. */
  get outputs(): readonly NetworkInput[] {
    const arrays = this.#arrays.map(({ name, encoding }): NetworkInput => {
      const { content, shape, sampleRate } = encoding;
      const range = rangeOf(encoding);
      return {
        name,
        ...(range === undefined ? {} : { range }),
        ...(sampleRate === undefined ? {} : { sampleRate }),
        type: content === 'tokens' ? 'int64' : 'float32',
        shape,
        content: content as NetworkInput['content'],
      };
    });
    if (this.features.length === 0) return arrays;
    const groups = this.#featureGroups();
    const features: NetworkInput = {
      name: FEATURES,
      type: 'float32',
      shape: [this.features.length],
      content: 'tabular',
      ...(groups.some((group, feature) => group !== feature) ? { groups } : {}),
    };
    return [features, ...arrays];
  }

  /** Words of a text and elements of an array mean something alone; features of any other column only together. */
  #featureGroups(): number[] {
    const { texts, arrays, sparse } = this.state;
    const apart = new Set([...texts, ...arrays, ...sparse].map(({ column }) => column));
    const groups = new Map<string, number>();
    return this.features.map(({ name, column }) => {
      const key = apart.has(column) ? `feature ${name}` : `column ${column}`;
      const group = groups.get(key) ?? groups.size;
      groups.set(key, group);
      return group;
    });
  }

  /** Names of the columns of the `features` tensor. */
  get featureNames(): readonly string[] {
    return this.features.map(({ name }) => name);
  }

  /** Class labels in the order of the network's outputs; undefined for a numeric target. */
  get classes(): readonly ClassLabel[] | undefined {
    return this.state.target?.kind === 'classes' ? this.state.target.classes : undefined;
  }

  /** Mean and scale by which a numeric target is standardised: y = prediction * scale + mean. */
  get targetScaling(): { readonly mean: number; readonly scale: number } | undefined {
    return this.state.target?.kind === 'number' ? this.state.target : undefined;
  }

  /**
   * Encodes rows of a table. Nothing larger than the result is allocated.
   *
   * @param target false where the rows have no target (to predict, not to learn)
   * @throws BallastError where a column is absent or of another type, or the target is missing or of an unknown class
   */
  transform(table: Table, rows: Uint32Array, { target = true }: { target?: boolean } = {}): Examples {
    const inputs: Record<string, Tensor<NumericArray>> = {};
    if (this.features.length > 0) inputs[FEATURES] = this.#encodeFeatures(table, rows);
    for (const { name, encoding } of this.#arrays) inputs[name] = arrayTensor(encoding, table, rows);
    return { ...this.answers(table, rows, { target }), inputs };
  }

  /** Whether there are features of which most are 0 in most rows: words of texts, sparse numbers. */
  get sparse(): boolean {
    return this.#blocks.some(({ entries }) => entries !== undefined);
  }

  /** The features of rows, without writing out what is 0. */
  columns(table: Table, rows: Uint32Array): EncodedColumns {
    return encodeColumns(this.#blocks, table, rows);
  }

  /** What {@link transform} tells of rows beside the inputs. */
  answers(table: Table, rows: Uint32Array, { target = true }: { target?: boolean } = {}): Omit<Examples, 'inputs'> {
    const { weight, offset, group } = this.state;
    return {
      rows: rows.length,
      ...(target && this.state.target !== undefined ? { target: targetTensor(this.state.target, table, rows) } : {}),
      ...(target && weight !== undefined ? { weights: weightsOf(table, weight, rows) } : {}),
      ...(target && group.length > 0 ? { groups: groupIds(table, group, rows) } : {}),
      ...(offset === undefined ? {} : { offsets: offsetsOf(table, offset, rows) }),
    };
  }

  /** The encoding as ONNX: raw columns in, {@link outputs} out; the number of rows is the dimension `batch`. */
  get graph(): Graph {
    const list = new NodeList('preprocess/');
    const made = this.appendTo(list);
    const outputs = this.outputs.map(({ name, type, shape }): ValueInfo => {
      list.name('Identity', [made[name]], name);
      return { name, type, shape: ['batch', ...shape] };
    });
    return {
      name: 'preprocess',
      inputs: this.inputs.map(rawValueInfo),
      outputs,
      initializers: list.initializers,
      nodes: list.nodes,
      valueInfo: new Map(),
    };
  }

  /** Adds the encoding's nodes to a list; returns the value of each of {@link outputs}. */
  appendTo(list: NodeList): Record<string, string> {
    const made: Record<string, string> = {};
    if (this.#blocks.length > 0) {
      const parts = this.#blocks.map((block) => block.nodes(list));
      made[FEATURES] = parts.length === 1 ? parts[0] : list.concatenate(parts);
    }
    for (const { name, encoding } of this.#arrays) made[name] = arrayNodes(encoding, list);
    return made;
  }

  #encodeFeatures(table: Table, rows: Uint32Array): Tensor<Float32Array> {
    const shape = [rows.length, this.features.length];
    if (sizeOf(shape) > MOST_FLOATS) {
      throw new BallastError(`${rows.length} rows of ${this.features.length} features are too many to be written out`, {
        code: 'DATA_TOO_WIDE',
        place: 'data.features',
        remedy: 'Fit sparse features with ballast path, which does not write them out, or give fewer of them',
      });
    }
    const out = new Float32Array(sizeOf(shape));
    let offset = 0;
    const writers = this.#blocks.map((block) => {
      const bound = { write: block.writer(table), offset };
      offset += block.features.length;
      return bound;
    });
    const block = Math.max(16, Math.floor(BLOCK / shape[1]));
    for (let from = 0; from < rows.length; from += block) {
      const to = Math.min(from + block, rows.length);
      const part = out.subarray(from * shape[1], to * shape[1]);
      for (const { write, offset: start } of writers) write(rows, from, to, part, shape[1], start);
    }
    return float32(shape, out);
  }
}

/** A raw input as a graph declares it. */
export function rawValueInfo({ name, type, shape }: RawInput): ValueInfo {
  return { name, type, shape: ['batch', ...shape] };
}

function weightsOf(table: Table, name: string, rows: Uint32Array): Float32Array {
  const values = numbersOf(requireColumn(table, name, 'the weight column'), 'weights', 'data.columns.weight');
  const weights = Float32Array.from(rows, (row) => values[row]);
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (wrong !== -1) {
    throw new BallastError('a row weight must be a finite number, 0 or more', {
      code: 'DATA_WEIGHT_INVALID',
      place: `row ${rows[wrong] + 1} of column "${name}"`,
      value: values[rows[wrong]],
    });
  }
  return weights;
}

function offsetsOf(table: Table, name: string, rows: Uint32Array): Float32Array {
  const values = numbersOf(requireColumn(table, name, 'the offset column'), 'offsets', 'data.columns.offset');
  const wrong = rows.find((row) => !Number.isFinite(values[row]));
  if (wrong !== undefined) {
    throw new BallastError('an offset must be a finite number', {
      code: 'DATA_OFFSET_INVALID',
      place: `row ${wrong + 1} of column "${name}"`,
      value: values[wrong],
    });
  }
  return Float32Array.from(rows, (row) => values[row]);
}
