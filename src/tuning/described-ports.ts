import { z } from 'zod';
import type { RawInput } from '../data/preprocess/feature-block.js';
import { rawTensors } from '../data/preprocess/raw-tensors.js';
import { tokenizerId } from '../data/tokenizer.js';
import { BallastError } from '../errors.js';
import { CLASSES_KEY } from '../graph/format/zip-map.js';
import type { Model } from '../graph/model.js';
import { type ColumnTokenizer, tokenizersFromRecords } from '../spec/tokens.js';
import type { ModelPorts } from './model-ports.js';

const rawInputs = z.array(
  z.object({
    name: z.string(),
    column: z.string(),
    type: z.enum(['float32', 'int64', 'string']),
    shape: z.array(z.int().min(1)),
  }),
);
/** Metadata entry of the tokenizers that stand in front of a model, vocabulary and all. */
export const TOKENIZERS_KEY = 'ballast.tokenizers';

const tokenizerRecord = z.union([
  z.strictObject({
    kind: z.enum(['whitespace', 'character']),
    lowercase: z.boolean(),
    vocabulary: z.array(z.string()),
  }),
  z.strictObject({ kind: z.literal('json'), definition: z.record(z.string(), z.unknown()) }),
]);
const columnTokenizers = z.array(
  z.strictObject({ column: z.string(), length: z.int().min(1), id: z.string(), record: tokenizerRecord }),
);
const classNames = z.array(z.union([z.string(), z.number()]));
const classesByOutput = z.record(z.string(), classNames);

/**
 * The ports of a model that Ballast exported, by its metadata; undefined for others.
 *
 * @throws BallastError MODEL_METADATA where the metadata is damaged
 */
export function describedPorts(model: Model): ModelPorts | undefined {
  const { metadata } = model;
  const task = metadata.get('ballast.task');
  const inputs = metadata.get('ballast.inputs');
  if (inputs === undefined || (task !== 'classification' && task !== 'regression')) return undefined;
  const parsed = rawInputs.safeParse(jsonOf('ballast.inputs', inputs));
  if (!parsed.success) throw damaged('ballast.inputs');
  const raw: readonly RawInput[] = parsed.data;
  const output = task === 'classification' ? 'logits' : 'prediction';
  return {
    task,
    classes: describedClasses(model, output),
    output: { name: output, kind: task === 'classification' ? 'logits' : 'predictions' },
    feed: (table, rows) => rawTensors(raw, table, rows),
  };
}

/**
 * The tokenizers that a model's text columns go through, by its metadata; none where it names none.
 *
 * @throws BallastError MODEL_METADATA where they are not those that their ids name
 */
export function describedTokenizers({ metadata }: Model): ColumnTokenizer[] {
  const text = metadata.get(TOKENIZERS_KEY);
  if (text === undefined) return [];
  const parsed = columnTokenizers.safeParse(jsonOf(TOKENIZERS_KEY, text));
  if (!parsed.success) throw damaged(TOKENIZERS_KEY, parsed.error);
  const tokenizers = tokenizersFromRecords(parsed.data);
  const sound = tokenizers.every(({ tokenizer }, i) => tokenizerId(tokenizer) === parsed.data[i].id);
  if (!sound) throw damaged(TOKENIZERS_KEY);
  return tokenizers;
}

/** The classes that a model's metadata names for an output, in the order of its columns; none where it names none. */
export function describedClasses({ metadata }: Pick<Model, 'metadata'>, output: string): string[] {
  const text = metadata.get(CLASSES_KEY);
  if (text === undefined) return [];
  const value = jsonOf(CLASSES_KEY, text);
  const list = classNames.safeParse(value);
  if (list.success) return list.data.map(String);
  const byOutput = classesByOutput.safeParse(value);
  if (!byOutput.success) throw damaged(CLASSES_KEY);
  return Object.hasOwn(byOutput.data, output) ? byOutput.data[output].map(String) : [];
}

function jsonOf(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(key, cause);
  }
}

function damaged(key: string, cause?: unknown): BallastError {
  return new BallastError(`the metadata entry ${key} of the model is not what Ballast writes there`, {
    code: 'MODEL_METADATA',
    remedy: 'Export the model again, or remove the entry and describe the model by options',
    ...(cause === undefined ? {} : { cause }),
  });
}
