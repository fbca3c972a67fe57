import { z } from 'zod';
import { int, ints, string, strings } from '../../graph/model.js';
import { textOf } from '../column-values.js';
import type { FeatureOptions } from '../options.js';
import { requireColumn } from '../roles.js';
import type { Column, Table } from '../table.js';
import {
  type Feature,
  type FeatureBlock,
  type RawInput,
  type RowEntries,
  type Unfit,
  writeEntries,
} from './feature-block.js';
import type { NodeList } from './node-list.js';
import { pieces, plainSpellings, SEPARATORS, wordOf } from './words.js';

/**
 * Bag of words. A text is cut at blanks (and at line ends and tabs, where training texts have them); every spelling that
 * training texts show leads to its word (lower case, without punctuation around it); the features are counts of words
 * and, with `ngrams: 2`, of pairs of neighbours, weighted.
 */
export const textEncodingSchema = z.strictObject({
  column: z.string(),
  input: z.string(),
  separators: z.array(z.string().length(1)),
  /** The words that terms are made of, by number. */
  words: z.array(z.string()),
  /** Number of the word that each known spelling leads to. */
  spellings: z.array(z.tuple([z.string(), z.int().min(0)])),
  /** One or two word numbers each. */
  terms: z.array(z.array(z.int().min(0)).min(1).max(2)),
  weighting: z.enum(['tfidf', 'count', 'presence']),
  /** Of each term: ln((1 + rows) / (1 + rows with the term)) + 1, the smooth idf of scikit-learn. */
  idf: z.array(z.number()),
});

type TextEncoding = z.infer<typeof textEncodingSchema>;

/** Below this length a row counts as empty and stays 0. */
const TINY = 1e-12;

/**
 * Fits one column on the training rows: terms in at least `minimumRows` rows, the `vocabulary` most frequent of them.
 */
export function fitText(
  column: Column,
  input: string,
  rows: Uint32Array,
  { vocabulary, ngrams, minimumRows, weighting }: FeatureOptions['text'],
): TextEncoding | Unfit {
  const text = textOf(column);
  const documents = Array.from(rows, text);
  if (documents.every((document) => document === '')) return 'empty';
  const separators = SEPARATORS.filter((separator) => documents.some((document) => document.includes(separator)));
  const folded = new Map<string, string>();
  const fold = (piece: string): string => {
    let word = folded.get(piece);
    if (word === undefined) {
      word = wordOf(piece);
      folded.set(piece, word);
    }
    return word;
  };
  const rowsWith = new Map<string, number>();
  for (const document of documents) {
    const lines = pieces(document, separators).map((line) => line.map(fold));
    for (const term of new Set(lines.flatMap((line) => termsOf(line, ngrams)))) {
      rowsWith.set(term, (rowsWith.get(term) ?? 0) + 1);
    }
  }
  const terms = [...rowsWith]
    .filter(([, count]) => count >= minimumRows)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, vocabulary)
    .map(([term]) => term)
    .sort();
  if (terms.length === 0) return 'constant';
  const words = [...new Set(terms.flatMap((term) => term.split(' ')))].sort();
  const number = new Map(words.map((word, index) => [word, index]));
  return {
    column: column.name,
    input,
    separators: [...separators],
    words,
    spellings: spellingsOf(folded, number),
    terms: terms.map((term) => term.split(' ').map((word) => number.get(word) ?? 0)),
    weighting,
    idf: terms.map((term) => Math.fround(Math.log((1 + rows.length) / (1 + (rowsWith.get(term) ?? 0))) + 1)),
  };
}

export function textBlock(encoding: TextEncoding): FeatureBlock {
  const { column, terms, words } = encoding;
  const features: Feature[] = terms.map((term) => ({
    name: `${column}: ${term.map((word) => words[word]).join(' ')}`,
    column,
  }));
  return {
    features,
    writer: (table) => writeEntries(bindText(encoding, table)),
    entries: (table) => bindText(encoding, table),
    nodes: (list) => textNodes(encoding, list),
  };
}

export function textInput({ column, input }: TextEncoding): RawInput {
  return { name: input, column, type: 'string', shape: [1] };
}

/** Single words, and pairs of neighbours where asked for; a piece without a word breaks pairs. */
function termsOf(line: readonly string[], ngrams: number): string[] {
  const terms: string[] = [];
  line.forEach((word, index) => {
    if (word === '') return;
    terms.push(word);
    const before = line[index - 1];
    if (ngrams > 1 && index > 0 && before !== '') terms.push(`${before} ${word}`);
  });
  return terms;
}

