import type { ArrayColumn, TextColumn } from './table.js';
import type { Tokenizer } from './tokenizer.js';

/**
 * Texts as rows of `length` token ids ([length], int32): longer ones are cut at the end, shorter ones padded at the end.
 */
export function tokenize(column: TextColumn, tokenizer: Tokenizer, length: number): ArrayColumn {
  const data = new Int32Array(column.values.length * length).fill(tokenizer.padding);
  for (const [row, text] of column.values.entries()) {
    const ids = tokenizer.encode(text);
    data.set(ids.length > length ? ids.slice(0, length) : ids, row * length);
  }
  return { kind: 'array', name: column.name, content: 'tokens', shape: [length], data };
}

/**
 * Windows of `length` consecutive tokens of long texts, one every `stride` tokens (default: `length`); what is left over
 * at the end of a text is dropped. For a language model of context n take windows of n + 1: inputs are the first n
 * tokens, targets the last n.
 */
export function tokenWindows(
  column: TextColumn,
  tokenizer: Tokenizer,
  length: number,
  stride: number = length,
): ArrayColumn {
  const encoded = column.values.map((text) => tokenizer.encode(text));
  const windows = encoded.map((ids) => (ids.length < length ? 0 : Math.floor((ids.length - length) / stride) + 1));
  const data = new Int32Array(windows.reduce((sum, count) => sum + count, 0) * length);
  let at = 0;
  for (const [text, ids] of encoded.entries()) {
    for (let window = 0; window < windows[text]; window++) {
      for (let offset = 0; offset < length; offset++) data[at++] = ids[window * stride + offset];
    }
  }
  return { kind: 'array', name: column.name, content: 'tokens', shape: [length], data };
}
