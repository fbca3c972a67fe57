import { type Command, InvalidArgumentError } from 'commander';
import {
  type Formula,
  type FormulaFigure,
  type FormulaValues,
  formulaDifference,
  formulaFigure,
} from '../evaluation/formula/formula.js';
import { formulasTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';

/** `--formula NAME=EXPRESSION`, repeatable. */
export function withFormulaOption(command: Command): Command {
  return command.option(
    '--formula <name=expression>',
    'a number of each row that is yours, such as what it earns: its mean and sum; knows the columns, actual, predicted, probability("class"); repeatable',
    (text: string, before: readonly Formula[]) => [...before, namedFormula(text, before)],
    [],
  );
}

function namedFormula(text: string, before: readonly Formula[]): Formula {
  const at = text.indexOf('=');
  const [name, expression] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at < 0 || !/^[A-Za-z][\w-]*$/.test(name) || expression === '' || expression.startsWith('=')) {
    throw new InvalidArgumentError("It is NAME=EXPRESSION, such as 'lost=predicted == actual ? 0 : amount'.");
  }
  if (before.some((formula) => formula.name === name)) throw new InvalidArgumentError(`There are two named ${name}.`);
  return { name, expression };
}

/** The figures of formulas; undefined where none was asked for. */
export const formulaFigures = (values: readonly FormulaValues[] | undefined): FormulaFigure[] | undefined =>
  values?.map((one) => formulaFigure(one));

/** What each formula is more with the first model than with the second. */
export const formulaDifferences = (
  first: readonly FormulaValues[] | undefined,
  second: readonly FormulaValues[] | undefined,
): FormulaFigure[] | undefined =>
  first?.flatMap((one, at) => (second === undefined ? [] : formulaDifference(one, second[at])));

/** Formulas as lines of text; none where none was asked for. */
export function formulaLines(figures: readonly FormulaFigure[] | undefined, title?: string): string[] {
  if (figures === undefined) return [];
  return ['', ...(title === undefined ? [] : [title]), formulasTable(figures, terminalOptions())];
}
