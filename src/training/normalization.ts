import { BallastError } from '../errors.js';
import type { GraphBuilder, Value } from '../graph/builder.js';
import type { Node } from '../graph/model.js';
import { floatAttribute } from '../graph/operators/operator.js';
import { sizeOf } from '../graph/tensor.js';

/** What batch normalization computes while training. */
export interface BatchNormalized {
  readonly output: Value;
  readonly runningMean: Value;
  readonly runningVariance: Value;
}

/**
 * Batch normalization in training mode (Ioffe and Szegedy, 2015), from parts, since the runtime's inference build has no
 * kernel for it: statistics over batch and positions, running statistics by ONNX's momentum (kept share, 0.9 by
 * default). As in PyTorch the batch is normalized by its biased variance, and the running variance takes the unbiased.
 *
 * @param x [batch, channels, ...]
 */
export function batchNormalize(b: GraphBuilder, node: Node, inputs: readonly (Value | undefined)[]): BatchNormalized {
  const [x, scale, shift, mean, variance] = inputs as Value[];
  if (x.shape[0] * sizeOf(x.shape.slice(2)) < 2) {
    throw new BallastError('batch normalization needs more than one value a channel to train on', {
      code: 'BATCH_NORM_BATCH_OF_ONE',
      place: `node ${node.name}`,
      remedy: 'Use a larger training.batchSize, or layer normalization',
    });
  }
  const momentum = floatAttribute(node.attributes, 'momentum', 0.9);
  const epsilon = floatAttribute(node.attributes, 'epsilon', 1e-5);
  const axes = x.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  const wide = x.shape.map((extent, axis) => (axis === 1 ? extent : 1));
  const count = sizeOf(x.shape) / x.shape[1];
  const channels = [x.shape[1]];
  let statistics: { inverse: Value; normalized: Value } | undefined;
  let running: { mean: Value; variance: Value } | undefined;
  const [output] = b.composite(
    'batch-normalization',
    [x, scale, shift],
    () => {
      const batchMean = b.reduceMean(x, axes, true);
      const centred = b.sub(x, batchMean);
      const batchVariance = b.reduceMean(b.mul(centred, centred), axes, true);
      const inverse = b.reciprocal(b.sqrt(b.add(batchVariance, epsilon)));
      const normalized = b.mul(centred, inverse);
      statistics = { inverse, normalized };
      const blend = (old: Value, fresh: Value): Value => b.add(b.mul(old, momentum), b.mul(fresh, 1 - momentum));
      running = {
        mean: blend(mean, b.reshape(batchMean, channels)),
        variance: blend(variance, b.mul(b.reshape(batchVariance, channels), count / (count - 1))),
      };
      return [b.add(b.mul(normalized, b.reshape(scale, wide)), b.reshape(shift, wide))];
    },
    ([g]) => {
      if (g === undefined || statistics === undefined) return [undefined, undefined, undefined];
      const { inverse, normalized } = statistics;
      const dShift = b.reduceSum(g, axes, true);
      const dScale = b.reduceSum(b.mul(g, normalized), axes, true);
      // dx = scale * inverse * (g - mean(g) - normalized * mean(g * normalized))
      const residual = b.sub(g, b.mul(b.add(dShift, b.mul(normalized, dScale)), 1 / count));
      const dx = b.mul(residual, b.mul(b.reshape(scale, wide), inverse));
      return [dx, b.reshape(dScale, channels), b.reshape(dShift, channels)];
    },
  );
  if (running === undefined) throw new Error('batch normalization was not built');
  return { output, runningMean: running.mean, runningVariance: running.variance };
}
