import { BallastError } from '../../errors.js';
import { GraphBuilder } from '../../graph/builder.js';
import { writeModel } from '../../graph/format/encode.js';
import { gradients } from '../../graph/gradients.js';
import { inline } from '../../graph/inline.js';
import { type Model, string } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, type Tensor } from '../../graph/tensor.js';
import { type Examples, feedsOf } from '../examples.js';
import { describeInputs, trainable } from '../train/network.js';
import type { ByElement } from './importance.js';

/** Rows of a gradient. */
const BATCH = 64;

/**
 * Weight times the gradient of the mean loss over some rows, for every float32 weight of two axes or more: what the loss
 * would change by to first order, were the weight 0.
 *
 * @throws BallastError PRUNE_NOTHING where there are none; GRAPH_NOT_DIFFERENTIABLE naming node and operator
 */
export async function gradientProducts(
  runtime: Runtime,
  model: Model,
  examples: Examples,
  rows: Uint32Array,
): Promise<ByElement> {
  const graph = trainable(model, examples);
  const size = Math.min(BATCH, rows.length);
  const b = new GraphBuilder('sensitivity');
  const inputs = Object.fromEntries(
    describeInputs(examples).map(({ name, type, shape }) => [name, b.input(name, type, [size, ...shape])]),
  );
  const scores = inline(b, graph, { inputs, replace: (node, [x]) => (node.opType === 'Dropout' ? [x!] : undefined) });
  const [{ name }] = graph.outputs;
  const classification = examples.task === 'classification';
  const target = b.input('the target', classification ? 'int64' : 'float32', classification ? [size] : [size, 1]);
  const error = b.sub(
    b.reshape(scores[name], [size, Math.max(1, examples.classes.length)]),
    classification ? 0 : target,
  );
  const loss = classification
    ? b.op('SoftmaxCrossEntropyLoss', [error, target], { reduction: string('mean') })
    : b.reduceMean(b.mul(error, error));
  const weights = [...graph.initializers].filter(
    ([weight, { type, shape }]) => type === 'float32' && shape.length >= 2 && b.has(weight),
  );
  if (weights.length === 0) {
    throw new BallastError('the model has no float32 weights of two axes or more', {
      code: 'PRUNE_NOTHING',
      remedy: 'Quantized, tree and double precision models are not pruned; start from the float32 network',
    });
  }
  const slopes = gradients(
    b,
    loss,
    weights.map(([weight]) => b.value(weight)),
  );
  slopes.forEach((slope, i) => {
    if (slope !== undefined) b.output(`slope ${i}`, slope);
  });
  const session = await runtime.load(writeModel(b.model()));
  const products = new Map<string, Float32Array>(
    weights.map(([weight, { data }]) => [weight, new Float32Array(data.length)]),
  );
  try {
    for (let from = 0; from + size <= rows.length; from += size) {
      const part = rows.subarray(from, from + size);
      const right = Array.from(part, (row) => examples.target[row]);
      const fed: Record<string, Tensor> = { ...feedsOf(examples.inputs, part) };
      fed['the target'] = classification ? int64([size], right) : float32([size, 1], right);
      const found = await session.run(fed);
      weights.forEach(([weight, { data }], i) => {
        const slope = found[`slope ${i}`]?.data as Float32Array | undefined;
        const sums = products.get(weight)!;
        if (slope !== undefined) for (let j = 0; j < sums.length; j++) sums[j] += slope[j] * (data as Float32Array)[j];
      });
    }
  } finally {
    session.release();
  }
  return products;
}
