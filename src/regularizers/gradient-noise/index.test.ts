import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { expectNormal } from '../../../test/support/normal-numbers.js';
import { describeStep, type Stepper, stepperOf } from '../../../test/support/stepper.js';
import { FEATURES, problem } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { sgd } from '../../training/optimizers.js';
import { annealedDeviation, gradientNoise } from './index.js';

const { numbers, steps, cases } = JSON.parse(
  readFileSync(new URL('./goldens/gradient-noise.json', import.meta.url), 'utf8'),
) as { numbers: number; steps: number[]; cases: { eta: number; gamma: number; deviations: number[] }[] };

describe("annealedDeviation against optax's add_noise", () => {
  it.each(cases)('eta $eta, gamma $gamma', ({ eta, gamma, deviations }) => {
    deviations.forEach((measured, i) => {
      const expected = annealedDeviation(eta, gamma, steps[i]);
      // Five standard errors of a deviation measured on so many numbers.
      expect(Math.abs(measured / expected - 1)).toBeLessThan(5 / Math.sqrt(2 * numbers));
    });
  });
});

const opened: Stepper[] = [];
afterAll(() => {
  for (const stepper of opened) stepper.release();
});

/** Displacements of all parameters by a step of plain SGD at rate 1, with and without the regularizer. */
async function displacements(
  entry: Readonly<Record<string, unknown>>,
  { step, gradientClip }: { step: number; gradientClip?: number },
): Promise<{ noisy: number[]; plain: number[] }> {
  const make = async (regularizers: readonly Record<string, unknown>[]): Promise<number[]> => {
    const training = gradientClip === undefined ? {} : { gradientClip };
    const given = problem({ inputs: FEATURES, model: { type: 'mlp', hidden: [400] }, regularizers, training });
    const description = describeStep(given, sgd({ momentum: 0, nesterov: false }));
    const stepper = await stepperOf(await openRuntime(), given, description, true);
    opened.push(stepper);
    const initial = new Map(
      description.architecture.parameters.map(({ name, initial: { data } }) => [name, Float64Array.from(data)]),
    );
    const rows = given.data.train.subarray(0, 8);
    const { state } = await stepper.run(stepper.stateOf(initial), { step, rate: 1, rows });
    const after = stepper.parametersOf(state);
    return [...initial].flatMap(([name, values]) => Array.from(values, (value, i) => value - after.get(name)![i]));
  };
  return { noisy: await make([{ type: 'gradient-noise', ...entry }]), plain: await make([]) };
}

const difference = (a: readonly number[], b: readonly number[]): number[] => a.map((value, i) => value - b[i]);

describe('gradient-noise in a step', () => {
  it.each([1, 7, 100])('is normal with the deviation of step %i', async (step) => {
    const { noisy, plain } = await displacements({ strength: 0.3 }, { step });
    const noise = difference(noisy, plain);
    expect(noise.length).toBe(7 * 400 + 400 + 400 * 3 + 3);
    expectNormal(noise, { mean: 0, deviation: Math.sqrt(0.3 / step ** 0.55), lags: [1, 3, 400] });
  });

  it('differs from step to step', async () => {
    const [first, second] = [
      await displacements({ gamma: 0, strength: 1 }, { step: 1 }),
      await displacements({ gamma: 0, strength: 1 }, { step: 2 }),
    ].map(({ noisy, plain }) => difference(noisy, plain));
    const correlation = first.reduce((sum, value, i) => sum + value * second[i], 0) / first.length;
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(first.length));
  });

  it('is added to clipped gradients, and not clipped itself', async () => {
    const norm = (values: readonly number[]): number => Math.hypot(...values);
    const limit = 0.01;
    const { noisy, plain } = await displacements({ strength: 0.04, gamma: 0 }, { step: 1, gradientClip: limit });
    expect(norm(plain)).toBeLessThan(limit);
    expect(norm(plain)).toBeGreaterThan(0.99 * limit);
    expectNormal(difference(noisy, plain), { mean: 0, deviation: 0.2 });
  });

  it('acts after all other changes of gradients', () => {
    expect(gradientNoise.afterClipping).toBe(true);
  });
});
