import { BallastError } from '../../errors.js';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { inline } from '../../graph/inline.js';
import type { Graph, Node } from '../../graph/model.js';
import { float32, type Tensor } from '../../graph/tensor.js';
import type { FinishContext } from '../context.js';
import { type HeadNode, headNodeOf } from '../head.js';
import { fullPosterior, kronPosterior, type Posterior } from './posterior.js';

/** The last layer of a network, whose outputs are the network's. */
export interface LastLayer extends HeadNode {
  /** Its bias by name, added within the product or right after it. */
  readonly bias: string | undefined;
  /** Features, and 1 where there is a bias. */
  readonly inputs: number;
  readonly outputs: number;
}

/** Orders of matrices that are taken apart: n^3 operations a few times over, about ten seconds at this one. */
export const LARGEST = 1000;

/** What may stand between the last layer and the output without changing a number. */
const PASSES_ON: ReadonlySet<string> = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze']);

/**
 * @throws BallastError LAPLACE_HEAD where the network does not end in a layer of weights
 */
export function lastLayerOf(graph: Graph): LastLayer {
  const head = headNodeOf(graph);
  const refuse = (what: string): BallastError =>
    new BallastError(`laplace is about the weights of the last layer, and ${what}`, {
      code: 'LAPLACE_HEAD',
      place: 'model',
      remedy: 'Use an architecture of Ballast, or a model file that ends in a fully connected layer',
    });
  if (head === undefined) throw refuse('the network has no fully connected layer');
  const { node, weight } = head;
  for (const name of ['alpha', 'beta']) {
    const factor = node.attributes[name];
    if (factor?.kind === 'float' && factor.value !== 1) throw refuse(`the last one scales its products (${name})`);
  }
  if (node.attributes.transA?.kind === 'int' && node.attributes.transA.value !== 0) {
    throw refuse('the last one takes its rows as columns');
  }
  let bias = node.inputs[2] === '' ? undefined : node.inputs[2];
  let at = head.output;
  while (at !== graph.outputs[0].name) {
    const next: Node | undefined = graph.nodes.find(({ inputs }) => inputs.includes(at));
    const added = next?.opType === 'Add' ? next.inputs.find((name) => name !== at) : undefined;
    if (next === undefined || (added === undefined && !PASSES_ON.has(next.opType))) {
      throw refuse(`${next?.opType ?? 'nothing'} comes after the last one`);
    }
    if (added !== undefined) {
      if (bias !== undefined || !graph.initializers.has(added))
        throw refuse('more than a bias is added to the last one');
      bias = added;
    }
    [at] = next.outputs;
  }
  const { shape } = graph.initializers.get(weight)!;
  const outputs = shape[head.transposed ? 0 : 1];
  return { ...head, bias, inputs: head.features + (bias === undefined ? 0 : 1), outputs };
}

/** The last layer's weights as [inputs, outputs], its bias last. */
export function weightsOf({ initializers }: Graph, { weight, bias, transposed, features, outputs }: LastLayer) {
  const data = (name: string): Float32Array => (initializers.get(name) as Tensor<Float32Array>).data;
  const matrix = data(weight);
  const rows = Array.from({ length: features * outputs }, (_, at) =>
    transposed ? matrix[(at % outputs) * features + Math.floor(at / outputs)] : matrix[at],
  );
  return Float64Array.from(bias === undefined ? rows : [...rows, ...data(bias)]);
}

/** The generalized Gauss-Newton curvature of the last layer over the training rows. */
export async function curvatureOf(
  context: Pick<FinishContext, 'sum' | 'task' | 'train' | 'weights'>,
  graph: Graph,
  layer: LastLayer,
  structure: 'kron' | 'full',
): Promise<Posterior> {
  const { task, train, weights } = context;
  const { inputs, outputs } = layer;
  const sums = await context.sum(train, (b, batch): Record<string, Value> => {
    const { phi, logits } = lastLayerIn(b, graph, layer, batch.inputs);
    const weighted = b.mul(phi, b.reshape(batch.weight, [batch.weight.shape[0], 1]));
    if (structure === 'full') return { hessian: fullSum(b, { phi, weighted, logits, task }) };
    return {
      inputs: b.gemm(weighted, phi, undefined, { transA: true }),
      outputs: b.reduceSum(
        b.mul(lossHessian(b, logits, task), b.reshape(batch.weight, [batch.weight.shape[0], 1, 1])),
        [0],
      ),
    };
  });
  // Weights of rows are relative: as many rows count as there are.
  const share = meanWeight(train, weights);
  const of = (name: string): Float64Array => sums.get(name)!.map((value) => value / share);
  return structure === 'full'
    ? fullPosterior(of('hessian'), inputs, outputs)
    : kronPosterior(of('inputs'), of('outputs'), train.length);
}