/** Spellings of the known words, those of the training texts first, each once. */
function spellingsOf(folded: ReadonlyMap<string, string>, number: ReadonlyMap<string, number>): [string, number][] {
  const spellings = new Map<string, number>();
  for (const [piece, word] of folded) {
    const known = number.get(word);
    if (known !== undefined) spellings.set(piece, known);
  }
  for (const [word, known] of number) {
    for (const spelling of plainSpellings(word)) if (!spellings.has(spelling)) spellings.set(spelling, known);
  }
  return [...spellings].sort(([a], [b]) => (a < b ? -1 : 1));
}

function bindText(encoding: TextEncoding, table: Table): (row: number) => RowEntries {
  const { terms, idf, weighting, words } = encoding;
  const text = textOf(requireColumn(table, encoding.column, 'the feature column'));
  const wordOfSpelling = new Map(encoding.spellings);
  const pairKey = (first: number, second: number): number => first * words.length + second;
  const ofWord = new Map<number, number>();
  const ofPair = new Map<number, number>();
  terms.forEach((term, index) => {
    if (term.length === 1) ofWord.set(term[0], index);
    else ofPair.set(pairKey(term[0], term[1]), index);
  });
  const counts = new Float32Array(terms.length);
  const entries = { features: new Int32Array(terms.length), values: new Float32Array(terms.length), count: 0 };
  const count = (term: number | undefined): void => {
    if (term === undefined) return;
    if (counts[term]++ === 0) entries.features[entries.count++] = term;
  };
  return (row) => {
    entries.count = 0;
    for (const line of pieces(text(row), encoding.separators)) {
      let before = -1;
      for (const piece of line) {
        const word = wordOfSpelling.get(piece) ?? -1;
        count(ofWord.get(word));
        if (before >= 0 && word >= 0) count(ofPair.get(pairKey(before, word)));
        before = word;
      }
    }
    entries.features.subarray(0, entries.count).sort();
    for (let k = 0; k < entries.count; k++) {
      const term = entries.features[k];
      entries.values[k] = counts[term];
      counts[term] = 0;
    }
    weigh(entries, idf, weighting);
    return entries;
  };
}

function weigh(
  { features, values, count }: RowEntries,
  idf: readonly number[],
  weighting: TextEncoding['weighting'],
): void {
  if (weighting === 'count') return;
  let squares = 0;
  for (let k = 0; k < count; k++) {
    values[k] = weighting === 'presence' ? 1 : values[k] * idf[features[k]];
    squares += values[k] ** 2;
  }
  if (weighting === 'presence' || squares === 0) return;
  const norm = Math.fround(Math.sqrt(squares));
  for (let k = 0; k < count; k++) values[k] /= norm;
}

function textNodes({ input, separators, spellings, terms, weighting, idf }: TextEncoding, list: NodeList): string {
  let split = list.op('Squeeze', [input, list.integers([1])]);
  for (const separator of [...separators, ' ']) split = splitNode(list, split, separator);
  const numbers = list.ml('LabelEncoder', [split], {
    keys_strings: strings(spellings.map(([spelling]) => spelling)),
    values_int64s: ints(spellings.map(([, word]) => word)),
    default_int64: int(-1),
  });
  // A column of no word behind every line: pairs end there, and rows without any word still have one entry.
  const axes = list.integers([separators.length + 1]);
  const padded = list.op('Pad', [numbers, list.integers([0, 1]), list.integers(-1), axes]);
  const flat = list.op('Flatten', [padded], { axis: int(1) });
  const counts = list.op('TfIdfVectorizer', [flat], vectorizerAttributes(terms));
  if (weighting === 'count') return counts;
  if (weighting === 'presence') return list.op('Min', [counts, list.floats(1)]);
  const weighted = list.op('Mul', [counts, list.floats(idf)]);
  const norm = list.op('ReduceL2', [weighted, list.integers([1])], { keepdims: int(1) });
  return list.op('Div', [weighted, list.op('Max', [norm, list.floats(TINY)])]);
}

function splitNode(list: NodeList, text: string, delimiter: string): string {
  const [parts] = list.apply('StringSplit', [text], { delimiter: string(delimiter) }, { outputs: 2 });
  return parts;
}

/** The pool lists single words, then pairs; each entry names the feature that counts it. */
function vectorizerAttributes(terms: TextEncoding['terms']) {
  const order = [...terms.keys()].sort((a, b) => terms[a].length - terms[b].length || a - b);
  const singles = terms.filter((term) => term.length === 1).length;
  const longest = singles < terms.length ? 2 : 1;
  return {
    mode: string('TF'),
    min_gram_length: int(1),
    max_gram_length: int(longest),
    max_skip_count: int(0),
    pool_int64s: ints(order.flatMap((term) => terms[term])),
    ngram_counts: ints(longest === 2 ? [0, singles] : [0]),
    ngram_indexes: ints(order),
  };
}
