import { z } from 'zod';
import { joinSamples } from '../predictive.js';
import { defineRegularizer } from '../regularizer.js';
import { drawMasks, MASKING, thinned, untouched } from './masks.js';

export const mcDropout = defineRegularizer({
  type: 'mc-dropout',
  title: 'Monte Carlo dropout',
  technique: 'T19',
  summary:
    'Keeps dropout on in prediction: the exported network averages fixed thinned networks, and says what they disagree about.',
  strength: { unit: 'on or off', default: 1, range: [1, 1], scale: 'linear', limits: [0, 1], switch: true },
  options: z.strictObject({
    samples: z
      .int()
      .min(2)
      .max(200)
      .default(20)
      .describe('Thinned networks that are averaged; layers after the first dropout run as often'),
  }),
  hooks: {
    finish: async (context, { samples }, graph) => {
      const masks = await drawMasks(context, graph, samples);
      if (masks.size === 0) return graph;
      const networks = Array.from({ length: samples }, (_, k) => thinned(graph, masks, k));
      return joinSamples(networks, { task: context.task, shared: untouched(graph, masks) });
    },
  },
  conflicts: (_self, { active }) =>
    active.some(({ regularizer: { type }, strength }) => MASKING.has(type) && strength > 0)
      ? []
      : [
          {
            code: 'MC_DROPOUT_WITHOUT_DROPOUT',
            severity: 'error' as const,
            message: 'mc-dropout keeps dropout on in prediction, and the network is trained without any',
            remedy: 'Add dropout to regularizers, or use ensemble or laplace',
          },
        ],
  cost: {
    training: 'none; the masks are drawn once, after it',
    inference: 'the layers after the first dropout run once a sample: up to samples x; bytes grow by the masks alone',
  },
  fails: [
    'A network trained without dropout, or with little of it: the samples say the same.',
    'Rates chosen for accuracy are not those of good uncertainty: compare negative log-likelihood with ensemble and laplace.',
    'Dropout before batch normalization: the running statistics fit no thinned network.',
  ],
  dataSize: 'Helps most with few rows, where the thinned networks disagree.',
  references: [
    'Gal and Ghahramani, Dropout as a Bayesian Approximation, ICML 2016 (mean of softmaxes over stochastic passes)',
    'Gal, Islam and Ghahramani, Deep Bayesian Active Learning with Image Data, ICML 2017 (mutual information)',
    'Smith and Gal, Understanding Measures of Uncertainty for Adversarial Example Detection, UAI 2018',
  ],
});
