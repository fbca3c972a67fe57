import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { inputAxes, isStructured } from '../matrix.js';
import { defineRegularizer } from '../regularizer.js';
import { undoneByNormalization } from '../rescaled.js';

/**
 * prox of t ||w||_2 for each block: w max(1 - t / ||w||, 0). Blocks whose norm is below the threshold become exactly zero.
 *
 * @param axes over which a block lies
 * @param threshold broadcasts to the norms, which keep their axes
 */
export function blockSoftThreshold(b: GraphBuilder, w: Value, axes: readonly number[], threshold: Value): Value {
  const norm = b.sqrt(b.reduceSum(b.mul(w, w), axes, true));
  return b.mul(w, b.relu(b.sub(1, b.div(threshold, b.maximum(norm, 1e-30)))));
}

export const groupLasso = defineRegularizer({
  type: 'group-lasso',
  title: 'Group lasso',
  technique: 'T4',
  summary:
    'Adds lambda times the norm of the weights of each neuron or channel, by a proximal step: whole units become exactly zero.',
  strength: { unit: 'coefficient lambda', default: 1e-3, range: [1e-5, 1], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({
    groups: z
      .enum(['outputs', 'inputs'])
      .default('outputs')
      .describe(
        'outputs: all weights into a hidden neuron or channel; inputs: all weights out of an input, neuron or channel',
      ),
  }),
  wholeTensors: true,
  hooks: {
    proximal: ({ b, strength, stepSize }, { groups }, { parameter }, proposed) => {
      if (!isStructured(parameter)) return proposed;
      // The network's own outputs are no units to do without.
      if (groups === 'outputs' && parameter.head === true) return proposed;
      const { unitAxis = 0, shape } = parameter;
      // A convolution's input channels are its second axis, a product's inputs its first.
      const inputAxis = unitAxis === 0 ? 1 : 0;
      const axes = groups === 'outputs' ? inputAxes(parameter) : inputAxes({ ...parameter, unitAxis: inputAxis });
      const size = axes.reduce((product, axis) => product * shape[axis], 1);
      // Under Adam weights of one block have steps of their own: the block takes their mean.
      const step = stepSize.shape.length === 0 ? stepSize : b.reduceMean(stepSize, axes, true);
      return blockSoftThreshold(b, proposed, axes, b.mul(step, b.mul(strength, Math.sqrt(size))));
    },
  },
  conflicts: (_self, { operators }) => undoneByNormalization('group-lasso', operators),
  cost: {
    training: 'three passes over the weights a step (about 1 ns a weight)',
    inference: 'none; zero units can be cut out of the graph',
  },
  fails: [
    'Units that a residual sum needs cannot be cut out, though they become zero.',
    'The bias of a removed unit stays, so that it still adds a constant.',
    'Under Adam the threshold of a block is that of its mean step: the fixed point is near the optimum of the penalized loss, not at it.',
  ],
  dataSize: 'Strongest where the network is wide for the rows.',
  references: [
    'Yuan and Lin, Model Selection and Estimation in Regression with Grouped Variables, JRSS B 2006 (the factor sqrt(size))',
    'Friedman, Hastie and Tibshirani, A Note on the Group Lasso and a Sparse Group Lasso, 2010 (single weights first)',
    'Wen et al., Learning Structured Sparsity in Deep Neural Networks, NeurIPS 2016',
    'Scardapane et al., Group Sparse Regularization for Deep Neural Networks, Neurocomputing 2017',
  ],
});
