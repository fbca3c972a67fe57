import type { Graph } from '../../src/graph/model.js';
import type { Runtime } from '../../src/graph/runtime/runtime.js';
import { boundData } from '../../src/training/preparation.js';
import type { TrainingProblem } from '../../src/training/problem.js';
import { runGraph } from '../../src/training/run-graph.js';

/** Predictive distributions by hand, for tests of what makes them in a graph. */

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / sum);
}

const entropy = (p: readonly number[]): number => -p.reduce((sum, value) => sum + value * Math.log(value), 0);

/** Largest absolute difference. */
export const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

/** One output of a graph for the validation rows of a problem. */
export async function validationOutput(
  runtime: Runtime,
  { data, inputs }: TrainingProblem,
  graph: Graph,
  output?: string,
): Promise<Float32Array> {
  const bound = boundData(runtime, data);
  const named = output === undefined ? {} : { output };
  try {
    return await runGraph(runtime, graph, { inputs, data: bound, rows: data.validation, session: {}, ...named });
  } finally {
    for (const target of Object.values(bound.tensors)) target.release();
  }
}

/** Log of the mean distribution, entropy and mutual information of each row, given logits[sample][row][class]. */
export function predictive(logits: readonly (readonly (readonly number[])[])[]): {
  log: number[];
  entropy: number[];
  mutualInformation: number[];
} {
  const p = logits.map((sample) => sample.map(softmax));
  const mean = p[0].map((row, i) => row.map((_, c) => p.reduce((sum, sample) => sum + sample[i][c], 0) / p.length));
  const all = mean.map(entropy);
  return {
    log: mean.flat().map(Math.log),
    entropy: all,
    mutualInformation: all.map((h, i) => h - p.reduce((sum, sample) => sum + entropy(sample[i]), 0) / p.length),
  };
}
