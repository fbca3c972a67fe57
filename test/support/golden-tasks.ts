import { expect } from 'vitest';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import type { TrainingProblem } from '../../src/training/problem.js';
import { type GoldenNetwork, goldenProblem } from './golden-network.js';
import { trained } from './training-problem.js';

/** What `src/regularizers/goldens/continual.py` prints: weights after three tasks under each of some settings. */
export interface GoldenTasks extends GoldenNetwork {
  readonly epochs: number;
  readonly rate: number;
  readonly runs: readonly {
    readonly options: Readonly<Record<string, unknown>>;
    readonly weights: Readonly<Record<string, number[]>>;
  }[];
}

/** The golden's rows in three tasks, each of one full batch an epoch. */
export function goldenTasks(golden: GoldenTasks, regularizers: readonly Record<string, unknown>[]): TrainingProblem {
  return goldenProblem(golden, {
    regularizers,
    training: {
      epochs: golden.epochs,
      optimizer: { type: 'sgd', learningRate: golden.rate, momentum: 0 },
      tasks: { column: 'domain' },
    },
  });
}

/** Weights after the run through the tasks, in single precision, against the golden's in double precision. */
export async function expectGoldenTasks(
  runtime: Runtime,
  golden: GoldenTasks,
  { options, weights }: GoldenTasks['runs'][number],
): Promise<void> {
  const { graph } = await trained(runtime, goldenTasks(golden, [options]));
  for (const [name, expected] of Object.entries(weights)) {
    const found = graph.initializers.get(name)!.data as Float32Array;
    expected.forEach((value, i) => {
      expect(Math.abs(found[i] - value)).toBeLessThan(1e-5);
    });
  }
}
