import { BallastError } from '../errors.js';
import type { Finding } from '../regularizers/finding.js';
import type { EpochRecord, MetricValues } from './events.js';
import type { MetricsFunction, TrainingData, TrainingProblem } from './problem.js';

/** Tasks that a run learns one after the other (training.tasks). */
export interface TaskSequence {
  readonly names: readonly string[];
  /** Task of every row, -1 for rows of none: they are not trained on. */
  readonly ofRow: Int32Array;
  /** Class indices of each task, where tasks are groups of classes. */
  readonly classes: readonly (readonly number[])[] | undefined;
  /** Only the classes of a row's own task compete in its loss and its task's metrics. */
  readonly ownHeads: boolean;
}

/** How well each task was known after each, and what was lost of it. */
export interface TaskRecord {
  readonly names: readonly string[];
  /** The metric: the primary one. */
  readonly metric: string;
  /** [after task][of task], on validation rows of the task; NaN where it has none. */
  readonly matrix: readonly (readonly number[])[];
  /** Mean over tasks after the last. */
  readonly average: number;
  /** Mean over all tasks but the last of the best value while it was known minus the last (Chaudhry et al., 2018); > 0 is lost. */
  readonly forgetting: number;
  /** Mean over all tasks but the last of the last value minus that right after the task; < 0 is lost. */
  readonly backwardTransfer: number;
}

/**
 * The tasks of a problem; undefined where it has none.
 *
 * @throws BallastError TRAINING_TASKS where they do not fit the data
 */
export function tasksOf({ options, data, classes }: TrainingProblem): TaskSequence | undefined {
  const { tasks, epochs } = options;
  if (tasks === undefined) return undefined;
  const refuse = (message: string, remedy: string): never => {
    throw new BallastError(message, { code: 'TRAINING_TASKS', place: 'training.tasks', remedy });
  };
  const sequence = tasks.classes === undefined ? byColumn(tasks, data, refuse) : byClass(tasks, data, classes, refuse);
  const { names, ofRow } = sequence;
  if (names.length < 2) refuse(`there is one task, "${names[0]}"`, 'Remove training.tasks, or give rows of another');
  if (epochs < names.length) {
    refuse(`${names.length} tasks share ${epochs} epochs, so that some get none`, 'Raise training.epochs');
  }
  const rows = drawnRows(data);
  names.forEach((name, task) => {
    if (!rows.some((row) => ofRow[row] === task)) refuse(`no training row is of the task "${name}"`, 'Leave it out');
  });
  return sequence;
}

type Options = NonNullable<TrainingProblem['options']['tasks']>;
type Refuse = (message: string, remedy: string) => never;

/** All rows that batches are drawn from. */
function drawnRows({ train, added = new Int32Array(0), unlabelled = new Int32Array(0) }: TrainingData): Int32Array {
  return Int32Array.from([...train, ...added, ...unlabelled]);
}

function byColumn({ column: role, order }: Options, { columns = [] }: TrainingData, refuse: Refuse): TaskSequence {
  const column = columns.find((candidate) => candidate.role === role);
  if (column === undefined) {
    return refuse(
      `tasks are told by the ${role} column, and the spec declares none`,
      `Name it in data.columns.${role}`,
    );
  }
  const names = order ?? column.values;
  const unknown = names.find((name) => !column.values.includes(name));
  if (unknown !== undefined) {
    refuse(`the column "${column.name}" has no value "${unknown}"`, `Its values are ${column.values.join(', ')}`);
  }
  const taskOfCode = column.values.map((value) => names.indexOf(value));
  return {
    names,
    ofRow: column.codes.map((code) => (code < 0 ? -1 : taskOfCode[code])),
    classes: undefined,
    ownHeads: false,
  };
}

