import { writeModel } from '../../src/graph/format/encode.js';
import { siteKey } from '../../src/graph/random.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { ARRAY_OF, type NumericArray, sizeOf, type Tensor } from '../../src/graph/tensor.js';
import { inOrder } from '../../src/regularizers/resolve.js';
import { readArchitecture } from '../../src/training/architecture.js';
import type { TrainingProblem } from '../../src/training/loop.js';
import { type CompiledStep, compileStep, drawnStream, type StepDescription } from '../../src/training/step.js';
import { inDoublePrecision } from './double-precision.js';

/** Parameters by their names in the architecture. */
export type Parameters = ReadonlyMap<string, Float64Array>;

/** One compiled step of a problem as a function of its parameters, its random numbers held fast. */
export interface StepProbe {
  readonly compiled: CompiledStep;
  readonly initial: Parameters;
  readonly loss: (parameters: Parameters) => Promise<number>;
  /** Parameters after the step. */
  readonly update: (parameters: Parameters) => Promise<Parameters>;
  release(): void;
}

/** The description of a problem's step under an optimizer, for batches of `batchSize`. */
export function describeStep(
  problem: TrainingProblem,
  optimizer: StepDescription['optimizer'],
  more: Partial<StepDescription> = {},
): StepDescription {
  return {
    architecture: readArchitecture(problem.graph),
    inputs: problem.inputs,
    task: problem.task,
    outputs: Math.max(1, problem.classes.length),
    batchSize: problem.options.batchSize,
    rows: problem.data.target.shape[0],
    hasWeights: problem.data.weights !== undefined,
    classWeights: undefined,
    regularizers: problem.regularizers,
    optimizer,
    gradientClip: problem.options.gradientClip,
    ...more,
  };
}

/**
 * @param double in float64 where every operator of the step has such a kernel
 * @param rate learning rate of the step
 */
export async function probeStep(
  runtime: Runtime,
  problem: TrainingProblem,
  description: StepDescription,
  { double, rate }: { double: boolean; rate: number },
): Promise<StepProbe> {
  const compiled = compileStep(description);
  const model = double ? inDoublePrecision(compiled.model) : compiled.model;
  const session = await runtime.load(writeModel(model));
  const type = double ? 'float64' : 'float32';
  const cast = (shape: readonly number[], data: ArrayLike<number>): Tensor<NumericArray> => ({
    type,
    shape,
    data: (double ? Float64Array : Float32Array).from(data) as NumericArray,
  });
  const step = 1;
  const constants: Record<string, Tensor> = {
    'batch.index': {
      type: 'int64',
      shape: [description.batchSize],
      data: BigInt64Array.from({ length: description.batchSize }, (_, i) => BigInt(problem.data.train[i])),
    },
  };
  for (const [name, given] of Object.entries({ ...problem.data.inputs, target: problem.data.target })) {
    constants[`data.${name}`] =
      given.type === 'float32' ? cast(given.shape, given.data as Float32Array) : (given as Tensor);
  }
  if (problem.data.weights !== undefined) {
    constants['data.weight'] = cast([problem.data.weights.length], problem.data.weights);
  }
  const active = inOrder(description.regularizers).filter(({ strength }) => strength !== 0);
  const strengthOf = (index: number): number => active[index].strength;
  for (const [name, host] of compiled.scalars) {
    const value =
      host.kind === 'learningRate'
        ? rate
        : host.kind === 'optimizer'
          ? description.optimizer.scalars[host.name]({ step, learningRate: rate })
          : host.kind === 'strength'
            ? strengthOf(host.regularizer)
            : host.draw(drawnStream(problem.seed, host.regularizer, host.label, step), strengthOf(host.regularizer));
    constants[name] = cast([], [value]);
  }
  for (const label of compiled.randomSites) {
    const key = new Uint32Array([siteKey(label, problem.seed, step)]);
    constants[`random.${label}`] = { type: 'uint32', shape: [1], data: key };
  }
  for (const { name, initial } of description.architecture.buffers) {
    constants[`buffer.${name}`] = cast(initial.shape, initial.data);
  }
  for (const { name, shape } of compiled.packs) {
    for (const slot of compiled.slots)
      constants[`${slot}.${name}`] = cast(shape, new ARRAY_OF[type](sizeOf(shape)) as Float64Array);
  }
  const run = async (parameters: Parameters, fetches: readonly string[]): Promise<Record<string, Tensor>> => {
    const packed: Record<string, Tensor> = {};
    for (const pack of compiled.packs) {
      const values = pack.members.flatMap(({ name }) => Array.from(parameters.get(name)!));
      packed[`parameter.${pack.name}`] = cast(pack.shape, values);
    }
    const all = { ...constants, ...packed };
    return session.run(Object.fromEntries(session.inputs.map(({ name }) => [name, all[name]])), fetches);
  };
  return {
    compiled,
    initial: new Map(
      description.architecture.parameters.map(({ name, initial }) => [name, Float64Array.from(initial.data)]),
    ),
    loss: async (parameters) => Number((await run(parameters, ['loss'])).loss.data[0]),
    async update(parameters) {
      const results = await run(
        parameters,
        compiled.packs.map(({ name }) => `new.parameter.${name}`),
      );
      const updated = new Map<string, Float64Array>();
      for (const pack of compiled.packs) {
        const values = Float64Array.from(results[`new.parameter.${pack.name}`].data as Float64Array);
        let offset = 0;
        for (const { name, shape } of pack.members) {
          updated.set(name, values.slice(offset, offset + sizeOf(shape)));
          offset += sizeOf(shape);
        }
      }
      return updated;
    },
    release: () => session.release(),
  };
}
