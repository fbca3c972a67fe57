import { isAbsolute, resolve } from 'node:path';
import type { FeatureOptions } from '../data/options.js';
import { requireColumn } from '../data/roles.js';
import type { Column, Table } from '../data/table.js';
import { tokenize } from '../data/tokenize.js';
import {
  fitTokenizer,
  loadTokenizer,
  type Tokenizer,
  type TokenizerRecord,
  tokenizerFromRecord,
  tokenizerId,
} from '../data/tokenizer.js';
import { BallastError } from '../errors.js';

/** How each token column is made: what is shipped beside a model, since tokenizers stay outside of its graph. */
export interface ColumnTokenizer {
  readonly column: string;
  readonly length: number;
  readonly tokenizer: Tokenizer;
}

/** Plain data of a {@link ColumnTokenizer}. */
export interface ColumnTokenizerRecord {
  readonly column: string;
  readonly length: number;
  readonly id: string;
  readonly record: TokenizerRecord;
}

/** Fits (on the training rows alone) or loads the tokenizers that `features.tokens` asks for. */
export async function fitTokenizers(
  table: Table,
  { tokens }: FeatureOptions,
  trainRows: Uint32Array,
  baseDirectory: string,
): Promise<ColumnTokenizer[]> {
  return Promise.all(
    Object.entries(tokens).map(async ([name, { tokenizer: kind, length, vocabulary, lowercase }]) => {
      const column = textColumn(table, name);
      const tokenizer =
        kind === 'whitespace' || kind === 'character'
          ? fitTokenizer(
              kind,
              Array.from(trainRows, (row) => column.values[row]),
              { limit: vocabulary, lowercase },
            )
          : await loadTokenizer(isAbsolute(kind) ? kind : resolve(baseDirectory, kind));
      return { column: name, length, tokenizer };
    }),
  );
}

/** The table with its text columns replaced by their tokens. */
export function applyTokenizers(table: Table, tokenizers: readonly ColumnTokenizer[]): Table {
  if (tokenizers.length === 0) return table;
  const columns = table.columns.map((column): Column => {
    const found = tokenizers.find((candidate) => candidate.column === column.name);
    return found === undefined ? column : tokenize(textColumn(table, column.name), found.tokenizer, found.length);
  });
  return { rows: table.rows, columns };
}

export function tokenizerRecords(tokenizers: readonly ColumnTokenizer[]): ColumnTokenizerRecord[] {
  return tokenizers.map(({ column, length, tokenizer }) => ({
    column,
    length,
    id: tokenizerId(tokenizer),
    record: tokenizer.record,
  }));
}

export function tokenizersFromRecords(records: readonly ColumnTokenizerRecord[]): ColumnTokenizer[] {
  return records.map(({ column, length, record }) => ({ column, length, tokenizer: tokenizerFromRecord(record) }));
}

function textColumn(table: Table, name: string): Extract<Column, { kind: 'text' }> {
  const column = requireColumn(table, name, 'a column of features.tokens', 'data.features.tokens');
  if (column.kind === 'text') return column;
  throw new BallastError(`"${name}" is ${column.kind}, and only text has tokens`, {
    code: 'DATA_COLUMN_TYPE',
    place: `data.features.tokens.${name}`,
    remedy: 'Name a text column, or remove the entry',
  });
}
