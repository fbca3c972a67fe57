import { missingOf, textOf } from '../data/column-values.js';
import type { Examples } from '../data/preprocess/preprocessor.js';
import type { Roles } from '../data/roles.js';
import { type Column, findColumn, isScalar, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import { type EvaluateOptions, type Evaluation, evaluate } from '../evaluation/evaluate.js';
import type { GroupColumn, PredictionInput } from '../evaluation/input.js';
import { groupRows } from '../evaluation/slices/grouping.js';
import type { PreparedData } from '../spec/prepare.js';
import type { Spec } from '../spec/schema.js';

/** Columns with at most so many categories are slices, and at most so many of them. */
const MOST_CATEGORIES = 10;
const MOST_SLICES = 8;

/**
 * A network's outputs and the targets of the same rows, as evaluation takes them: logits, or predictions on the target's
 * own scale.
 *
 * @param positions of the rows within the examples
 * @param outputs of the network for them, row-major
 */
export function predictionsOf(
  { task }: Pick<Spec, 'task'>,
  { preprocessor }: Pick<PreparedData, 'preprocessor'>,
  examples: Pick<Examples, 'target' | 'weights'>,
  positions: Int32Array,
  outputs: Float32Array,
): PredictionInput {
  const target = examples.target?.data ?? [];
  const weights = examples.weights;
  const common = weights === undefined ? {} : { weights: Float64Array.from(positions, (row) => weights[row]) };
  if (task === 'classification') {
    return {
      task,
      target: Int32Array.from(positions, (row) => Number(target[row])),
      logits: outputs,
      classes: (preprocessor.classes ?? []).map(String),
      ...common,
    };
  }
  const { mean, scale } = preprocessor.targetScaling ?? { mean: 0, scale: 1 };
  return {
    task,
    target: Float64Array.from(positions, (row) => Number(target[row]) * scale + mean),
    predictions: Float64Array.from(outputs, (value) => value * scale + mean),
    ...common,
  };
}

/** What of a spec decides how predictions are judged. */
export interface Judging {
  readonly task: Spec['task'];
  readonly objectives: { readonly primary?: string | undefined };
  readonly training: Pick<Spec['training'], 'seed'>;
}

/**
 * Evaluates with intervals, per class, per slice and between sensitive groups.
 *
 * @param metrics beside the standard ones
 */
export function judge(
  spec: Judging,
  data: Pick<PreparedData, 'table' | 'roles'>,
  predictions: PredictionInput,
  rows: Uint32Array,
  metrics: readonly string[] = [],
): Evaluation {
  const options: EvaluateOptions = {
    slices: sliceColumns(data, rows),
    seed: spec.training.seed,
    metrics,
    ...(data.roles.sensitive.length > 0 && spec.task === 'classification'
      ? { sensitive: data.roles.sensitive.map((name) => sensitiveGroups(data.table, name, rows)) }
      : {}),
    ...(spec.objectives.primary === undefined ? {} : { primary: spec.objectives.primary }),
  };
  return evaluate({ ...predictions, ...options });
}

/** The metric that models are compared by. */
export function primaryMetric({ task, objectives }: Pick<Judging, 'task' | 'objectives'>): string {
  return objectives.primary ?? (task === 'classification' ? 'accuracy' : 'rmse');
}

/** Roles in which further columns are sensitive. @throws BallastError FAIRNESS_COLUMN, FAIRNESS_NEEDS_CLASSES */
export function withSensitive<Some extends Roles>(
  roles: Some,
  names: readonly string[],
  { table, task }: { table: Table; task: Spec['task'] },
): Some {
  const [first] = names;
  if (first === undefined) return roles;
  if (task !== 'classification') {
    throw new BallastError(`fairness is judged of predicted classes, and the task is ${task}`, {
      code: 'FAIRNESS_NEEDS_CLASSES',
      place: '--fairness',
      remedy: 'Leave it out',
    });
  }
  if (roles.target !== undefined && names.includes(roles.target)) {
    throw new BallastError(`"${roles.target}" is the target: its groups are the classes themselves`, {
      code: 'FAIRNESS_COLUMN',
      place: '--fairness',
      remedy: 'Name a column of people or places; the metrics of each class are told anyway',
    });
  }
  const known = table.columns.filter(isScalar).map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new BallastError(`the data has no column "${unknown}" with groups of rows`, {
      code: 'FAIRNESS_COLUMN',
      place: '--fairness',
      remedy: `Columns are ${known.slice(0, 20).join(', ')}`,
    });
  }
  return { ...roles, sensitive: [...new Set([...roles.sensitive, ...names])] };
}

/** Groups of a sensitive column; of a quantity such as an age, its fifths. */
function sensitiveGroups(table: Table, name: string, rows: Uint32Array): GroupColumn {
  const column = findColumn(table, name);
  const grouping = column !== undefined && isQuantity(table, name) ? groupRows(column, rows) : undefined;
  if (grouping === undefined) return groupColumn(table, name, rows);
  const dictionary = grouping.labels.filter((label) => label !== 'missing');
  const codes = Int32Array.from(grouping.codes, (code) => (code < dictionary.length ? code : -1));
  return { name, codes, dictionary };
}

function isQuantity(table: Table, name: string): boolean {
  const column = findColumn(table, name);
  return column?.kind === 'number' && column.type !== 'boolean' && manyValues(column.values);
}

function manyValues(values: ArrayLike<number>): boolean {
  const seen = new Set<number>();
  for (let row = 0; row < values.length && seen.size <= MOST_CATEGORIES; row++) seen.add(values[row]);
  return seen.size > MOST_CATEGORIES;
}

/** Columns that tell slices of rows apart: those of groups, and features of few values. */
export function sliceColumns(
  { table, roles }: Pick<PreparedData, 'table' | 'roles'>,
  rows: Uint32Array,
): GroupColumn[] {
  const declared = new Set([
    ...roles.sensitive.filter((name) => !isQuantity(table, name)),
    ...(roles.domain === undefined ? [] : [roles.domain]),
  ]);
  const found = roles.features.filter((name) => {
    const column = findColumn(table, name);
    return (
      (column?.kind === 'category' && column.dictionary.length <= MOST_CATEGORIES) ||
      (column?.kind === 'number' && column.type === 'boolean')
    );
  });
  return [...new Set([...declared, ...found])].slice(0, MOST_SLICES).map((name) => groupColumn(table, name, rows));
}

/** A column of a table as evaluation groups rows by it. */
export function groupColumn(table: Table, name: string, rows: Uint32Array): GroupColumn {
  const column = findColumn(table, name) as Column;
  if (column.kind === 'category') {
    return { name, codes: Int32Array.from(rows, (row) => column.codes[row]), dictionary: column.dictionary };
  }
  const missing = missingOf(column);
  const text = textOf(column);
  const dictionary = [...new Set(Array.from(rows, (row) => (missing(row) ? '' : text(row))))]
    .filter((value) => value !== '')
    .sort();
  const codeOf = new Map(dictionary.map((value, code) => [value, code]));
  return {
    name,
    codes: Int32Array.from(rows, (row) => (missing(row) ? -1 : (codeOf.get(text(row)) ?? -1))),
    dictionary,
  };
}
