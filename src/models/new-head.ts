import { BallastError } from '../errors.js';
import type { Graph } from '../graph/model.js';
import { float32 } from '../graph/tensor.js';
import { derive } from '../numeric/random.js';

/**
 * A network whose last weighted layer is replaced by a new one with as many outputs as the data asks for: what comes after
 * it is dropped, all before it stays as it was trained.
 *
 * @param seed of the new weights, normal with deviation 1 / sqrt(features); the bias is 0
 * @throws BallastError MODEL_HEAD where no layer takes [batch, features] through a matrix
 */
export function withNewHead(graph: Graph, outputs: number, seed: number, path: string): Graph {
  const head = graph.nodes.findLast(
    ({ opType, inputs }) =>
      (opType === 'MatMul' || opType === 'Gemm') && graph.initializers.get(inputs[1])?.shape.length === 2,
  );
  if (head === undefined) {
    throw new BallastError('the model has no last layer of weights that a new one could replace', {
      code: 'MODEL_HEAD',
      place: path,
      remedy: 'Set model.head: keep',
    });
  }
  const { shape } = graph.initializers.get(head.inputs[1])!;
  const transposed = head.attributes.transB?.kind === 'int' && head.attributes.transB.value !== 0;
  const features = shape[transposed ? 1 : 0];
  const unused = (name: string): string => (graph.initializers.has(name) ? unused(`${name}.new`) : name);
  const [weight, bias, output] = [unused('head.weight'), unused('head.bias'), 'head.logits'];
  const stream = derive(seed, 'initial', weight);
  const values = Float32Array.from({ length: features * outputs }, () => stream.normal(0, 1 / Math.sqrt(features)));
  return {
    ...graph,
    outputs: [{ name: output, type: 'float32', shape: ['batch', outputs] }],
    initializers: new Map([
      ...graph.initializers,
      [weight, float32([features, outputs], values)],
      [bias, float32([outputs], new Float32Array(outputs))],
    ]),
    nodes: [
      ...graph.nodes,
      {
        ...head,
        name: output,
        opType: 'Gemm',
        domain: '',
        inputs: [head.inputs[0], weight, bias],
        outputs: [output],
        attributes: {},
      },
    ],
  };
}
