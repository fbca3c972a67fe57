import { GraphBuilder, type Value } from '../../builder.js';
import { writeModel } from '../../format/encode.js';
import { gradients } from '../../gradients.js';
import type { Runtime, Session } from '../../runtime/runtime.js';
import { type DataType, sizeOf, type Tensor } from '../../tensor.js';
import { isFloat } from '../operator.js';
import { isFed, isVariable, normal, type OperatorCase, type Plain } from './case.js';

type Precision = 'float32' | 'float64';

/** A case as a runnable graph: loss = sum over the float outputs of output times seed. */
export interface Evaluation {
  /** What the rules inferred. */
  readonly types: readonly { readonly type: DataType; readonly shape: readonly number[] }[];
  /** What the runtime computed. */
  readonly outputs: readonly Tensor[];
  /** d loss / d input for each variable input; zeros where there is none. */
  readonly gradients: readonly (readonly number[])[];
  /** The loss as a function of all variable inputs. */
  loss(inputs: readonly (readonly number[])[]): Promise<number>;
  release(): void;
}

/** Numbers that weigh the outputs; those of the golden, or made up. */
function seedsOf({ golden, outputs }: OperatorCase, types: Evaluation['types']): readonly Plain[] {
  if (golden !== undefined) return golden.seeds;
  return Array.from({ length: outputs }, (_, i) => normal(types[i].shape, 17 + i));
}

export async function evaluate(runtime: Runtime, test: OperatorCase, precision: Precision): Promise<Evaluation> {
  const variables = test.inputs.filter(isVariable);
  const forward = new GraphBuilder('forward');
  const { outputs } = applied(forward, test, precision);
  outputs.forEach((output, i) => {
    forward.output(`y${i}`, output);
  });
  const seeds = seedsOf(test, outputs);
  const session = await load(runtime, forward, precision);
  const run = async (data: readonly (readonly number[])[]): Promise<Tensor[]> => {
    const results = await session.run(feeds(test, data, precision));
    return outputs.map((_, i) => results[`y${i}`]);
  };
  const data = variables.map((variable) => variable.data);
  return {
    types: outputs,
    outputs: await run(data),
    gradients: test.authority === 'shapes' ? [] : await differentiate(runtime, test, precision, seeds),
    loss: async (inputs) => weighted(await run(inputs), seeds),
    release: () => session.release(),
  };
}

function weighted(outputs: readonly Tensor[], seeds: readonly Plain[]): number {
  let total = 0;
  outputs.forEach((output, i) => {
    if (!isFloat(output.type)) return;
    const values = Array.from(output.data as Float64Array);
    for (let j = 0; j < values.length; j++) total += values[j] * seeds[i].data[j];
  });
  return total;
}

function applied(b: GraphBuilder, test: OperatorCase, precision: Precision): { inputs: Value[]; outputs: Value[] } {
  const inputs: Value[] = [];
  const operands = test.inputs.map((input, position) => {
    if (input === undefined) return undefined;
    if (isFed(input)) return b.input(`d${position}`, inPrecision(input.fed, precision).type, input.fed.shape);
    if (!isVariable(input)) return b.constant(input);
    const value = b.input(`x${inputs.length}`, precision, input.shape);
    inputs.push(value);
    return value;
  });
  const { domain, outputs } = test;
  return { inputs, outputs: b.apply(test.operator, operands, test.attributes, { domain, outputs }) };
}

