import { BallastError } from '../errors.js';
import type { Value } from '../graph/builder.js';
import { float, int } from '../graph/model.js';
import { type ModelInput, severalInputs, wrongInput } from './inputs.js';
import type { LayerBuilder } from './layers.js';
import type { NativeModelOptions } from './options.js';

type TransformerOptions = Extract<NativeModelOptions, { type: 'transformer' }>;

/**
 * Pre-normalized encoder (Xiong et al., 2020) over tokens [batch, length] or a series [batch, length, channels], with
 * learned positions and the mean over positions at the end. Sites: embeddings, attention probabilities, both branches.
 */
export function transformer(
  { dimension, heads, layers: depth, feedForward = 4 * dimension, activation }: TransformerOptions,
  layers: LayerBuilder,
  values: readonly Value[],
  inputs: readonly ModelInput[],
): Value {
  const { b } = layers;
  if (dimension % heads !== 0) {
    throw new BallastError(`dimension ${dimension} does not divide into ${heads} heads`, {
      code: 'MODEL_HEADS',
      place: 'model.heads',
      remedy: 'Choose a dimension that is a multiple of heads',
    });
  }
  const [input] = inputs;
  if (inputs.length !== 1) throw severalInputs('transformer', inputs, 'one sequence');
  const length = input.shape[0];
  let x: Value;
  if (input.type === 'int64' && input.shape.length === 1 && input.vocabulary !== undefined) {
    x = b.gather(layers.weights('embedding.table', [input.vocabulary, dimension], 0.02), values[0]);
  } else if (input.type === 'float32' && (input.shape.length === 2 || input.shape.length === 1)) {
    const series = input.shape.length === 2 ? values[0] : b.unsqueeze(values[0], [2]);
    x = layers.project(series, dimension, 1, 'embedding');
  } else {
    throw wrongInput('transformer', input, 'tokens [length] or a series [length, channels]');
  }
  x = layers.site(b.add(x, layers.weights('embedding.positions', [length, dimension], 0.02)), 'embedding');
  for (let block = 1; block <= depth; block++) {
    const attention = selfAttention(
      layers,
      normalizeLast(layers, x, `block${block}.norm1`),
      heads,
      `block${block}.attention`,
    );
    x = b.add(x, layers.site(attention, 'branch'));
    const normalized = normalizeLast(layers, x, `block${block}.norm2`);
    const inner = layers.activate(layers.project(normalized, feedForward, 1, `block${block}.inner`), activation);
    // Two residual branches a block: scaling their last maps keeps the variance of the sum level (Radford et al., 2019).
    x = b.add(
      x,
      layers.site(layers.project(inner, dimension, 1 / Math.sqrt(2 * depth), `block${block}.outer`), 'branch'),
    );
  }
  return b.reduceMean(normalizeLast(layers, x, 'final.norm'), [1]);
}

function normalizeLast(layers: LayerBuilder, x: Value, name: string): Value {
  const width = [x.shape[x.shape.length - 1]];
  const scale = layers.fill(`${name}.scale`, width, 1);
  const shift = layers.fill(`${name}.shift`, width, 0);
  return layers.b.op('LayerNormalization', [x, scale, shift], { axis: int(-1), epsilon: float(1e-5) });
}

/** softmax(Q K' / sqrt(d)) V per head, from parts that differentiate. */
function selfAttention(layers: LayerBuilder, x: Value, heads: number, name: string): Value {
  const { b } = layers;
  const [, length, dimension] = x.shape;
  const size = dimension / heads;
  const projected = layers.project(x, 3 * dimension, 1, `${name}.qkv`);
  const split = b.transpose(layers.reshape(projected, [length, 3, heads, size]), [2, 0, 3, 1, 4]);
  const [q, k, v] = b.split(split, [1, 1, 1], 0).map((part) => b.squeeze(part, [0]));
  const scores = b.mul(b.matMul(q, b.swapLast(k)), 1 / Math.sqrt(size));
  const mixed = b.matMul(layers.site(b.softmax(scores), 'attention'), v);
  const joined = layers.reshape(b.transpose(mixed, [0, 2, 1, 3]), [length, dimension]);
  return layers.project(joined, dimension, 1, `${name}.output`);
}
