import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { sampledRows, type TrainingProblem } from '../../src/training/problem.js';
import type { StepDescription } from '../../src/training/step.js';
import { type Parameters, stepperOf } from './stepper.js';

/** The first step of a problem as a function of its parameters, its random numbers held fast. */
export interface StepProbe {
  readonly initial: Parameters;
  readonly loss: (parameters: Parameters) => Promise<number>;
  /** Parameters after the step. */
  readonly update: (parameters: Parameters) => Promise<Parameters>;
  release(): void;
}

/**
 * @param double in float64, where every operator of the step has such a kernel
 * @param rate learning rate of the step
 * @param report whether `loss` is the loss of the batch, or the objective with all its penalties
 */
export async function probeStep(
  runtime: Runtime,
  problem: TrainingProblem,
  description: StepDescription,
  { double, rate, report = 'loss' }: { double: boolean; rate: number; report?: 'loss' | 'objective' },
): Promise<StepProbe> {
  const stepper = await stepperOf(runtime, problem, description, double, report);
  const at = { step: 1, rate, rows: sampledRows(problem.data).subarray(0, description.batchSize) };
  return {
    initial: new Map(
      description.architecture.parameters.map(({ name, initial }) => [name, Float64Array.from(initial.data)]),
    ),
    loss: (parameters) => stepper.loss(stepper.stateOf(parameters), at),
    update: async (parameters) => stepper.parametersOf((await stepper.run(stepper.stateOf(parameters), at)).state),
    release: () => stepper.release(),
  };
}
