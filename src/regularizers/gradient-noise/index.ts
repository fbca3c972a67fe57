import { z } from 'zod';
import { defineRegularizer } from '../regularizer.js';

/** Standard deviation sqrt(eta / (1 + t)^gamma) of the t-th step from 0 (Neelakantan et al., 2015, equation 1); `step` counts from 1. */
export function annealedDeviation(eta: number, gamma: number, step: number): number {
  return Math.sqrt(eta / step ** gamma);
}

export const gradientNoise = defineRegularizer({
  type: 'gradient-noise',
  title: 'Gradient noise',
  technique: 'T12',
  summary: 'Adds normal noise to the gradients, whose variance eta / (1 + step)^gamma falls as training goes on.',
  strength: {
    unit: 'variance eta of the first step',
    default: 0.01,
    range: [1e-6, 1],
    scale: 'log',
    limits: [0, 1e4],
  },
  options: z.strictObject({
    gamma: z
      .number()
      .min(0)
      .max(5)
      .default(0.55)
      .describe('How fast the variance falls with the steps; 0 keeps it, so that only a schedule changes it'),
  }),
  afterClipping: true,
  hooks: {
    gradients: ({ b, drawn, random }, { gamma }, gradients) => {
      const deviation = drawn('deviation', (_stream, eta, step) => annealedDeviation(eta, gamma, step));
      return gradients.map(({ parameter: { name, role }, gradient }) =>
        // Tensors of other regularizers are no part of the network.
        role === 'auxiliary' ? gradient : b.add(gradient, b.mul(random(name).normal(gradient.shape), deviation)),
      );
    },
  },
  cost: { training: 'one normal number and one pass a weight, whatever the batch', inference: 'none' },
  fails: [
    'Networks that are easy to optimize: the noise of small batches is there already.',
    'Adam and its kin divide by the size of the gradients, noise and all: noise beyond them turns steps into a random walk.',
    'Exact zeros of proximal penalties do not stay zeros while the noise is larger than the penalty.',
  ],
  dataSize: 'A matter of depth rather than of rows: it is meant for deep networks that start badly.',
  references: [
    'Neelakantan et al., Adding Gradient Noise Improves Learning for Very Deep Networks, 2015 (gamma 0.55; eta of 0.01, 0.3 or 1)',
    'optax.add_noise(eta, gamma, key)',
    'Welling and Teh, Bayesian Learning via Stochastic Gradient Langevin Dynamics, ICML 2011 (noise that anneals)',
  ],
});