/** Mean weight of rows in the loss. */
export function meanWeight(rows: Int32Array, weights: Float32Array | undefined): number {
  return weights === undefined ? 1 : rows.reduce((sum, row) => sum + weights[row], 0) / rows.length;
}

/** Inputs of the last layer [batch, inputs], 1 for the bias, and the network's outputs [batch, outputs]. */
function lastLayerIn(
  b: GraphBuilder,
  graph: Graph,
  { input, bias, outputs }: LastLayer,
  inputs: Readonly<Record<string, Value>>,
): { phi: Value; logits: Value } {
  let features: Value | undefined = inputs[input];
  const results = inline(b, graph, {
    inputs,
    prefix: 'model.',
    replace: (node, [x]) => (node.opType === 'Dropout' && x !== undefined ? [x] : undefined),
    intercept: (name, value) => {
      if (name === input) features = value;
      return value;
    },
  });
  if (features?.shape.length !== 2) throw new Error('the last layer takes one row of features a row');
  const [batch] = features.shape;
  const phi = bias === undefined ? features : b.concat([features, b.scalar(1, 'float32', [batch, 1])], 1);
  return { phi, logits: b.reshape(results[graph.outputs[0].name], [batch, outputs]) };
}

/** Second derivatives of a row's loss by the outputs [batch, outputs, outputs]: diag(p) - p p', or 1. */
function lossHessian(b: GraphBuilder, logits: Value, task: FinishContext['task']): Value {
  const [batch, outputs] = logits.shape;
  if (task === 'regression') return b.scalar(1, 'float32', [batch, 1, 1]);
  const p = b.softmax(logits);
  const column = b.reshape(p, [batch, outputs, 1]);
  const row = b.reshape(p, [batch, 1, outputs]);
  const identity = b.cast(b.oneHot(b.indices(Array.from({ length: outputs }, (_, c) => c)), outputs), 'float32');
  return b.sub(b.mul(column, identity), b.mul(column, row));
}

/** Values [batch, outputs] whose outer products sum to the Hessian of the loss: the columns of diag(sqrt p) - p sqrt(p)'. */
export function lossFactors(b: GraphBuilder, logits: Value, task: FinishContext['task']): Value[] {
  const [batch, outputs] = logits.shape;
  if (task === 'regression') return [b.scalar(1, 'float32', [batch, 1])];
  const p = b.softmax(logits);
  const root = b.sqrt(p);
  return Array.from({ length: outputs }, (_, j) => {
    const own = b.slice(root, [j], [j + 1], [1]);
    const unit = b.constant(
      float32(
        [1, outputs],
        Float32Array.from({ length: outputs }, (_o, c) => (c === j ? 1 : 0)),
      ),
    );
    return b.mul(b.sub(unit, p), own);
  });
}

/** sum of Lambda (x) phi phi' over a batch, [outputs * inputs] squared. */
function fullSum(
  b: GraphBuilder,
  { phi, weighted, logits, task }: { phi: Value; weighted: Value; logits: Value; task: FinishContext['task'] },
): Value {
  const [batch, inputs] = phi.shape;
  const outputs = logits.shape[1];
  const pairs = b.transpose(b.reshape(lossHessian(b, logits, task), [batch, outputs * outputs]), [1, 0]);
  const left = b.mul(
    b.reshape(pairs, [outputs * outputs, 1, batch]),
    b.reshape(b.transpose(weighted, [1, 0]), [1, inputs, batch]),
  );
  const blocks = b.matMul(b.reshape(left, [outputs * outputs * inputs, batch]), phi);
  // [c, d, f, g] -> [(c f), (d g)]
  const apart = b.transpose(b.reshape(blocks, [outputs, outputs, inputs, inputs]), [0, 2, 1, 3]);
  return b.reshape(apart, [outputs * inputs, outputs * inputs]);
}
