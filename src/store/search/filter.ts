import { filterInvalid, type Token, tokenize } from './tokens.js';

/** How a value is compared. */
export type Comparator =
  | '='
  | '!='
  | '>'
  | '>='
  | '<'
  | '<='
  | 'LIKE'
  | 'ILIKE'
  | 'IN'
  | 'NOT IN'
  | 'IS NULL'
  | 'IS NOT NULL';

/** One comparison of a filter, such as ``metrics.`val loss` < 0.3``. All comparisons of a filter must hold. */
export interface Clause {
  /** What stands before the dot, in lower case; undefined for a bare name. */
  readonly entity: string | undefined;
  readonly key: string;
  readonly comparator: Comparator;
  /** Undefined for `IS NULL` and `IS NOT NULL`; several for `IN` and `NOT IN`. */
  readonly value: string | number | readonly string[] | undefined;
  /** Where the comparison begins in the filter, from 1. */
  readonly at: number;
}

/** One key of an order, such as `metrics.loss DESC`. */
export interface OrderKey {
  readonly entity: string | undefined;
  readonly key: string;
  readonly ascending: boolean;
}

/**
 * Reads the filter language of MLflow's search: comparisons joined by AND.
 *
 *     filter      = [ comparison { "AND" comparison } ]
 *     comparison  = identifier ( operator value | [ "NOT" ] "IN" list | "IS" [ "NOT" ] "NULL" )
 *     identifier  = [ entity "." ] key          key in backquotes or double quotes where it is no plain word
 *     operator    = "=" | "!=" | ">" | ">=" | "<" | "<=" | "LIKE" | "ILIKE"
 *     value       = 'text' | "text" | number
 *     list        = "(" value { "," value } ")"
 *
 * @throws BallastError `FILTER_INVALID`, which names the character
 */
export function parseFilter(text: string): Clause[] {
  const reader = new Reader(text, 'filter');
  const clauses: Clause[] = [];
  if (reader.done) return clauses;
  clauses.push(clause(reader));
  while (!reader.done) {
    reader.keyword('AND');
    clauses.push(clause(reader));
  }
  return clauses;
}

/**
 * Reads one key of an order: an identifier and, after it, ASC (the default) or DESC.
 *
 * @throws BallastError `FILTER_INVALID`
 */
export function parseOrder(text: string): OrderKey {
  const reader = new Reader(text, 'order');
  const { entity, key } = identifier(reader);
  const direction = reader.done ? 'ASC' : reader.oneOf(['ASC', 'DESC']);
  if (!reader.done) throw reader.unexpected('the end');
  return { entity, key, ascending: direction === 'ASC' };
}

function clause(reader: Reader): Clause {
  const { at } = reader;
  const name = { ...identifier(reader), at };
  const operator = reader.take('operator');
  if (operator !== undefined) {
    const comparator = operator.text === '<>' ? '!=' : (operator.text as Comparator);
    return { ...name, comparator, value: value(reader) };
  }
  const word = reader.oneOf(['LIKE', 'ILIKE', 'IN', 'NOT', 'IS']);
  if (word === 'IS') {
    const negated = reader.oneOf(['NULL', 'NOT']) === 'NOT';
    if (negated) reader.keyword('NULL');
    return { ...name, comparator: negated ? 'IS NOT NULL' : 'IS NULL', value: undefined };
  }
  if (word === 'NOT') reader.keyword('IN');
  if (word === 'IN' || word === 'NOT') {
    return { ...name, comparator: word === 'IN' ? 'IN' : 'NOT IN', value: list(reader) };
  }
  return { ...name, comparator: word as Comparator, value: value(reader) };
}

/** `entity.key`, or a bare `key`; dots beyond the first belong to the key: `tags.mlflow.source.name`. */
function identifier(reader: Reader): Pick<Clause, 'entity' | 'key'> {
  const first = reader.take('word') ?? reader.take('quoted');
  if (first === undefined) throw reader.unexpected('a name');
  const parts: string[] = [];
  while (reader.punctuation('.')) {
    const part = reader.take('word') ?? reader.take('quoted') ?? reader.take('number');
    if (part === undefined) throw reader.unexpected('a name after the dot');
    parts.push(part.text);
  }
  return parts.length === 0
    ? { entity: undefined, key: first.text }
    : { entity: first.text.toLowerCase(), key: parts.join('.') };
}

function value(reader: Reader): string | number {
  const text = reader.take('string') ?? reader.take('quoted');
  if (text !== undefined) return text.text;
  const number = reader.take('number');
  if (number === undefined) throw reader.unexpected('a number, or a text in quotes');
  return Number(number.text);
}

function list(reader: Reader): string[] {
  if (!reader.punctuation('(')) throw reader.unexpected('a list in parentheses');
  const values: string[] = [];
  do values.push(String(value(reader)));
  while (reader.punctuation(','));
  if (!reader.punctuation(')')) throw reader.unexpected('")" or ","');
  return values;
}

class Reader {
  readonly #text: string;
  readonly #what: string;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(text: string, what: string) {
    this.#text = text;
    this.#what = what;
    this.#tokens = tokenize(text, what);
  }

  get done(): boolean {
    return this.#next >= this.#tokens.length;
  }

  get at(): number {
    return this.#tokens[this.#next]?.at ?? this.#text.length + 1;
  }

  /** The next token where it is of this kind. */
  take(kind: Token['kind']): Token | undefined {
    const token = this.#tokens[this.#next];
    if (token?.kind !== kind) return undefined;
    this.#next += 1;
    return token;
  }

  punctuation(mark: string): boolean {
    if (this.#tokens[this.#next]?.kind !== 'punctuation' || this.#tokens[this.#next]?.text !== mark) return false;
    this.#next += 1;
    return true;
  }

  keyword(word: string): void {
    this.oneOf([word]);
  }

  /** The next token, which must be one of these words, in capitals. */
  oneOf(words: readonly string[]): string {
    const token = this.#tokens[this.#next];
    const word = token?.kind === 'word' ? token.text.toUpperCase() : '';
    if (!words.includes(word)) throw this.unexpected(words.join(', '));
    this.#next += 1;
    return word;
  }

  unexpected(wanted: string): Error {
    const token = this.#tokens[this.#next];
    const found = token === undefined ? 'it ends' : `"${token.text}" stands`;
    return filterInvalid(this.#what, this.#text, this.at, `${found} where it needs ${wanted}`);
  }
}