function byClass(
  { classes: groups = [], heads }: Options,
  data: TrainingData,
  known: readonly string[],
  refuse: Refuse,
): TaskSequence {
  if (known.length === 0) refuse('tasks are groups of classes, and the task is regression', 'Tell them by a column');
  const taskOfClass = new Int32Array(known.length).fill(-1);
  const classes = groups.map((labels, task) =>
    labels.map((label) => {
      const index = known.indexOf(String(label));
      if (index < 0) refuse(`there is no class "${label}"`, `The classes are ${known.join(', ')}`);
      if (taskOfClass[index] >= 0) refuse(`the class "${label}" is in two tasks`, 'Name each class once');
      taskOfClass[index] = task;
      return index;
    }),
  );
  const ofRow = Int32Array.from(data.target.data as Iterable<bigint>, (label) => taskOfClass[Number(label)]);
  for (const row of data.unlabelled ?? []) ofRow[row] = -1;
  return { names: groups.map((labels) => labels.join(' ')), ofRow, classes, ownHeads: heads === 'own' };
}

/** What a regularizer is asked for other rows by (`rehearse` hooks). */
export type Rehearse = (
  at: { epoch: number; task: number; batchSize: number; rows: readonly Int32Array[] },
  order: Int32Array,
) => Int32Array;

/** A run through tasks: which rows an epoch draws, when a task ends, how well each is known. */
export class TaskRun {
  readonly sequence: TaskSequence;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  readonly #epochs: number;
  readonly #metrics: MetricsFunction;
  /** The data with the training rows of one task. */
  readonly #parts: readonly TrainingData[];
  readonly #validationRows: number;
  readonly #validation: readonly { readonly rows: Int32Array; readonly positions: Int32Array }[];

