import { expect } from 'vitest';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { sgd } from '../../src/training/optimizers.js';
import { prepareProblem } from '../../src/training/preparation.js';
import type { TrainingProblem } from '../../src/training/problem.js';
import { finiteDifferenceGradients } from './finite-differences.js';
import { probeStep } from './step-probe.js';
import { describeStep } from './stepper.js';

/**
 * Plain SGD at rate 1 displaces parameters by the gradient: it is compared with finite differences of the objective,
 * in float64 but for convolutions. Decay and proximal steps are no gradients and are left out.
 */
export async function expectGradientOfObjective(runtime: Runtime, problem: TrainingProblem): Promise<void> {
  const { problem: given } = await prepareProblem(problem, runtime);
  const regularizers = given.regularizers.map((active) => {
    const { decay: _decay, proximal: _proximal, ...hooks } = active.regularizer.hooks;
    return { ...active, regularizer: { ...active.regularizer, hooks } };
  });
  const description = describeStep(given, sgd({ momentum: 0, nesterov: false }), { regularizers });
  const double = !given.graph.nodes.some(({ opType }) => opType === 'Conv');
  const probe = await probeStep(runtime, given, description, { double, rate: 1, report: 'objective' });
  const updated = await probe.update(probe.initial);
  // Embeddings start so small that a normalization right after them bends within larger steps.
  const small = given.inputs.some(({ content }) => content === 'tokens') ? 1e-6 : 1e-5;
  const differences = await finiteDifferenceGradients(probe.initial, probe.loss, double ? small : 2e-2);
  let largest = 0;
  let worst = 0;
  for (const [name, values] of probe.initial) {
    for (let i = 0; i < values.length; i++) {
      const gradient = values[i] - updated.get(name)![i];
      worst = Math.max(worst, Math.abs(gradient - differences.get(name)![i]));
      largest = Math.max(largest, Math.abs(gradient));
    }
  }
  expect(worst / largest).toBeLessThan(double ? 3e-7 : 5e-3);
  probe.release();
}
