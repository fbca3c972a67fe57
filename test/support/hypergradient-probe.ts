import { writeModel } from '../../src/graph/format/encode.js';
import { siteKey } from '../../src/graph/random.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { type NumericArray, sizeOf, type Tensor } from '../../src/graph/tensor.js';
import type { HypergradientGraph } from '../../src/training/hypergradient-graph.js';
import type { TrainingProblem } from '../../src/training/problem.js';
import type { StepDescription } from '../../src/training/step.js';
import { inDoublePrecision } from './double-precision.js';

/** Where a term of a hypergradient is computed, all of it explicit. */
export interface ProbeAt {
  readonly step: number;
  readonly rate: number;
  readonly rows: readonly number[];
  readonly held: readonly number[];
  /** By the number of the regularizer. */
  readonly strengths: readonly number[];
  /** `parameter.<pack>`, `<slot>.<pack>`, `cotangent.<pack>`; else the initial weights and zeros. */
  readonly state?: ReadonlyMap<string, Float64Array>;
}

/** A term's graph in float64: its outputs by name at any place. */
export async function probeTerm(
  runtime: Runtime,
  graph: HypergradientGraph,
  problem: TrainingProblem,
  description: StepDescription,
): Promise<{ run: (at: ProbeAt) => Promise<Map<string, Float64Array>>; release: () => void }> {
  const session = await runtime.load(writeModel(inDoublePrecision(graph.model)));
  const double = (shape: readonly number[], data: ArrayLike<number>): Tensor<NumericArray> => ({
    type: 'float64',
    shape,
    data: Float64Array.from(data),
  });
  const { inputs, target } = problem.data;
  const fixed: Record<string, Tensor> = {};
  for (const [name, given] of Object.entries({ ...inputs, target })) {
    fixed[`data.${name}`] = given.type === 'float32' ? double(given.shape, given.data as Float32Array) : given;
  }
  const initial = new Map(description.architecture.parameters.map((p) => [p.name, p.initial.data]));
  for (const { name, initial: start } of description.architecture.buffers) {
    fixed[`buffer.${name}`] = double(start.shape, start.data);
  }
  const indices = (rows: readonly number[]): Tensor => ({
    type: 'int64',
    shape: [rows.length],
    data: BigInt64Array.from(rows, BigInt),
  });
  return {
    async run({ step, rate, rows, held, strengths, state = new Map() }) {
      const feeds: Record<string, Tensor> = { ...fixed, 'batch.index': indices(rows), 'held.index': indices(held) };
      for (const { name, shape, members } of graph.packs) {
        const start = members.flatMap((member) => Array.from(initial.get(member.name)!));
        feeds[`parameter.${name}`] = double(shape, state.get(`parameter.${name}`) ?? start);
        for (const kind of [...description.optimizer.slots, 'cotangent']) {
          feeds[`${kind}.${name}`] = double(shape, state.get(`${kind}.${name}`) ?? new Float64Array(sizeOf(shape)));
        }
      }
      for (const [name, host] of graph.scalars) {
        const value =
          host.kind === 'learningRate'
            ? rate
            : host.kind === 'optimizer'
              ? description.optimizer.scalars[host.name]({ step, learningRate: rate })
              : host.kind === 'strength'
                ? strengths[host.regularizer]
                : 1;
        feeds[name] = double([], [value]);
      }
      for (const label of graph.randomSites) {
        const key = Uint32Array.of(siteKey(label, problem.seed, step));
        feeds[`random.${label}`] = { type: 'uint32', shape: [1], data: key };
      }
      const results = await session.run(Object.fromEntries(session.inputs.map(({ name }) => [name, feeds[name]])));
      return new Map(
        Object.entries(results).map(([name, { data }]) => [name, Float64Array.from(data as Float64Array)]),
      );
    },
    release: () => session.release(),
  };
}
