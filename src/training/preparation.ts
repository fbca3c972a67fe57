import type { Graph } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { int64, type NumericArray, type Tensor, tensor } from '../graph/tensor.js';
import type { Finding } from '../regularizers/finding.js';
import type { AddedExamples, PreparationContext } from '../regularizers/regularizer.js';
import { answersOf } from './answers.js';
import { holdBack } from './held-back.js';
import { learningOf } from './hypergradient-graph.js';
import { architectureOf, describeStep, labelMask, type TrainingData, type TrainingProblem } from './problem.js';
import { type BoundData, bindData } from './program.js';
import { runGraph } from './run-graph.js';
import { acting, assetOf, ownContext, ownTensors } from './step-graph.js';

/**
 * What regularizers do before the first step: rows that they add to the training part, then the values that they know of
 * every row. It follows from the problem alone, so that a resumed run comes to the same.
 */
export async function prepareProblem(
  given: TrainingProblem,
  runtime: Runtime,
): Promise<{ problem: TrainingProblem; findings: readonly Finding[] }> {
  const active = acting(given.regularizers);
  const findings: Finding[] = [];
  const learning = learningOf(active);
  // Before rows are made: none may be made of rows that strengths are judged on.
  let problem = learning === undefined ? given : holdBack(given, learning.plan.share);
  for (const [i, { regularizer, options }] of active.entries()) {
    const made = await regularizer.hooks.examples?.(contextOf(problem, runtime, i), options);
    if (made === undefined) continue;
    findings.push(...(made.findings ?? []));
    problem = { ...problem, data: withExamples(problem.data, made) };
  }
  const { rows } = ownTensors(describe(problem));
  if (rows.length === 0) return { problem, findings };
  const count = problem.data.target.shape[0];
  const rowTensors: Record<string, Tensor<Float32Array>> = {};
  for (const own of rows) {
    const { name, shape, regularizer } = own;
    const context = contextOf(problem, runtime, regularizer);
    const values = await own.compute(context);
    findings.push(...(own.findings?.(values, context) ?? []));
    rowTensors[name] = { type: 'float32', shape: [count, ...shape], data: values };
  }
  return { problem: { ...problem, data: { ...problem.data, rowTensors } }, findings };
}

/** The data of a run as memory that sessions bind. */
export function boundData(runtime: Runtime, data: TrainingData): BoundData {
  const { inputs, target, weights, columns = [], rowTensors = {}, taskCodes } = data;
  const labelled = labelMask(data);
  return bindData(runtime, {
    ...inputs,
    target,
    ...(weights === undefined ? {} : { weight: tensor('float32', [weights.length], weights) }),
    ...(taskCodes === undefined ? {} : { task: int64([taskCodes.length], taskCodes) }),
    ...(labelled === undefined ? {} : { labelled: tensor('float32', [labelled.length], labelled) }),
    ...Object.fromEntries(
      columns.map(({ role, name, codes }) => [`column.${role}.${name}`, int64([codes.length], codes)]),
    ),
    ...Object.fromEntries(Object.entries(rowTensors).map(([name, values]) => [`rows.${name}`, values])),
  });
}

function describe(problem: TrainingProblem) {
  return describeStep(problem, architectureOf(problem), Math.min(problem.options.batchSize, problem.data.train.length));
}

function contextOf(problem: TrainingProblem, runtime: Runtime, index: number): PreparationContext {
  const { data, inputs } = problem;
  const active = acting(problem.regularizers);
  const entry = active[index];
  const description = describe(problem);
  return {
    ...ownContext(description, active),
    strength: entry.strength,
    options: entry.options,
    data: data.inputs,
    target: data.target,
    weights: data.weights,
    train: data.train,
    validation: data.validation,
    added: data.added ?? new Int32Array(0),
    unlabelledRows: data.unlabelled ?? new Int32Array(0),
    codes: (role) => data.columns?.find((column) => column.role === role)?.codes,
    asset: (name) => assetOf(entry, name).graph,
    answers: (name, output) => answersOf(runtime, assetOf(entry, name), output, data.inputs),
    network: description.architecture.graph,
    async run(graph: Graph, rows: Int32Array, output?: string) {
      const bound = boundData(runtime, { ...data, rowTensors: {} });
      try {
        const session = { threads: problem.options.threads };
        return await runGraph(runtime, graph, {
          inputs,
          data: bound,
          rows,
          session,
          ...(output === undefined ? {} : { output }),
        });
      } finally {
        for (const target of Object.values(bound.tensors)) target.release();
      }
    },
  };
}

/** Appends rows without a label after all others; columns know of them already. */
export function withUnlabelled(
  data: TrainingData,
  inputs: Readonly<Record<string, Tensor<NumericArray>>> | undefined,
): TrainingData {
  const count = inputs === undefined ? 0 : (Object.values(inputs)[0]?.shape[0] ?? 0);
  if (inputs === undefined || count === 0) return data;
  const before = data.target.shape[0];
  const { shape, data: targets } = data.target;
  const Kind = targets.constructor as new (length: number) => NumericArray;
  const none = { ...data.target, shape: [count, ...shape.slice(1)], data: new Kind((count * targets.length) / before) };
  return {
    ...data,
    inputs: Object.fromEntries(Object.entries(data.inputs).map(([name, old]) => [name, stacked(old, inputs[name])])),
    target: stacked(data.target, none),
    weights: data.weights && Float32Array.from([...data.weights, ...new Float32Array(count).fill(1)]),
    unlabelled: Int32Array.from({ length: count }, (_, i) => before + i),
  };
}

/** Appends rows; those of earlier regularizers keep their numbers. */
function withExamples(data: TrainingData, made: AddedExamples): TrainingData {
  const before = data.target.shape[0];
  const count = made.target.shape[0];
  if (count === 0) return data;
  const weights =
    data.weights === undefined && made.weights === undefined
      ? undefined
      : Float32Array.from([
          ...(data.weights ?? new Float32Array(before).fill(1)),
          ...(made.weights ?? new Float32Array(count).fill(1)),
        ]);
  return {
    ...data,
    inputs: Object.fromEntries(
      Object.entries(data.inputs).map(([name, old]) => [name, stacked(old, made.inputs[name])]),
    ),
    target: stacked(data.target, made.target),
    weights,
    columns: (data.columns ?? []).map((column) => ({
      ...column,
      codes: Int32Array.from([...column.codes, ...new Int32Array(count).fill(-1)]),
    })),
    added: Int32Array.from([...(data.added ?? []), ...Array.from({ length: count }, (_, i) => before + i)]),
  };
}

function stacked(first: Tensor<NumericArray>, second: Tensor<NumericArray>): Tensor<NumericArray> {
  const Kind = first.data.constructor as new (length: number) => NumericArray;
  const data = new Kind(first.data.length + second.data.length);
  data.set(first.data as never);
  data.set(second.data as never, first.data.length);
  return { ...first, shape: [first.shape[0] + second.shape[0], ...first.shape.slice(1)], data };
}