async function differentiate(
  runtime: Runtime,
  test: OperatorCase,
  precision: Precision,
  seeds: readonly Plain[],
): Promise<number[][]> {
  const b = new GraphBuilder('backward');
  const { inputs, outputs } = applied(b, test, precision);
  const terms = outputs.flatMap((output, i) => {
    if (!isFloat(output.type)) return [];
    const seed = b.constant({
      type: output.type,
      shape: output.shape,
      data: filled(output.type as Precision, seeds[i].data),
    });
    return [b.cast(b.reduceSum(b.mul(output, seed)), precision)];
  });
  const loss = terms.reduce((sum, term) => b.add(sum, term));
  const found = gradients(b, loss, inputs);
  found.forEach((gradient, i) => {
    if (gradient === undefined) return;
    if (`${gradient.shape}` !== `${inputs[i].shape}` || gradient.type !== inputs[i].type) {
      throw new Error(
        `gradient ${i} is ${gradient.type} [${gradient.shape}], not ${inputs[i].type} [${inputs[i].shape}]`,
      );
    }
    b.output(`g${i}`, gradient);
  });
  if (found.every((gradient) => gradient === undefined))
    return inputs.map(({ shape }) => new Array<number>(sizeOf(shape)).fill(0));
  const session = await load(runtime, b, precision);
  const variables = test.inputs.filter(isVariable);
  const used = new Set(session.inputs.map((port) => port.name));
  const all = feeds(
    test,
    variables.map(({ data }) => data),
    precision,
  );
  const results = await session.run(Object.fromEntries(Object.entries(all).filter(([name]) => used.has(name))));
  session.release();
  return found.map((gradient, i) =>
    gradient === undefined
      ? new Array<number>(sizeOf(inputs[i].shape)).fill(0)
      : Array.from(results[`g${i}`].data as Float64Array),
  );
}

const filled = (type: Precision, data: readonly number[]) =>
  type === 'float64' ? Float64Array.from(data) : Float32Array.from(data);

/** Data that no gradient is taken by, in the precision of the variables. */
function inPrecision(data: Tensor, precision: Precision): Tensor {
  return data.type === 'float32'
    ? { type: precision, shape: data.shape, data: filled(precision, Array.from(data.data as Float32Array)) }
    : data;
}

function feeds(
  { inputs }: OperatorCase,
  data: readonly (readonly number[])[],
  precision: Precision,
): Record<string, Tensor> {
  const all: Record<string, Tensor> = {};
  inputs.filter(isVariable).forEach(({ shape }, i) => {
    all[`x${i}`] = { type: precision, shape, data: filled(precision, data[i]) };
  });
  inputs.forEach((input, position) => {
    if (isFed(input)) all[`d${position}`] = inPrecision(input.fed, precision);
  });
  return all;
}

/** Single precision as it is trained with, fusions and all; double precision as plainly as possible. */
function load(runtime: Runtime, b: GraphBuilder, precision: Precision): Promise<Session> {
  return runtime.load(writeModel(b.model()), { optimization: precision === 'float32' ? 'all' : 'basic' });
}

export interface DifferenceOptions {
  /** Step of each input element. */
  readonly step: number;
  /** Four points (error of order step^4) or two. */
  readonly points: 2 | 4;
}

/** Central finite differences of the loss by every element of every variable input. */
export async function finiteDifferences(
  evaluation: Pick<Evaluation, 'loss'>,
  inputs: readonly (readonly number[])[],
  { step, points }: DifferenceOptions,
): Promise<number[][]> {
  const at = (input: number, element: number, offset: number): Promise<number> =>
    evaluation.loss(
      inputs.map((data, i) => (i === input ? data.map((x, j) => (j === element ? x + offset : x)) : data)),
    );
  const result: number[][] = [];
  for (let i = 0; i < inputs.length; i++) {
    const row: number[] = [];
    for (let j = 0; j < inputs[i].length; j++) {
      const near = (await at(i, j, step)) - (await at(i, j, -step));
      const far = points === 4 ? (await at(i, j, 2 * step)) - (await at(i, j, -2 * step)) : 0;
      row.push(points === 4 ? (8 * near - far) / (12 * step) : near / (2 * step));
    }
    result.push(row);
  }
  return result;
}

/**
 * The worst |a - b| over the larger of the two, or over `floor` times the largest of all where both are smaller (1: the
 * error relative to the largest).
 */
export function worstRelativeError(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
  floor: number,
): number {
  const largest = Math.max(1e-12, ...a.flat().map(Math.abs), ...b.flat().map(Math.abs));
  let worst = 0;
  a.forEach((row, i) => {
    if (row.length !== b[i].length) worst = Number.POSITIVE_INFINITY;
    row.forEach((x, j) => {
      const error = Math.abs(x - b[i][j]) / Math.max(Math.abs(x), Math.abs(b[i][j]), floor * largest);
      worst = Math.max(worst, Number.isNaN(error) ? Number.POSITIVE_INFINITY : error);
    });
  });
  return worst;
}
