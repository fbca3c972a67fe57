import { numbersOf } from '../data/column-values.js';
import { MISSING_INTEGER } from '../data/preprocess/feature-block.js';
import { rawTensors } from '../data/preprocess/raw-tensors.js';
import { type Column, findColumn, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import type { Model, ValueInfo } from '../graph/model.js';
import { float32, sizeOf, type Tensor } from '../graph/tensor.js';
import { describedClasses } from './described-ports.js';

export type OutputKind = 'logits' | 'probabilities' | 'labels' | 'predictions';

/** How rows of a table reach a model and what its answer means. */
export interface ModelPorts {
  readonly task: 'classification' | 'regression';
  /** Classes in the order of the output's columns; empty for regression. */
  readonly classes: readonly string[];
  readonly output: { readonly name: string; readonly kind: OutputKind };
  /** Rows that the model takes at a time, where it does not take any number. */
  readonly batch?: number;
  feed(table: Table, rows: Uint32Array): Record<string, Tensor>;
}

/** What a user says of a model that does not describe itself. */
export interface PortFlags {
  readonly task: 'classification' | 'regression' | undefined;
  /** `NAME:logits`. */
  readonly output: string | undefined;
  readonly classes: readonly string[] | undefined;
  /** `NAME=COLUMN` or `NAME=COLUMN+COLUMN+...`. */
  readonly inputs: readonly string[];
  readonly target: string;
  /** Columns that may feed the model where nothing is said of its inputs. */
  readonly features: readonly string[];
}

/**
 * The ports of a model from elsewhere: inputs by name, by `--input`, or all other numeric columns where a single matrix
 * takes exactly as many; the output by `--output`, or where only one can be meant.
 *
 * @throws BallastError MODEL_AMBIGUOUS, MODEL_INPUT
 */
export function foreignPorts(model: Model, table: Table, flags: PortFlags): ModelPorts {
  const { graph } = model;
  if (flags.task === undefined) {
    throw ambiguous('what the model predicts is not known', 'Add --task classification or --task regression');
  }
  const output = outputOf(graph.outputs, flags);
  const known = flags.classes ?? describedClasses(model, output.name);
  const classes = flags.task === 'regression' ? [] : known.length > 0 ? known : classesOf(table, flags.target);
  refuseWidth(graph.outputs, output, classes);
  const inputs = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  refuseMappings(inputs, flags.inputs);
  const columns = new Map(inputs.map((input) => [input.name, columnsOf(input, inputs.length, table, flags)]));
  const fixed = inputs.map(({ shape }) => shape?.[0]).find((extent) => typeof extent === 'number');
  return {
    task: flags.task,
    classes,
    output,
    ...(fixed === undefined ? {} : { batch: fixed }),
    feed: (rowsOf, rows) =>
      Object.fromEntries(inputs.map((input) => [input.name, tensorOf(input, columns.get(input.name)!, rowsOf, rows)])),
  };
}

function outputOf(outputs: readonly ValueInfo[], { task, output }: PortFlags): ModelPorts['output'] {
  const list = outputs.map(({ name, type, shape }) => `${name}: ${type} [${shape?.join(', ') ?? ''}]`).join('; ');
  if (output !== undefined) {
    const [name, kind] = output.split(':');
    if (!outputs.some((candidate) => candidate.name === name))
      throw ambiguous(`the model has no output "${name}"`, `Its outputs are ${list}`);
    if (kind !== 'logits' && kind !== 'probabilities' && kind !== 'labels' && kind !== 'predictions') {
      throw ambiguous(
        `--output ${output} does not say what the output is`,
        'Write NAME:logits, NAME:probabilities, NAME:labels or NAME:predictions',
      );
    }
    return { name, kind };
  }
  const answers = outputs.filter(({ name }) => outputs.length === 1 || name === 'prediction');
  if (task === 'regression' && answers.length === 1) return { name: answers[0].name, kind: 'predictions' };
  const floats = outputs.filter(({ type }) => type === 'float32' || type === 'float64');
  const named = floats.filter(({ name }) => /prob/i.test(name));
  if (task === 'classification' && named.length === 1) return { name: named[0].name, kind: 'probabilities' };
  const logits = floats.filter(({ name }) => /logit/i.test(name));
  if (task === 'classification' && logits.length === 1) return { name: logits[0].name, kind: 'logits' };
  throw ambiguous(
    'which output to evaluate is not clear',
    `Add --output NAME:logits|probabilities|labels|predictions; the outputs are ${list}`,
  );
}

/** A model that answers scores of three classes cannot be judged on two. */
function refuseWidth(outputs: readonly ValueInfo[], output: ModelPorts['output'], classes: readonly string[]): void {
  if (output.kind !== 'logits' && output.kind !== 'probabilities') return;
  const width = outputs.find(({ name }) => name === output.name)?.shape?.at(-1);
  if (typeof width !== 'number' || width === classes.length) return;
  throw new BallastError(
    `the output "${output.name}" has ${width} columns, and there are ${classes.length} classes: ${classes.slice(0, 20).join(', ')}`,
    { code: 'MODEL_CLASSES', remedy: 'Give all classes in the order of the columns with --classes A,B,...' },
  );
}

function refuseMappings(inputs: readonly ValueInfo[], mappings: readonly string[]): void {
  for (const mapping of mappings) {
    const [name, columns] = mapping.split('=');
    if (columns !== undefined && columns !== '' && inputs.some((input) => input.name === name)) continue;
    throw ambiguous(
      `--input ${mapping} does not say which columns feed which input`,
      `Write NAME=COLUMN; the inputs are ${inputs.map((input) => input.name).join(', ')}`,
    );
  }
}

function columnsOf(
  input: ValueInfo,
  inputs: number,
  table: Table,
  { inputs: mappings, features }: PortFlags,
): Column[] {
  const mapping = mappings.map((text) => text.split('=')).find(([name]) => name === input.name);
  const require = (name: string): Column => {
    const column = findColumn(table, name);
    if (column === undefined) {
      throw new BallastError(`the data has no column "${name}" for the model's input "${input.name}"`, {
        code: 'MODEL_INPUT',
        remedy: `Columns are ${table.columns
          .map((candidate) => candidate.name)
          .slice(0, 20)
          .join(', ')}`,
      });
    }
    return column;
  };
  if (mapping !== undefined) return (mapping[1] ?? '').split('+').map(require);
  const same = findColumn(table, input.name);
  if (same !== undefined) return [same];
  const rest = table.columns.filter(({ name }) => features.includes(name));
  const arrays = rest.filter(({ kind }) => kind === 'array' || kind === 'sparse');
  if (inputs === 1 && arrays.length === 1) return arrays;
  const numbers = rest.filter(({ kind }) => kind === 'number');
  const width = input.shape?.at(-1);
  if (
    inputs === 1 &&
    input.shape?.length === 2 &&
    (typeof width !== 'number' || width === numbers.length) &&
    numbers.length === rest.length
  ) {
    return numbers;
  }
  throw ambiguous(
    `which columns feed the input "${input.name}" (${input.type} [${input.shape?.join(', ') ?? ''}]) is not clear`,
    `Add --input ${input.name}=COLUMN, or ${input.name}=COLUMN+COLUMN+... in order`,
  );
}

function tensorOf(input: ValueInfo, columns: readonly Column[], table: Table, rows: Uint32Array): Tensor {
  const current = columns.map(({ name }) => findColumn(table, name) as Column);
  const [first] = current;
  if (current.length === 1 && first.kind === 'array') {
    const declared = (input.shape ?? []).slice(1);
    const shape =
      declared.length > 0 && declared.every((extent) => typeof extent === 'number')
        ? (declared as number[])
        : first.shape;
    if (sizeOf(shape) !== sizeOf(first.shape)) {
      throw new BallastError(
        `"${first.name}" holds [${first.shape}] a row, and the model's input "${input.name}" takes [${shape}]`,
        {
          code: 'MODEL_INPUT',
          remedy: 'Resize with data.image.size in a spec given by --spec',
        },
      );
    }
    return rawTensors([{ name: input.name, column: first.name, type: 'float32', shape }], table, rows)[input.name];
  }
  if (input.type === 'string') {
    return rawTensors([{ name: input.name, column: first.name, type: 'string', shape: [1] }], table, rows)[input.name];
  }
  const values = current.map((column) => numbersOf(column, `the model's input "${input.name}"`));
  const width = current.length;
  const at = (index: number): number => values[index % width][rows[Math.floor(index / width)]];
  return numericTensor(input, [rows.length, width], at);
}

/** A tensor of the type that an input takes. */
function numericTensor({ name, type }: ValueInfo, shape: readonly number[], at: (index: number) => number): Tensor {
  const length = sizeOf(shape);
  switch (type) {
    case 'float32':
      return float32(
        shape,
        Float32Array.from({ length }, (_, i) => at(i)),
      );
    case 'float64':
      return { type, shape, data: Float64Array.from({ length }, (_, i) => at(i)) };
    case 'int32':
      return { type, shape, data: Int32Array.from({ length }, (_, i) => at(i)) };
    case 'int64':
      return {
        type,
        shape,
        data: BigInt64Array.from({ length }, (_, i) =>
          Number.isNaN(at(i)) ? MISSING_INTEGER : BigInt(Math.round(at(i))),
        ),
      };
    default:
      throw new BallastError(
        `the model's input "${name}" takes ${type}, and columns of a table are not given as that`,
        {
          code: 'MODEL_INPUT',
          remedy: 'Export the model with inputs of float32, float64, int32, int64 or string',
        },
      );
  }
}

function classesOf(table: Table, target: string): string[] {
  const column = findColumn(table, target);
  if (column?.kind === 'category') return [...column.dictionary].sort();
  if (column?.kind === 'number' && column.type === 'boolean') return ['false', 'true'];
  if (column?.kind === 'number') {
    return [...new Set(column.values)]
      .filter((value) => !Number.isNaN(value))
      .sort((a, b) => a - b)
      .map(String);
  }
  throw ambiguous('the classes are not known', 'Add --classes A,B,... in the order of the output');
}

function ambiguous(message: string, remedy: string): BallastError {
  return new BallastError(message, { code: 'MODEL_AMBIGUOUS', remedy });
}
