import jsep from 'jsep';
import type { BallastError } from '../../errors.js';
import { invalid } from '../invalid.js';

/** A part of a formula: what it is of each row. */
export type Term =
  | { readonly type: 'number'; readonly of: (row: number) => number }
  | { readonly type: 'text'; readonly of: (row: number) => string };
type NumberTerm = Extract<Term, { type: 'number' }>;

/** What a formula may name. */
export interface Names {
  /** What a name or `column("...")` stands for; undefined where there is no such. */
  readonly term: (name: string, kind: 'name' | 'column') => Term | undefined;
  /** Of `probability("class")`, as {@link Names.term}. */
  readonly probability: (className: string) => Term | undefined;
  /** For messages. */
  readonly known: readonly string[];
}

const LONGEST = 2000;

/** As in SQL, what is missing does not hold. */
const holds = (value: number): boolean => value !== 0 && !Number.isNaN(value);

const BINARY = new Map<string, (a: number, b: number) => number>([
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
  ['%', (a, b) => a % b],
  ['**', (a, b) => a ** b],
  ['<', (a, b) => Number(a < b)],
  ['<=', (a, b) => Number(a <= b)],
  ['>', (a, b) => Number(a > b)],
  ['>=', (a, b) => Number(a >= b)],
  ['==', (a, b) => Number(a === b)],
  ['!=', (a, b) => Number(a !== b)],
]);

/** By name: how many numbers each takes at least and at most, and what it makes of them. */
const FUNCTIONS = new Map<string, { least: number; most: number; of: (...numbers: number[]) => number }>([
  ['abs', { least: 1, most: 1, of: Math.abs }],
  ['sqrt', { least: 1, most: 1, of: Math.sqrt }],
  ['exp', { least: 1, most: 1, of: Math.exp }],
  ['log', { least: 1, most: 1, of: Math.log }],
  ['floor', { least: 1, most: 1, of: Math.floor }],
  ['ceil', { least: 1, most: 1, of: Math.ceil }],
  ['min', { least: 2, most: 16, of: Math.min }],
  ['max', { least: 2, most: 16, of: Math.max }],
]);

/**
 * A formula as a function of the row: numbers, texts in quotes, names, `+ - * / % **`, comparisons and `&& || !` (1 where
 * they hold, 0 where not), `condition ? a : b`, {@link FUNCTIONS}, `missing(name)`, `column("name")`,
 * `probability("class")`. It is not JavaScript: nothing else can be said in it.
 *
 * @throws BallastError FORMULA_SYNTAX, FORMULA_NAME, FORMULA_TYPE
 */
export function parseFormula(text: string, names: Names): NumberTerm {
  if (text.length > LONGEST) throw syntax(text, `longer than ${LONGEST} characters`);
  let tree: jsep.Expression;
  try {
    tree = jsep(text);
  } catch (error) {
    const { description, index } = error as { description?: string; index?: number };
    throw syntax(text, `${description ?? String(error)}${index === undefined ? '' : `, ${placeOf(text, index)}`}`);
  }
  return numberOf(compile(tree, names, text), text, 'the whole of it');
}

/** Where the reader stopped: past the last character there is none to name. */
const placeOf = (text: string, index: number): string =>
  text.slice(index).trim() === '' ? 'at the end' : `at character ${index + 1}`;

function compile(tree: jsep.Expression, names: Names, text: string): Term {
  const node = tree as jsep.CoreExpression;
  const compiled = (part: jsep.Expression): Term => compile(part, names, text);
  const number = (part: jsep.Expression, what: string): NumberTerm => numberOf(compiled(part), text, what);
  switch (node.type) {
    case 'Literal':
      return literal(node.value, text);
    case 'Identifier':
      return named(node.name, names.term(node.name, 'name'), names, text);
    case 'UnaryExpression': {
      const { of } = number(node.argument, `what "${node.operator}" stands before`);
      if (node.operator === '-') return { type: 'number', of: (row) => -of(row) };
      if (node.operator === '+') return { type: 'number', of };
      if (node.operator === '!') return { type: 'number', of: (row) => Number(!holds(of(row))) };
      throw syntax(text, `"${node.operator}" is not known`);
    }
    case 'BinaryExpression':
      return binary(node, compiled, text);
    case 'ConditionalExpression': {
      const test = number(node.test, 'the condition before "?"').of;
      const [yes, no] = [compiled(node.consequent), compiled(node.alternate)];
      if (yes.type === 'number' && no.type === 'number') {
        return { type: 'number', of: (row) => (holds(test(row)) ? yes.of(row) : no.of(row)) };
      }
      if (yes.type === 'text' && no.type === 'text') {
        return { type: 'text', of: (row) => (holds(test(row)) ? yes.of(row) : no.of(row)) };
      }
      throw wrongType(text, 'both sides of ":" are numbers, or both are texts');
    }
    case 'CallExpression':
      return call(node, names, text, number);
    default:
      throw syntax(text, 'it has a part that formulas do not have');
  }
}

