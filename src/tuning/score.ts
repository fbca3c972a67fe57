import { missingOf, textOf } from '../data/column-values.js';
import { classPositions } from '../data/preprocess/target.js';
import { requireColumn } from '../data/roles.js';
import { type Column, findColumn, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import { type PredictionInput, SAID_MEASURES } from '../evaluation/input.js';
import type { Session } from '../graph/runtime/runtime.js';
import type { Tensor } from '../graph/tensor.js';
import type { ModelPorts } from './model-ports.js';

/** Rows that are scored at a time: bounded memory, whatever the data. */
const BATCH = 1024;

/** What a model answers, in the order of the rows. */
interface Answers {
  readonly answers: readonly Tensor[];
  readonly said: Partial<PredictionInput['said']>;
}

async function answersOf(session: Session, ports: ModelPorts, table: Table, rows: Uint32Array): Promise<Answers> {
  const answers: Tensor[] = [];
  const measures = SAID_MEASURES.filter((name) =>
    session.outputs.some((output) => output.name === name && output.shape.at(-1) === 1),
  );
  const said = Object.fromEntries(measures.map((name): [string, Tensor[]] => [name, []]));
  const batch = ports.batch ?? BATCH;
  if (rows.length % batch !== 0 && ports.batch !== undefined) {
    throw new BallastError(`the model takes exactly ${batch} rows at a time, and there are ${rows.length}`, {
      code: 'MODEL_FIXED_BATCH',
      remedy: 'Export it with a free batch dimension',
    });
  }
  for (let from = 0; from < rows.length; from += batch) {
    const part = rows.subarray(from, from + batch);
    const result = await session.run(ports.feed(table, part), [ports.output.name, ...measures]);
    answers.push(result[ports.output.name]);
    for (const name of measures) said[name].push(result[name]);
  }
  if (measures.length === 0) return { answers, said: undefined };
  return { answers, said: Object.fromEntries(measures.map((name) => [name, Float64Array.from(numbers(said[name]))])) };
}

/**
 * What a model answers to rows of which nobody knows what is right: the targets are class 0, or 0, and mean nothing. For what
 * looks at answers alone.
 */
export async function scoreUnlabelled(
  session: Session,
  ports: ModelPorts,
  table: Table,
  rows: Uint32Array,
): Promise<PredictionInput> {
  const { answers, said } = await answersOf(session, ports, table, rows);
  const beside = said === undefined ? {} : { said };
  if (ports.task === 'regression') {
    const predictions = Float64Array.from(numbers(answers));
    return { task: 'regression', ...beside, target: new Float64Array(rows.length), predictions };
  }
  const common = { task: 'classification', target: new Int32Array(rows.length), classes: ports.classes } as const;
  return { ...common, ...beside, ...classifierAnswers(ports, answers) };
}

/** Labels, or scores, as a classification takes them. */
function classifierAnswers({ output, classes }: ModelPorts, answers: readonly Tensor[]) {
  if (output.kind === 'labels') return { predictions: labelCodes(answers, classes) };
  return { [output.kind]: Float64Array.from(numbers(answers)) };
}

/**
 * Scores rows of a table and pairs the answers with the targets.
 *
 * @throws BallastError EVALUATE_TARGET where a target is missing or of an unknown class
 */
export async function scoreRows(
  session: Session,
  ports: ModelPorts,
  table: Table,
  rows: Uint32Array,
  { target, weight, event }: { target: string; weight?: string | undefined; event?: string | undefined },
): Promise<PredictionInput> {
  const { answers, said } = await answersOf(session, ports, table, rows);
  const column = findColumn(table, target);
  if (column === undefined) {
    throw new BallastError(`the data has no target column "${target}"`, {
      code: 'EVALUATE_TARGET',
      remedy: 'Name it with --target',
    });
  }
  const importance = weight === undefined ? undefined : findColumn(table, weight);
  const beside = {
    ...(importance?.kind === 'number' ? { weights: numbersIn(importance, rows) } : {}),
    ...(said === undefined ? {} : { said }),
  };
  if (ports.task === 'regression') {
    return {
      task: 'regression',
      ...beside,
      ...(event === undefined ? {} : { events: eventsIn(table, event, rows) }),
      target: numbersIn(column, rows),
      predictions: Float64Array.from(numbers(answers)),
    };
  }
  const codes = codesIn(column, rows, ports.classes);
  const common = { task: 'classification', target: codes, classes: ports.classes, ...beside } as const;
  return { ...common, ...classifierAnswers(ports, answers) };
}

function* numbers(answers: readonly Tensor[]): Generator<number> {
  for (const { data } of answers) for (const value of data) yield Number(value);
}

function labelCodes(answers: readonly Tensor[], classes: readonly string[]): Int32Array {
  const codeOf = classPositions(classes);
  const codes: number[] = [];
  for (const { data } of answers) for (const value of data) codes.push(codeOf.get(String(value)) ?? -1);
  if (codes.includes(-1)) {
    throw new BallastError('the model answers labels that are not among the classes', {
      code: 'EVALUATE_LABELS',
      remedy: 'Give all of them with --classes',
    });
  }
  return Int32Array.from(codes);
}

/** Whether each row's time ended in the event: 1 or 0. @throws BallastError EVALUATE_EVENT, DATA_COLUMN_ABSENT */
export function eventsIn(table: Table, name: string, rows: Uint32Array): Float64Array {
  const column = requireColumn(table, name, 'the event column', 'data.columns.event');
  const values = column.kind === 'number' ? column.values : undefined;
  return Float64Array.from(rows, (row) => {
    const value = values?.[row];
    if (value === 0 || value === 1) return value;
    throw new BallastError('an event is 1 where it was seen, 0 where the row was last seen without it', {
      code: 'EVALUATE_EVENT',
      place: `row ${row + 1} of column "${name}"`,
      value: value ?? textOf(column)(row),
      remedy: 'Mend the row',
    });
  });
}

/** Numbers of rows, none missing. @throws BallastError EVALUATE_TARGET */
export function numbersIn(column: Column, rows: Uint32Array): Float64Array {
  if (column.kind !== 'number') {
    throw new BallastError(`the target "${column.name}" is ${column.kind}, and a regression needs numbers`, {
      code: 'EVALUATE_TARGET',
    });
  }
  const wrong = rows.find((row) => Number.isNaN(column.values[row]));
  if (wrong !== undefined) throw missingTarget(column.name, wrong);
  return Float64Array.from(rows, (row) => column.values[row]);
}

/** Class indices of rows. @throws BallastError EVALUATE_TARGET */
export function codesIn(column: Column, rows: Uint32Array, classes: readonly string[]): Int32Array {
  const codeOf = classPositions(classes);
  const missing = missingOf(column);
  const text = textOf(column);
  return Int32Array.from(rows, (row) => {
    if (missing(row)) throw missingTarget(column.name, row);
    const code = codeOf.get(text(row));
    if (code === undefined) {
      throw new BallastError(`class "${text(row)}" is not one that the model knows`, {
        code: 'EVALUATE_TARGET',
        place: `row ${row + 1} of column "${column.name}"`,
        remedy: `It knows ${classes.slice(0, 20).join(', ')}`,
      });
    }
    return code;
  });
}

function missingTarget(name: string, row: number): BallastError {
  return new BallastError('the target is missing', {
    code: 'EVALUATE_TARGET',
    place: `row ${row + 1} of column "${name}"`,
    remedy: 'Evaluate rows whose target is known',
  });
}
