import { z } from 'zod';
import { gaussianNoise, NOISE_KINDS } from '../gaussian-noise.js';
import { penalizedRoles } from '../options.js';
import { defineRegularizer, penalizes } from '../regularizer.js';
import { undoneByNormalization } from '../rescaled.js';

export const weightNoise = defineRegularizer({
  type: 'weight-noise',
  title: 'Weight noise',
  technique: 'T12',
  summary: 'Trains with normal noise on the weights, drawn anew at each step; predictions use the weights themselves.',
  strength: {
    unit: 'standard deviation of the noise',
    default: 0.075,
    range: [0.005, 1],
    scale: 'log',
    limits: [0, 100],
  },
  options: z.strictObject({
    kind: z
      .enum(NOISE_KINDS)
      .default('additive')
      .describe(
        'additive: each weight plus a normal number; multiplicative: times a normal number about 1, so that small weights get little',
      ),
    include: penalizedRoles,
  }),
  hooks: {
    weight: ({ b, strength, random, phase }, { kind, include }, { parameter, value }) =>
      phase === 'training' && penalizes(parameter, include)
        ? gaussianNoise(b, value, kind, strength, random(parameter.name))
        : value,
    // The weights themselves, with running statistics that are theirs, not those of noisy ones.
    evaluated: ({ buffers, strength }) => (buffers.size > 0 && strength > 0 ? new Map() : undefined),
  },
  conflicts: ({ options: { kind } }, { operators, task, sites }) => [
    ...(kind === 'additive' ? undoneByNormalization('weight-noise', operators) : []),
    ...(kind === 'additive' && task === 'regression' && sites?.length === 0
      ? [
          {
            code: 'WEIGHT_NOISE_ON_LINEAR_REGRESSION',
            severity: 'warning' as const,
            message:
              'additive weight-noise adds a constant to the squared error of a linear model: it favours no weights',
            remedy: 'Use kind: multiplicative, which is a ridge penalty there, or l2',
          },
        ]
      : []),
  ],
  cost: {
    training:
      'one normal number and two passes a weight, whatever the batch; with batch normalization one pass over the training rows an epoch, for running statistics of the weights themselves',
    inference: 'none',
  },
  fails: [
    'Before a normalization additive noise is outgrown: the scale of the weights is free.',
    'All rows of a batch share the noise, so that gradients vary more than with noise on activations: small learning rates, more epochs.',
    'A network whose layers differ much in the size of their weights: one additive deviation is too much for some and nothing for others.',
  ],
  dataSize: 'Helps with few rows for the capacity; costs epochs otherwise.',
  references: [
    'Graves, Practical Variational Inference for Neural Networks, NIPS 2011 (fixed Gaussian noise on weights)',
    'Graves, Mohamed and Hinton, Speech Recognition with Deep Recurrent Neural Networks, ICASSP 2013 (deviation 0.075, one draw a sequence)',
    'Murray and Edwards, Enhanced MLP Performance and Fault Tolerance Resulting from Synaptic Weight Noise During Training, IEEE TNN 1994 (additive and multiplicative)',
    'An, The Effects of Adding Noise During Backpropagation Training on a Generalization Performance, Neural Computation 1996',
  ],
});
