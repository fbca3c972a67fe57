import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Tokenizer as JsonTokenizer } from '@huggingface/tokenizers';
import { BallastError } from '../errors.js';
import { fileFault } from './read/faults.js';

/** Id of the token that fills a row up to its length. */
export const PADDING = 0;

/** Id of every token that is not in a fitted vocabulary. */
export const UNKNOWN = 1;

/** Reserved ids of a fitted vocabulary: padding and unknown. */
const RESERVED = 2;

export type TokenizerKind = 'whitespace' | 'character';

/** Turns text into token ids. It stays outside of the model's graph and is shipped beside it as its record. */
export interface Tokenizer {
  /** Ids are 0 to size - 1. */
  readonly size: number;
  readonly padding: number;
  readonly unknown: number;
  /** What stands for a token that is not shown: the mask token, or the unknown one where the vocabulary has none. */
  readonly mask: number;
  encode(text: string): number[];
  decode(ids: Iterable<number>): string;
  /** Plain data from which {@link tokenizerFromRecord} makes an equal tokenizer. */
  readonly record: TokenizerRecord;
}

export type TokenizerRecord =
  | { readonly kind: TokenizerKind; readonly lowercase: boolean; readonly vocabulary: readonly string[] }
  | { readonly kind: 'json'; readonly definition: object };

export interface VocabularyOptions {
  /** Most frequent tokens that are kept. Default 30 000. */
  limit?: number;
  /** Rarer tokens are unknown. Default 1. */
  minimumCount?: number;
  /** Default false. */
  lowercase?: boolean;
}

/**
 * A tokenizer whose vocabulary is what occurs in the texts, the most frequent first (ties by code point), after the ids
 * for padding (0) and unknown (1). Fit it on the training part only.
 */
export function fitTokenizer(
  kind: TokenizerKind,
  texts: Iterable<string>,
  { limit = 30_000, minimumCount = 1, lowercase = false }: VocabularyOptions = {},
): Tokenizer {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const token of splitText(kind, lowercase, text)) counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  const vocabulary = [...counts]
    .filter(([, count]) => count >= minimumCount)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([token]) => token);
  return tokenizerFromRecord({ kind, lowercase, vocabulary });
}

/** Reads a `tokenizer.json`, as the Hugging Face tokenizers library writes it. */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw fileFault(error, path);
  }
  let definition: unknown;
  try {
    definition = JSON.parse(text);
  } catch (error) {
    throw unusable(path, error);
  }
  if (typeof definition !== 'object' || definition === null || !('model' in definition))
    throw unusable(path, undefined);
  try {
    return tokenizerFromRecord({ kind: 'json', definition });
  } catch (error) {
    throw unusable(path, error);
  }
}

/** The tokenizer that a record describes. */
export function tokenizerFromRecord(record: TokenizerRecord): Tokenizer {
  return record.kind === 'json' ? jsonTokenizer(record) : vocabularyTokenizer(record);
}

/** `tk-` and the first 16 hex digits of the SHA-256 of the tokenizer's record. */
export function tokenizerId(tokenizer: Tokenizer): string {
  return `tk-${createHash('sha256').update(JSON.stringify(tokenizer.record)).digest('hex').slice(0, 16)}`;
}

function splitText(kind: TokenizerKind, lowercase: boolean, text: string): string[] {
  const cased = lowercase ? text.toLowerCase() : text;
  return kind === 'character' ? Array.from(cased) : cased.split(/\s+/u).filter((token) => token !== '');
}

function vocabularyTokenizer(record: Exclude<TokenizerRecord, { kind: 'json' }>): Tokenizer {
  const { kind, lowercase, vocabulary } = record;
  const ids = new Map(vocabulary.map((token, index) => [token, index + RESERVED]));
  return {
    size: vocabulary.length + RESERVED,
    padding: PADDING,
    unknown: UNKNOWN,
    mask: UNKNOWN,
    encode: (text) => splitText(kind, lowercase, text).map((token) => ids.get(token) ?? UNKNOWN),
    decode: (tokens) =>
      Array.from(tokens)
        .filter((id) => id !== PADDING)
        .map((id) => vocabulary[id - RESERVED] ?? '\ufffd')
        .join(kind === 'character' ? '' : ' '),
    record,
  };
}

function jsonTokenizer(record: Extract<TokenizerRecord, { kind: 'json' }>): Tokenizer {
  const { definition } = record;
  const tokenizer = new JsonTokenizer(definition, {});
  const largest = largestOf(tokenizer.get_vocab(true).values());
  const padding = firstKnown(tokenizer, [paddingToken(definition), '[PAD]', '<pad>', '<|endoftext|>']) ?? 0;
  const unknown = firstKnown(tokenizer, ['[UNK]', '<unk>']) ?? padding;
  return {
    size: largest + 1,
    padding,
    unknown,
    mask: firstKnown(tokenizer, ['[MASK]', '<mask>']) ?? unknown,
    encode: (text) => tokenizer.encode(text).ids,
    decode: (ids) => tokenizer.decode(Array.from(ids), { skip_special_tokens: true }),
    record,
  };
}

function largestOf(values: Iterable<number>): number {
  let largest = -1;
  for (const value of values) largest = Math.max(largest, value);
  return largest;
}

function paddingToken(definition: object): string | undefined {
  const padding: unknown = 'padding' in definition ? definition.padding : undefined;
  if (typeof padding !== 'object' || padding === null || !('pad_token' in padding)) return undefined;
  return typeof padding.pad_token === 'string' ? padding.pad_token : undefined;
}

function firstKnown(tokenizer: JsonTokenizer, tokens: readonly (string | undefined)[]): number | undefined {
  for (const token of tokens) {
    const id = token === undefined ? undefined : tokenizer.token_to_id(token);
    if (id !== undefined) return id;
  }
  return undefined;
}

function unusable(path: string, cause: unknown): BallastError {
  return new BallastError('the file is not a tokenizer.json that can be used', {
    code: 'DATA_TOKENIZER',
    place: path,
    remedy: 'Write it with the save method of a fast tokenizer.',
    cause,
  });
}
