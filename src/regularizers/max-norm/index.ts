import { z } from 'zod';
import { inputAxes, isStructured } from '../matrix.js';
import { defineRegularizer } from '../regularizer.js';

const inverse = (value: number): number => Number((1 / value).toPrecision(12));

export const maxNorm = defineRegularizer({
  type: 'max-norm',
  title: 'Max-norm constraint',
  technique: 'T4',
  summary: 'Scales the weights into a neuron or channel back onto a ball of fixed radius after each update.',
  strength: {
    unit: '1 / radius',
    default: inverse(3),
    range: [inverse(10), 1],
    scale: 'log',
    limits: [0, 1e6],
    inverse: { option: 'radius', toStrength: inverse, toOption: inverse },
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
    proximal: ({ b, strength }, _options, { parameter }, proposed) => {
      if (!isStructured(parameter)) return proposed;
      const norm = b.sqrt(b.reduceSum(b.mul(proposed, proposed), inputAxes(parameter), true));
      // radius / norm, and 1 inside the ball; a strength of 0 is an infinite radius.
      return b.mul(proposed, b.reciprocal(b.maximum(b.mul(norm, strength), 1)));
    },
  },
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