  constructor(sequence: TaskSequence, { data, options, metrics }: TrainingProblem) {
    const { names, ofRow } = sequence;
    this.sequence = sequence;
    this.#epochs = options.epochs;
    this.#metrics = metrics;
    this.#parts = names.map((_, task) => {
      const own = (rows: Int32Array = new Int32Array(0)): Int32Array => rows.filter((row) => ofRow[row] === task);
      return { ...data, train: own(data.train), added: own(data.added), unlabelled: own(data.unlabelled) };
    });
    this.#validationRows = data.validation.length;
    this.#validation = names.map((_, task) => {
      const positions = Int32Array.from(data.validation.keys()).filter((i) => ofRow[data.validation[i]] === task);
      return { positions, rows: positions.map((i) => data.validation[i]) };
    });
    const sizes = this.#parts.map((part) => drawnRows(part).length);
    // Every epoch has as many full batches, whatever the rows of its task.
    this.batchSize = Math.min(options.batchSize, ...sizes);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    this.stepsPerEpoch = Math.max(1, Math.round(mean / this.batchSize));
  }

  /** The task of an epoch, both from 0. */
  taskOf(epoch: number): number {
    return Math.floor((epoch * this.sequence.names.length) / this.#epochs);
  }

  /** The task that ends with this epoch and is followed by another. */
  endedBy(epoch: number): number | undefined {
    const task = this.taskOf(epoch);
    return epoch + 1 < this.#epochs && this.taskOf(epoch + 1) !== task ? task : undefined;
  }

  /** Labelled training rows of a task. */
  rowsOf(task: number): Int32Array {
    return this.#parts[task].train;
  }

  /** Rows of an epoch in order: those of its task, drawn anew when they have all been, and what is rehearsed of others. */
  order(epoch: number, draw: (epoch: number, data: TrainingData) => Int32Array, rehearse: Rehearse): Int32Array {
    const task = this.taskOf(epoch);
    const order = new Int32Array(this.stepsPerEpoch * this.batchSize);
    for (let filled = 0, round = 0; filled < order.length; round++) {
      const drawn = draw(epoch + round * this.#epochs, this.#parts[task]).subarray(0, order.length - filled);
      order.set(drawn, filled);
      filled += drawn.length;
    }
    const rows = this.#parts.map((part) => drawnRows(part));
    return rehearse({ epoch, task, batchSize: this.batchSize, rows }, order);
  }

  /** The primary metric on the validation rows of each task, as `<metric>.task-<number>`. */
  metricsOf(outputs: Float32Array): MetricValues {
    const { classes, ownHeads } = this.sequence;
    const values: Record<string, number> = {};
    this.#validation.forEach(({ rows, positions }, task) => {
      if (rows.length === 0) return;
      const width = outputs.length / this.#validationRows;
      const own = new Float32Array(rows.length * width);
      positions.forEach((position, i) => {
        own.set(outputs.subarray(position * width, (position + 1) * width), i * width);
        if (!ownHeads) return;
        for (let c = 0; c < width; c++) if (!classes![task].includes(c)) own[i * width + c] = -1e9;
      });
      const { primary } = this.#metrics;
      values[metricName(primary, task)] = this.#metrics(rows, own)[primary];
    });
    return values;
  }

  /** What was known after each finished task; undefined before the second. */
  record(history: readonly EpochRecord[]): TaskRecord | undefined {
    const { names } = this.sequence;
    const last = (task: number): number => Math.ceil(((task + 1) * this.#epochs) / names.length);
    const finished = names.map((_, task) => history[last(task) - 1]).filter((epoch) => epoch !== undefined);
    if (finished.length < 2) return undefined;
    const { primary, higherIsBetter } = this.#metrics;
    const matrix = finished.map(({ validation }) =>
      names.map((_, task) => validation[metricName(primary, task)] ?? Number.NaN),
    );
    return { names, metric: primary, matrix, ...forgettingOf(matrix, higherIsBetter(primary)) };
  }
}

function metricName(metric: string, task: number): string {
  return `${metric}.task-${task + 1}`;
}

/**
 * Figures of a matrix [after task][of task] (Chaudhry et al., Riemannian Walk for Incremental Learning, ECCV 2018, equation 3;
 * Lopez-Paz and Ranzato, Gradient Episodic Memory, NeurIPS 2017). Tasks without a value are left out.
 */
export function forgettingOf(
  matrix: readonly (readonly number[])[],
  higherIsBetter: boolean,
): Pick<TaskRecord, 'average' | 'forgetting' | 'backwardTransfer'> {
  const sign = higherIsBetter ? 1 : -1;
  const final = matrix[matrix.length - 1];
  const mean = (values: readonly number[]): number => {
    const defined = values.filter((value) => !Number.isNaN(value));
    return defined.reduce((sum, value) => sum + value, 0) / defined.length;
  };
  const earlier = final.slice(0, matrix.length - 1);
  return {
    average: mean(final.slice(0, matrix.length)),
    forgetting: mean(
      earlier.map(
        (value, task) => Math.max(...matrix.slice(task, -1).map((after) => sign * after[task])) - sign * value,
      ),
    ),
    backwardTransfer: mean(earlier.map((value, task) => sign * (value - matrix[task][task]))),
  };
}

/** What a run through tasks tells of what it forgot. */
export function forgettingFinding({ metric, matrix, names, average, forgetting }: TaskRecord): Finding {
  const lost = forgetting > 0.05;
  const each = names
    .slice(0, matrix.length)
    .map((name, task) => `${name}: ${matrix[task][task].toFixed(3)} -> ${matrix[matrix.length - 1][task].toFixed(3)}`);
  return {
    code: 'TASKS_FORGETTING',
    severity: lost ? 'warning' : 'info',
    message: `after ${matrix.length} tasks ${metric} is ${average.toFixed(3)} on average, and ${forgetting < 0 ? `the earlier ones gained ${(-forgetting).toFixed(3)}` : `${forgetting.toFixed(3)} was forgotten of the earlier ones`} (right after the task -> now: ${each.join('; ')})`,
    remedy: lost
      ? 'Add replay, ewc, synaptic-intelligence or learning-without-forgetting, or raise the strength of the one in use'
      : 'Nothing to mend',
  };
}
