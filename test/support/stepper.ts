import { writeModel } from '../../src/graph/format/encode.js';
import { siteKey } from '../../src/graph/random.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { int64, type NumericArray, sizeOf, type Tensor } from '../../src/graph/tensor.js';
import { inOrder } from '../../src/regularizers/resolve.js';
import {
  architectureOf,
  countsOf,
  labelMask,
  sampledRows,
  type TrainingProblem,
  tasksIn,
} from '../../src/training/problem.js';
import {
  type CompiledStep,
  type CompileOptions,
  compileStep,
  drawnStream,
  type StepDescription,
} from '../../src/training/step.js';
import { tasksOf } from '../../src/training/tasks.js';
import { inDoublePrecision } from './double-precision.js';

/** State tensors of a step by their names in its graph. */
export type State = ReadonlyMap<string, Float64Array>;

/** Values of parameters by their names in the architecture. */
export type Parameters = ReadonlyMap<string, Float64Array>;

export interface StepAt {
  /** From 1. */
  readonly step: number;
  readonly rate: number;
  readonly rows: ArrayLike<number>;
}

/** One compiled step, run by hand on explicit state. */
export interface Stepper {
  readonly compiled: CompiledStep;
  /** State with these parameters, the architecture's own running statistics and empty optimizer slots. */
  readonly stateOf: (parameters: Parameters) => State;
  readonly parametersOf: (state: State) => Parameters;
  readonly run: (state: State, at: StepAt) => Promise<{ loss: number; state: State }>;
  /** The loss alone. */
  readonly loss: (state: State, at: StepAt) => Promise<number>;
  release(): void;
}

/** The description of a problem's step under an optimizer. */
export function describeStep(
  problem: TrainingProblem,
  optimizer: StepDescription['optimizer'],
  more: Partial<StepDescription> = {},
): StepDescription {
  return {
    architecture: architectureOf({ ...problem, regularizers: more.regularizers ?? problem.regularizers }),
    inputs: problem.inputs,
    task: problem.task,
    outputs: Math.max(1, problem.classes.length),
    batchSize: problem.options.batchSize,
    rows: problem.data.target.shape[0],
    trainRows: problem.data.train.length,
    classes: problem.classes,
    classRows:
      problem.task === 'classification'
        ? countsOf(sampledRows(problem.data), problem.data.target.data, problem.classes.length)
        : [],
    columns: (problem.data.columns ?? []).map(({ role, name, values, codes }) => ({
      role,
      name,
      values,
      rows: countsOf(sampledRows(problem.data), codes, values.length),
    })),
    epochs: problem.options.epochs,
    seed: problem.seed,
    unlabelled: problem.data.unlabelled?.length ?? 0,
    ...tasksIn(problem),
    hasWeights: problem.data.weights !== undefined,
    classWeights: undefined,
    regularizers: problem.regularizers,
    optimizer,
    gradientClip: problem.options.gradientClip,
    ...more,
  };
}

