import { z } from 'zod';
import { isFloat } from '../../graph/operators/operator.js';
import { gaussianNoise, NOISE_KINDS } from '../gaussian-noise.js';
import { CONTINUOUS } from '../needs.js';
import { defineRegularizer } from '../regularizer.js';

export const inputNoise = defineRegularizer({
  type: 'input-noise',
  title: 'Input noise',
  technique: 'T12',
  summary: 'Adds Gaussian noise to the standardised inputs of each training batch, or multiplies them by it.',
  strength: {
    unit: 'standard deviation of the noise, in those of the inputs',
    default: 0.1,
    range: [0.01, 1],
    scale: 'log',
    limits: [0, 100],
  },
  options: z.strictObject({
    kind: z
      .enum(NOISE_KINDS)
      .default('additive')
      .describe(
        'additive: each value plus a normal number; multiplicative: times a normal number about 1, so that values near the mean stay',
      ),
    inputs: z
      .array(z.string())
      .optional()
      .describe('Names of the inputs it acts on; all floating-point ones unless given'),
  }),
  augments: true,
  hooks: {
    batch: ({ b, strength, random }, { kind, inputs }, batch) => ({
      target: batch.target,
      inputs: Object.fromEntries(
        Object.entries(batch.inputs).map(([name, value]) =>
          isFloat(value.type) && (inputs === undefined || inputs.includes(name))
            ? [name, gaussianNoise(b, value, kind, strength, random(name))]
            : [name, value],
        ),
      ),
    }),
  },
  needs: { content: CONTINUOUS },
  conflicts: ({ options: { inputs = [] } }, { inputs: known }) =>
    inputs
      .filter((name) => !known.some((input) => input.name === name))
      .map((name) => ({
        code: 'INPUT_NOISE_INPUT_UNKNOWN',
        severity: 'error' as const,
        message: `input-noise names the input "${name}", and the network has none of that name`,
        remedy: `Set inputs to some of ${known.map((input) => input.name).join(', ')}`,
      })),
  cost: { training: 'one normal number an input element (about 20 ns)', inference: 'none' },
  fails: [
    'One-hot and binary columns get values that do not exist: prefer tabular-augmentation for mostly categorical data.',
    'Noise larger than the class distance.',
  ],
  dataSize: 'Acts like a Tikhonov penalty: helps with few rows.',
  references: [
    'Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 1995',
    'Keras GaussianNoise(stddev) and GaussianDropout(rate) as a first layer (additive, multiplicative)',
  ],
});