function literal(value: jsep.baseTypes, text: string): Term {
  if (typeof value === 'number') return { type: 'number', of: () => value };
  if (typeof value === 'boolean') return { type: 'number', of: () => Number(value) };
  if (typeof value === 'string') return { type: 'text', of: () => value };
  throw syntax(text, 'it has a part that formulas do not have');
}

function binary(node: jsep.BinaryExpression, compiled: (part: jsep.Expression) => Term, text: string): Term {
  const { operator } = node;
  const [left, right] = [compiled(node.left), compiled(node.right)];
  if (left.type === 'text' && right.type === 'text' && (operator === '==' || operator === '!=')) {
    return { type: 'number', of: (row) => Number((left.of(row) === right.of(row)) === (operator === '==')) };
  }
  if (left.type !== right.type && (operator === '==' || operator === '!=')) {
    throw wrongType(
      text,
      `one side of "${operator}" is a text and the other a number: a class or category stands in quotes`,
    );
  }
  const [a, b] = [left, right].map((side) => numberOf(side, text, `each side of "${operator}"`).of);
  if (operator === '&&') return { type: 'number', of: (row) => Number(holds(a(row)) && holds(b(row))) };
  if (operator === '||') return { type: 'number', of: (row) => Number(holds(a(row)) || holds(b(row))) };
  const apply = BINARY.get(operator);
  if (apply === undefined) throw syntax(text, `"${operator}" is not known`);
  return { type: 'number', of: (row) => apply(a(row), b(row)) };
}

function call(
  { callee, arguments: given }: jsep.CallExpression,
  names: Names,
  text: string,
  number: (part: jsep.Expression, what: string) => NumberTerm,
): Term {
  const name = callee.type === 'Identifier' ? String(callee.name) : '';
  if (name === 'column' || name === 'probability') {
    const [only, ...more] = given;
    if (only?.type !== 'Literal' || typeof only.value !== 'string' || more.length > 0) {
      throw syntax(text, `${name}("...") takes one name in quotes`);
    }
    return named(
      only.value,
      name === 'column' ? names.term(only.value, 'column') : names.probability(only.value),
      names,
      text,
    );
  }
  if (name === 'missing') {
    if (given.length !== 1) throw syntax(text, 'missing(...) takes one name');
    const term = compile(given[0], names, text);
    return term.type === 'text'
      ? { type: 'number', of: (row) => Number(term.of(row) === '') }
      : { type: 'number', of: (row) => Number(Number.isNaN(term.of(row))) };
  }
  const known = FUNCTIONS.get(name);
  if (known === undefined) {
    throw syntax(
      text,
      `there is no function "${name}"; there are ${[...FUNCTIONS.keys()].join(', ')}, missing, column, probability`,
    );
  }
  if (given.length < known.least || given.length > known.most)
    throw syntax(text, `${name} does not take ${given.length}`);
  const parts = given.map((part) => number(part, `what ${name} takes`).of);
  return { type: 'number', of: (row) => known.of(...parts.map((part) => part(row))) };
}

function named(name: string, term: Term | undefined, { known }: Names, text: string): Term {
  if (term !== undefined) return term;
  throw invalid(
    `the formula names "${name}", which is not there`,
    'FORMULA_NAME',
    text,
    '--formula',
    `There are ${known.slice(0, 30).join(', ')}; of an odd name column("...")`,
  );
}

function numberOf(term: Term, text: string, what: string): NumberTerm {
  if (term.type === 'number') return term;
  throw wrongType(text, `${what} has to be a number`);
}

const syntax = (text: string, what: string): BallastError =>
  invalid(`the formula cannot be read: ${what}`, 'FORMULA_SYNTAX', text, '--formula', 'docs/evaluate.md shows some');

const wrongType = (text: string, what: string): BallastError =>
  invalid(
    `the formula does not fit together: ${what}`,
    'FORMULA_TYPE',
    text,
    '--formula',
    'Texts can only be compared, with == and !=',
  );