/** @param double in float64, where every operator of the step has such a kernel */
export async function stepperOf(
  runtime: Runtime,
  problem: TrainingProblem,
  description: StepDescription,
  double: boolean,
  report: CompileOptions['report'] = 'loss',
): Promise<Stepper> {
  const compiled = compileStep(description, { report });
  const session = await runtime.load(writeModel(double ? inDoublePrecision(compiled.model) : compiled.model));
  const { architecture, optimizer } = description;
  const cast = (shape: readonly number[], data: ArrayLike<number>): Tensor<NumericArray> =>
    double
      ? { type: 'float64', shape, data: Float64Array.from(data) }
      : { type: 'float32', shape, data: Float32Array.from(data) };
  const { inputs, target, weights } = problem.data;
  const data: Record<string, Tensor> = {};
  for (const [name, given] of Object.entries({ ...inputs, target })) {
    data[`data.${name}`] = given.type === 'float32' ? cast(given.shape, given.data as Float32Array) : given;
  }
  for (const { role, name, codes } of problem.data.columns ?? []) {
    data[`data.column.${role}.${name}`] = int64([codes.length], codes);
  }
  for (const [name, rows] of Object.entries(problem.data.rowTensors ?? {})) {
    data[`data.rows.${name}`] = cast(rows.shape, rows.data);
  }
  const labelled = labelMask(problem.data);
  const tasks = tasksOf(problem);
  if (tasks !== undefined) data['data.task'] = int64([tasks.ofRow.length], tasks.ofRow);
  if (labelled !== undefined) data['data.labelled'] = cast([labelled.length], labelled);
  if (weights !== undefined) data['data.weight'] = cast([weights.length], weights);
  const shapes = new Map<string, readonly number[]>();
  for (const { name, shape } of compiled.packs) {
    for (const kind of ['parameter', ...compiled.slots]) shapes.set(`${kind}.${name}`, shape);
  }
  for (const { name, initial } of architecture.buffers) shapes.set(`buffer.${name}`, initial.shape);
  for (const { name, shape } of compiled.ownState) shapes.set(`state.${name}`, shape);

  const active = inOrder(description.regularizers).filter(({ strength }) => strength !== 0);
  const hostScalars = ({ step, rate }: StepAt): Record<string, Tensor> => {
    const feeds: Record<string, Tensor> = {};
    for (const [name, host] of compiled.scalars) {
      const value =
        host.kind === 'learningRate'
          ? rate
          : host.kind === 'optimizer'
            ? optimizer.scalars[host.name]({ step, learningRate: rate })
            : host.kind === 'strength'
              ? active[host.regularizer].strength
              : host.kind === 'rate'
                ? 1
                : host.draw(
                    drawnStream(problem.seed, host.regularizer, host.label, step),
                    active[host.regularizer].strength,
                    step,
                  );
      feeds[name] = cast([], [value]);
    }
    for (const label of compiled.randomSites) {
      feeds[`random.${label}`] = {
        type: 'uint32',
        shape: [1],
        data: Uint32Array.of(siteKey(label, problem.seed, step)),
      };
    }
    return feeds;
  };
  const execute = async (state: State, at: StepAt, fetches: readonly string[]): Promise<Record<string, Tensor>> => {
    const rows = BigInt64Array.from(Array.from(at.rows, BigInt));
    const feeds: Record<string, Tensor> = {
      ...data,
      ...hostScalars(at),
      'batch.index': { type: 'int64', shape: [rows.length], data: rows },
    };
    for (const [name, values] of state) feeds[name] = cast(shapes.get(name)!, values);
    return session.run(Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]])), fetches);
  };
  return {
    compiled,
    stateOf(parameters) {
      const state = new Map([...shapes].map(([name, shape]) => [name, new Float64Array(sizeOf(shape))]));
      for (const { name, initial } of architecture.buffers) state.get(`buffer.${name}`)!.set(initial.data);
      for (const { name, initial } of compiled.ownState) state.get(`state.${name}`)!.set(initial);
      const own = new Map(compiled.ownParameters.map(({ name, initial }) => [name, initial]));
      for (const pack of compiled.packs) {
        const values = pack.members.flatMap(({ name }) => Array.from<number>(parameters.get(name) ?? own.get(name)!));
        state.get(`parameter.${pack.name}`)!.set(values);
      }
      return state;
    },
    parametersOf(state) {
      const parameters = new Map<string, Float64Array>();
      for (const pack of compiled.packs) {
        const values = state.get(`parameter.${pack.name}`)!;
        let offset = 0;
        for (const { name, shape } of pack.members) {
          parameters.set(name, values.slice(offset, offset + sizeOf(shape)));
          offset += sizeOf(shape);
        }
      }
      return parameters;
    },
    async run(state, at) {
      const names = [...state.keys()];
      const moved = new Set(compiled.model.graph.outputs.map(({ name }) => name));
      const results = await execute(state, at, [...moved]);
      const next = names.map((name): [string, Float64Array] => [
        name,
        moved.has(`new.${name}`) ? Float64Array.from(results[`new.${name}`].data as Float64Array) : state.get(name)!,
      ]);
      return { loss: Number(results.loss.data[0]), state: new Map(next) };
    },
    loss: async (state, at) => Number((await execute(state, at, ['loss'])).loss.data[0]),
    release: () => session.release(),
  };
}
