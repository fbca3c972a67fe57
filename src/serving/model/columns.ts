import { z } from 'zod';
import { MISSING_INTEGER } from '../../data/preprocess/feature-block.js';
import { BallastError } from '../../errors.js';
import { sizeOf, type Tensor } from '../../graph/index.js';
import type { Observation } from '../../store/index.js';
import { decodeJson } from '../protocol/decode-json.js';
import type { LoadedModel, Tensors } from '../worker/messages.js';
import { MOST_VALUES, viewName } from '../worker/view.js';

const describedInputs = z.array(z.object({ name: z.string(), column: z.string() }));

/** The raw columns of rows that were sent to a model. */
export class RowColumns {
  readonly #nameOf: ReadonlyMap<string, string>;
  /** Names `NAME[i]` of each input and view that was read: the same of every row. */
  readonly #listed = new Map<string, readonly string[]>();
  /** What has to be fetched beside the answers, so that all of a row is read. */
  readonly fetches: readonly string[];

  /** @throws BallastError `MODEL_METADATA` */
  constructor({ metadata, view }: LoadedModel) {
    this.#nameOf = columnNames(metadata['ballast.inputs']);
    this.fetches = view === undefined ? [] : [view];
  }

  /** The column that an input holds. */
  columnOf(input: string): string {
    return this.#nameOf.get(input) ?? input;
  }

  /**
   * Of an input with several values a row, each is a column `NAME[i]`. Inputs of many stand as what the model makes of them, columns
   * `view:VALUE[i]`, where it was answered.
   */
  read(feeds: Tensors, row: number, outputs: Tensors = {}): Observation['features'] {
    const features: Record<string, number | string | null> = {};
    for (const [input, tensor] of Object.entries(feeds)) this.#readInto(features, this.columnOf(input), tensor, row);
    for (const name of this.fetches) {
      const value = outputs[name];
      if (value !== undefined) this.#readInto(features, viewName(name), value, row, true);
    }
    return features;
  }

  #readInto(
    features: Record<string, number | string | null>,
    name: string,
    tensor: Tensor,
    row: number,
    isList = false,
  ): void {
    const width = tensor.shape.length === 0 ? 1 : sizeOf(tensor.shape.slice(1));
    if (width > MOST_VALUES) return;
    if (width === 1 && !isList) {
      features[name] = valueAt(tensor, row);
      return;
    }
    const names = this.#namesOf(name, width);
    for (let i = 0; i < width; i++) features[names[i]] = valueAt(tensor, row * width + i);
  }

  #namesOf(name: string, width: number): readonly string[] {
    const known = this.#listed.get(name);
    if (known !== undefined && known.length >= width) return known;
    const names = Array.from({ length: width }, (_, i) => `${name}[${i}]`);
    this.#listed.set(name, names);
    return names;
  }
}

/**
 * One row of a model's inputs from the columns that were observed of it: the way back of {@link RowColumns.read}.
 *
 * @throws BallastError `INPUT_MISSING` where an input was not kept, such as an image
 */
export function rowOf({ inputs }: LoadedModel, columns: RowColumns, features: Observation['features']): Tensors {
  return Object.fromEntries(
    inputs.map(({ name, type, shape }) => {
      const column = columns.columnOf(name);
      const own = shape.map((extent, axis) => (typeof extent === 'number' ? extent : axis === 0 ? 1 : undefined));
      const size = own.every((extent) => extent !== undefined) ? sizeOf(own) : Number.NaN;
      const values = Array.from({ length: size <= MOST_VALUES ? size : 0 }, (_, i) =>
        size === 1 ? features[column] : features[`${column}[${i}]`],
      );
      if (values.length !== size || values.some((value) => value === undefined)) {
        throw new BallastError('What was observed of a request does not hold this input', {
          code: 'INPUT_MISSING',
          place: `input ${name}`,
          remedy: `Rows are kept up to ${MOST_VALUES} values of an input. Record requests as they come: ballast serve --record FILE`,
        });
      }
      return [name, decodeJson(name, type, own as number[], values)];
    }),
  );
}

function valueAt({ type, data }: Tensor, at: number): number | string | null {
  const value = data[at];
  if (type === 'string') return value === '' ? null : String(value);
  if (value === MISSING_INTEGER) return null;
  const number = Number(value);
  return Number.isNaN(number) ? null : number;
}

function columnNames(text: string | undefined): ReadonlyMap<string, string> {
  if (text === undefined) return new Map();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(cause);
  }
  const parsed = describedInputs.safeParse(value);
  if (!parsed.success) throw damaged(parsed.error);
  return new Map(parsed.data.map(({ name, column }) => [name, column]));
}

function damaged(cause: unknown): BallastError {
  return new BallastError('The metadata entry ballast.inputs of the model is not what Ballast writes there', {
    code: 'MODEL_METADATA',
    remedy: 'Export the model again.',
    cause,
  });
}
