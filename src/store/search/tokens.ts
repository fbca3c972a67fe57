import { BallastError } from '../../errors.js';

/** A piece of a filter or an order. `text` is without quotes. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'operator' | 'punctuation';
  readonly text: string;
  /** Where it begins, from 1. */
  readonly at: number;
}

const SPACE = /\s+/y;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y;
const WORD = /[A-Za-z_][\w-]*/y;
const OPERATOR = /!=|<>|>=|<=|=|>|</y;
const PUNCTUATION = /[(),.]/y;
/** Backquotes and double quotes hold a name, single quotes a text; doubled, a quote stands for itself. */
const QUOTED = /`((?:[^`]|``)*)`|"((?:[^"]|"")*)"|'((?:[^']|'')*)'/y;

/**
 * Splits a filter into its tokens.
 *
 * @throws BallastError `FILTER_INVALID`
 */
export function tokenize(text: string, what: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const push = (kind: Token['kind'], found: RegExpExecArray, value = found[0]): void => {
    tokens.push({ kind, text: value, at: at + 1 });
    at += found[0].length;
  };
  while (at < text.length) {
    const space = match(SPACE);
    if (space !== null) {
      at += space[0].length;
      continue;
    }
    const quoted = match(QUOTED);
    if (quoted !== null) {
      const [, back, double, single] = quoted;
      if (single !== undefined) push('string', quoted, single.replaceAll("''", "'"));
      else if (double !== undefined) push('quoted', quoted, double.replaceAll('""', '"'));
      else push('quoted', quoted, (back ?? '').replaceAll('``', '`'));
      continue;
    }
    const number = match(NUMBER);
    if (number !== null) {
      push('number', number);
      continue;
    }
    const word = match(WORD);
    if (word !== null) {
      push('word', word);
      continue;
    }
    const operator = match(OPERATOR);
    if (operator !== null) {
      push('operator', operator);
      continue;
    }
    const punctuation = match(PUNCTUATION);
    if (punctuation === null) throw filterInvalid(what, text, at + 1, `"${text[at]}" begins nothing it knows`);
    push('punctuation', punctuation);
  }
  return tokens;
}

/** What is wrong with a filter or an order, and where. */
export function filterInvalid(what: string, text: string, at: number, why: string): BallastError {
  return new BallastError(`Invalid ${what}: ${why}`, {
    code: 'FILTER_INVALID',
    place: `${what}, character ${at}`,
    value: text,
    remedy: "Write comparisons joined by AND, such as metrics.accuracy > 0.9 AND params.optimizer = 'adam'.",
  });
}
