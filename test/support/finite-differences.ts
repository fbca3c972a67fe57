import { GraphBuilder, type Value } from '../../src/graph/builder.js';
import { writeModel } from '../../src/graph/format/encode.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import type { StepContext } from '../../src/regularizers/regularizer.js';
import type { StepDescription } from '../../src/training/step.js';
import type { Parameters } from './stepper.js';

/** From this step on, the truncation error of second-order differences would show. */
const COARSE = 1e-3;

/** Gradient by central differences, element by element: of second order, or of fourth where `step` is coarse. */
export async function finiteDifferenceGradients(
  at: Parameters,
  value: (parameters: Parameters) => Promise<number>,
  step: number,
): Promise<Parameters> {
  const result = new Map<string, Float64Array>();
  for (const [name, values] of at) {
    const gradient = new Float64Array(values.length);
    for (let i = 0; i < values.length; i++) {
      const moved = async (by: number): Promise<number> => {
        const other = values.slice();
        other[i] += by;
        return value(new Map([...at, [name, other]]));
      };
      const near = (await moved(step)) - (await moved(-step));
      if (step < COARSE) gradient[i] = near / (2 * step);
      else {
        const far = (await moved(2 * step)) - (await moved(-2 * step));
        gradient[i] = (8 * near - far) / (12 * step);
      }
    }
    result.set(name, gradient);
  }
  return result;
}

/** The sum of all penalties of a description, in float64, as a function of the parameters. */
export async function penaltyOf(
  runtime: Runtime,
  { architecture, regularizers, batchSize, task, outputs, inputs }: StepDescription,
): Promise<{ value: (parameters: Parameters) => Promise<number>; release: () => void }> {
  const b = new GraphBuilder('penalty');
  const weights = architecture.parameters.map((parameter) => ({
    parameter,
    value: b.input(parameter.name, 'float64', parameter.shape),
  }));
  const refuse = (): never => {
    throw new Error('a penalty is expected to be no random function');
  };
  const penalties: Value[] = regularizers.flatMap(({ regularizer, strength, options }) => {
    const context: StepContext = {
      b,
      batchSize,
      task,
      outputs,
      inputs,
      strength: b.scalar(strength, 'float64'),
      random: refuse,
      drawn: refuse,
    };
    return regularizer.hooks.objective?.(context, options, weights) ?? [];
  });
  if (penalties.length === 0) return { value: async () => 0, release: () => undefined };
  b.output('penalty', penalties.reduce(b.add));
  const session = await runtime.load(writeModel(b.model()));
  return {
    async value(parameters) {
      const feeds = weights.map(({ parameter: { name, shape } }) => [
        name,
        { type: 'float64' as const, shape, data: parameters.get(name)! },
      ]);
      return Number((await session.run(Object.fromEntries(feeds))).penalty.data[0]);
    },
    release: () => session.release(),
  };
}
