import { z } from 'zod';
import { isFloat } from '../../graph/operators/operator.js';
import { defineRegularizer } from '../regularizer.js';

export const inputNoise = defineRegularizer({
  type: 'input-noise',
  title: 'Input noise',
  technique: 'T12',
  summary: 'Adds Gaussian noise to the standardised inputs of each training batch.',
  strength: {
    unit: 'standard deviation, in those of the inputs',
    default: 0.1,
    range: [0.01, 1],
    scale: 'log',
    limits: [0, 100],
  },
  options: z.strictObject({
    inputs: z
      .array(z.string())
      .optional()
      .describe('Names of the inputs it acts on; all floating-point ones unless given'),
  }),
  augments: true,
  hooks: {
    batch: ({ b, strength, random }, { inputs }, batch) => ({
      target: batch.target,
      inputs: Object.fromEntries(
        Object.entries(batch.inputs).map(([name, value]) =>
          isFloat(value.type) && (inputs === undefined || inputs.includes(name))
            ? [name, b.add(value, b.mul(random(name).normal(value.shape), strength))]
            : [name, value],
        ),
      ),
    }),
  },
  cost: { training: 'one normal number an input element (about 20 ns)', inference: 'none' },
  fails: [
    'One-hot and binary columns get values that do not exist: prefer tabular-augmentation for mostly categorical data.',
    'Noise larger than the class distance.',
  ],
  dataSize: 'Acts like a Tikhonov penalty: helps with few rows.',
  references: ['Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 1995'],
});
