import { type Graph, int, type ValueInfo } from '../../graph/model.js';
import { renameValues } from '../../graph/rename.js';
import { float32, int64 } from '../../graph/tensor.js';
import type { Random } from '../../numeric/random.js';
import { appended, joinStacked, NodeBuilder } from '../predictive.js';
import { type LastLayer, weightsOf } from './curvature.js';
import type { Covariance } from './posterior.js';

/**
 * The network with its predictive distribution in closed form. For classes, MacKay's (1992) probit approximation:
 *
 *     two classes    z' = z / sqrt(1 + pi/8 v)         z the log odds, v their variance
 *     more           f_c' = f_c / sqrt(1 + pi/8 v_c)   each logit by its own variance
 *
 * so that a softmax of the output gives the probabilities. For numbers the mean stays, and two outputs [batch, 1] tell
 * of it: `deviation`, the standard deviation of the prediction, and `predictiveDeviation`, that of an answer, with the noise.
 */
export function withClosedForm(
  graph: Graph,
  layer: LastLayer,
  covariance: Covariance,
  { task, noiseVariance }: Closing,
): Graph {
  const list = new NodeBuilder('laplace');
  const variance = varianceIn(list, layer, covariance, contrastsOf(task, layer.outputs));
  return closed(graph, list, variance, { task, noiseVariance, outputs: layer.outputs });
}

interface Closing {
  readonly task: 'classification' | 'regression';
  readonly noiseVariance: number;
}

/** What variances are taken of: the prediction, the log odds of the second of two classes, each of more logits. */
export function contrastsOf(task: Closing['task'], outputs: number): number[][] {
  if (task === 'regression') return [[1]];
  if (outputs === 2) return [[-1, 1]];
  return Array.from({ length: outputs }, (_, c) => Array.from({ length: outputs }, (_o, d) => (c === d ? 1 : 0)));
}

/** The predictive distribution of a graph that knows the variances [batch, contrasts] of its outputs. */
export function closed(
  graph: Graph,
  list: NodeBuilder,
  variance: string,
  { task, noiseVariance, outputs }: Closing & { readonly outputs: number },
): Graph {
  if (task === 'regression') {
    list.add('Sqrt', [variance], {}, 'deviation');
    list.add('Sqrt', [list.add('Add', [variance, list.scalar(noiseVariance)])], {}, 'predictiveDeviation');
    const info = (name: string): ValueInfo => ({ name, type: 'float32', shape: ['batch', 1] });
    return appended(graph, list, [info('deviation'), info('predictiveDeviation')]);
  }
  const { before, open } = withoutOutput(graph);
  const logits = list.add('Flatten', [before], { axis: int(1) });
  // The log odds of two classes lie evenly around 0: [-z / 2, z / 2].
  const centred =
    outputs === 2
      ? list.add('MatMul', [logits, list.constant('odds', float32([2, 2], [0.5, -0.5, -0.5, 0.5]))])
      : logits;
  list.add('Div', [centred, shrinkage(list, variance)], {}, graph.outputs[0].name);
  return appended(open, list, []);
}

/** sqrt(1 + pi/8 v) */
function shrinkage(list: NodeBuilder, variance: string): string {
  const scaled = list.add('Mul', [variance, list.scalar(Math.PI / 8)]);
  return list.add('Sqrt', [list.add('Add', [scaled, list.scalar(1)])]);
}

/** The network averaged over draws of its last layer, with what they disagree about. */
export function withSamples(
  graph: Graph,
  layer: LastLayer,
  covariance: Covariance,
  { task, samples, stream }: { task: 'classification' | 'regression'; samples: number; stream: Random },
): Graph {
  const { inputs, outputs } = layer;
  const mean = weightsOf(graph, layer);
  const drawn = Array.from({ length: samples }, () => covariance.draw(stream));
  const all = Float64Array.from({ length: inputs * samples * outputs }, (_, at) => {
    const [f, rest] = [Math.floor(at / (samples * outputs)), at % (samples * outputs)];
    const own = f * outputs + (rest % outputs);
    return mean[own] + drawn[Math.floor(rest / outputs)][own];
  });
  const list = new NodeBuilder('laplace');
  const flat = applied(list, layer, all, samples * outputs);
  const logits = list.add('Reshape', [flat, list.constant('members', int64([3], [0, samples, outputs]))]);
  return joinStacked(withoutOutput(graph).open, list, { logits, task, count: samples });
}

/** The graph whose output has no maker any more: what made it is now called `before`. */
function withoutOutput(graph: Graph): { before: string; open: Graph } {
  const [{ name }] = graph.outputs;
  const before = `${name}.mode`;
  const renamed = renameValues(graph, (value) => (value === name ? before : value));
  return { before, open: { ...renamed, outputs: graph.outputs } };
}

/** phi' M for M [inputs, columns], the row of the bias last. */
function applied(
  list: NodeBuilder,
  { input, features, bias }: LastLayer,
  matrix: Float64Array,
  columns: number,
): string {
  const count = features * columns;
  const weight = list.constant('matrix', float32([features, columns], Float32Array.from(matrix.subarray(0, count))));
  if (bias === undefined) return list.add('MatMul', [input, weight]);
  const row = list.constant('row', float32([columns], Float32Array.from(matrix.subarray(count))));
  return list.add('Gemm', [input, weight, row]);
}

/** Variances [batch, contrasts] of contrasts of the outputs. */
function varianceIn(
  list: NodeBuilder,
  layer: LastLayer,
  covariance: Covariance,
  contrasts: readonly (readonly number[])[],
): string {
  const { directions, count, weights } = covariance.variances(contrasts);
  const along = applied(list, layer, directions, count);
  const shape = [count, contrasts.length];
  const mix = list.constant('variances', float32(shape, Float32Array.from(weights)));
  return list.add('MatMul', [list.add('Mul', [along, along]), mix]);
}
