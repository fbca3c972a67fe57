import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { float32, int64 } from '../../src/graph/tensor.js';
import type { Active } from '../../src/regularizers/regularizer.js';
import { sgd } from '../../src/training/optimizers.js';
import type { TrainingProblem } from '../../src/training/problem.js';
import { probeStep } from './step-probe.js';
import { describeStep, type Parameters } from './stepper.js';
import { FEATURES, type ProblemOptions, problem } from './training-problem.js';

/** What `src/regularizers/goldens/small_network.py` prints: rows, the network's weights, and gradients of objectives. */
export interface GoldenNetwork {
  readonly x: number[][];
  readonly labels: number[];
  readonly domains: number[];
  readonly hidden: number;
  readonly start: Readonly<Record<string, number[]>>;
  /** The last so many rows have no label. */
  readonly unlabelled?: number;
  readonly cases: readonly GoldenCase[];
}

export interface GoldenCase {
  /** The regularizer's entry as a spec would hold it. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly objective: number;
  readonly gradients: Readonly<Record<string, number[]>>;
  /** Weights at which the gradient was taken, where they are not the start. */
  readonly at?: Readonly<Record<string, number[]>>;
}

export function readGolden<T extends GoldenNetwork>(folder: string | URL, name: string): T {
  return JSON.parse(readFileSync(new URL(`./goldens/${name}.json`, folder), 'utf8')) as T;
}

/** The golden's rows and network as a problem; all rows are one batch. */
export function goldenProblem(golden: GoldenNetwork, more: ProblemOptions = {}): TrainingProblem {
  const { x, labels, domains, hidden, start } = golden;
  const [rows, width] = [x.length, x[0].length];
  const base = problem({
    inputs: [{ ...FEATURES[0], shape: [width] }],
    model: { type: 'mlp', hidden: [hidden], activation: 'tanh' },
    rows,
    validation: 0,
    unlabelled: golden.unlabelled ?? 0,
    ...more,
    training: { batchSize: rows, ...more.training },
  });
  const initializers = new Map(base.graph.initializers);
  for (const [name, values] of Object.entries(start)) {
    initializers.set(name, float32(initializers.get(name)!.shape, values));
  }
  return {
    ...base,
    graph: { ...base.graph, initializers },
    data: {
      ...base.data,
      inputs: { features: float32([rows, width], x.flat()) },
      target: int64([rows], labels),
      columns: [{ role: 'domain', name: 'site', values: ['a', 'b', 'c'], codes: Int32Array.from(domains) }],
    },
  };
}

/**
 * Objective and gradient of a regularizer's step on all rows, in double precision, against the golden's.
 *
 * @param change of the regularizer, to fix what it draws
 */
export async function expectGoldenGradient(
  runtime: Runtime,
  golden: GoldenNetwork,
  test: GoldenCase,
  change: (active: Active) => Active = (active) => active,
): Promise<void> {
  const made = goldenProblem(golden, { regularizers: [test.options] });
  const given = { ...made, regularizers: made.regularizers.map(change) };
  const description = describeStep(given, sgd({ momentum: 0, nesterov: false }));
  const probe = await probeStep(runtime, given, description, { double: true, rate: 1, report: 'objective' });
  const at: Parameters = new Map(
    Object.entries(test.at ?? golden.start).map(([name, values]) => [name, Float64Array.from(values)]),
  );
  expect(Math.abs((await probe.loss(at)) / test.objective - 1)).toBeLessThan(1e-9);
  const updated = await probe.update(at);
  const scale = Math.max(...Object.values(test.gradients).flat().map(Math.abs));
  for (const [name, gradient] of Object.entries(test.gradients)) {
    gradient.forEach((expected, i) => {
      const found = at.get(name)![i] - updated.get(name)![i];
      expect(Math.abs(found - expected) / scale).toBeLessThan(1e-9);
    });
  }
  probe.release();
}
