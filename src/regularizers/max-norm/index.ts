import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { inputAxes, isStructured } from '../matrix.js';
import { reciprocalOf } from '../options.js';
import { defineRegularizer } from '../regularizer.js';
import { undoneByNormalization } from '../rescaled.js';

/** w min(1, radius / ||w||) for each block that lies over the axes; the strength is 1 / radius, and at 0 nothing changes. */
export function scaleOntoBall(b: GraphBuilder, w: Value, axes: readonly number[], strength: Value): Value {
  const norm = b.sqrt(b.reduceSum(b.mul(w, w), axes, true));
  return b.mul(w, b.reciprocal(b.maximum(b.mul(norm, strength), 1)));
}

export const maxNorm = defineRegularizer({
  type: 'max-norm',
  title: 'Max-norm constraint',
  technique: 'T4',
  summary: 'Scales the weights into a neuron or channel back onto a ball of fixed radius after each update.',
  strength: {
    unit: '1 / radius',
    default: 1 / 3,
    range: [0.1, 1],
    scale: 'log',
    limits: [0, 1e6],
    inverse: reciprocalOf('radius'),
  },
  options: z.strictObject({
    radius: z
      .number()
      .gt(0)
      .default(3)
      .describe('Largest Euclidean norm of the weights into one unit; smaller is stronger'),
  }),
  wholeTensors: true,
  hooks: {
    proximal: ({ b, strength }, _options, { parameter }, proposed) =>
      isStructured(parameter) ? scaleOntoBall(b, proposed, inputAxes(parameter), strength) : proposed,
  },
  conflicts: (_self, { operators }) => undoneByNormalization('max-norm', operators),
  cost: { training: 'three passes over the weights a step (about 1 ns a weight)', inference: 'none' },
  fails: [
    'A radius that no unit reaches does nothing: look at the weight histogram first.',
    'Before a normalization the scale of weights has no effect on the output, and a bound on it only changes the effective learning rate.',
  ],
  dataSize: 'Helps most with high learning rates and dropout on small data.',
  references: [
    'Srebro and Shraibman, Rank, Trace-Norm and Max-Norm, COLT 2005',
    'Srivastava et al., Dropout, JMLR 2014 (radius 3 to 4)',
    'Keras MaxNorm(max_value=radius) over the inputs of a unit',
  ],
});
