import { z } from 'zod';
import { derive } from '../../numeric/random.js';
import type { HostView } from '../context.js';
import { averageOver } from '../predictive.js';
import { defineRegularizer } from '../regularizer.js';
import { epochsBefore } from '../swa/index.js';
import { collect, drawWeights, type Moments } from './posterior.js';

export const swag = defineRegularizer({
  type: 'swag',
  title: 'SWA-Gaussian',
  technique: 'T18',
  summary:
    'Fits a Gaussian to the weights that late training wanders through, and predicts by the mean over networks drawn from it.',
  strength: {
    unit: 'scale of the covariance',
    default: 1,
    range: [0.1, 2],
    scale: 'log',
    limits: [0, 100],
  },
  options: z.strictObject({
    share: z.number().gt(0).max(1).default(0.5).describe('Share of the epochs, the last ones, whose weights enter'),
    perEpoch: z.int().min(1).max(1000).default(1).describe('Weights that enter in an epoch, evenly spaced'),
    rank: z
      .int()
      .min(2)
      .max(100)
      .default(20)
      .describe('Last deviations from the mean that are kept: rank of the covariance'),
    samples: z.int().min(2).max(200).default(30).describe('Networks drawn for prediction: each is run, and stored'),
  }),
  hooks: {
    state: ({ initial }, { rank }) => [
      ...[...initial].flatMap(([name, { shape, data }]) => [
        { name: `mean.${name}`, shape, initial: data, writer: 'host' as const },
        { name: `spread.${name}`, shape, initial: new Float32Array(data.length), writer: 'host' as const },
        {
          name: `deviations.${name}`,
          shape: [rank, ...shape],
          initial: new Float32Array(rank * data.length),
          writer: 'host' as const,
        },
      ]),
      { name: 'count', shape: [1], initial: new Float32Array(1), writer: 'host' as const },
    ],
    afterStep: (host, options) => {
      if (host.strength === 0 || !isDue(host, options)) return;
      const count = host.own.get('count')!;
      count[0]++;
      for (const [name, { data }] of host.parameters) collect(momentsOf(host.own, name), data, count[0]);
    },
    evaluated: ({ own, parameters }) =>
      own.get('count')![0] === 0
        ? undefined
        : new Map([...parameters.keys()].map((name) => [name, own.get(`mean.${name}`)!])),
    finish: async (context, { samples }, graph) => {
      const { own, initial, strength, seed } = context;
      const [count] = own.get('count')!;
      if (strength === 0 || count < 2) return graph;
      const tensors = new Map([...initial.keys()].map((name) => [name, momentsOf(own, name)]));
      const stream = derive(seed, 'swag');
      const draws = Array.from({ length: samples }, () => drawWeights(tensors, { count, scale: strength, stream }));
      return averageOver(context, graph, draws);
    },
    findings: ({ own, totalEpochs, strength }, { share }) =>
      strength === 0 || own.get('count')![0] > 1
        ? []
        : [
            {
              code: 'SWAG_NOT_REACHED',
              severity: 'warning' as const,
              message: `training ended with ${own.get('count')![0]} weights collected after epoch ${epochsBefore(totalEpochs, share)}, and a posterior needs two: the model is one network`,
              remedy: 'Remove early-stopping, or raise share or perEpoch of swag',
            },
          ],
  },
  cost: {
    training:
      'one pass over the weights at each collection, rank + 2 copies of them in memory and in checkpoints; at the end, with batch normalization, a forward pass over the training rows a sample',
    inference: 'one forward pass a sample: samples x, and as many bytes',
  },
  fails: [
    'A schedule that brings the learning rate down to 0: the weights stand still, and the samples say the same.',
    'A learning rate too high for the network: its wandering is no posterior, and samples are worse than the mean.',
    'Where latency or bytes are dear: laplace costs one product, or distil it into one network.',
  ],
  dataSize: 'Helps most with few rows, where weights wander far at the same loss.',
  references: [
    'Maddox et al., A Simple Baseline for Bayesian Uncertainty in Deep Learning, NeurIPS 2019 (rank 20, 30 samples, covariance halved)',
    'github.com/wjmaddox/swa_gaussian: SWAG (one collection an epoch from epoch 161 of 300 on; scale 0.5 there is our 1), bn_update before each sample',
    'Wilson and Izmailov, Bayesian Deep Learning and a Probabilistic Perspective of Generalization, NeurIPS 2020',
  ],
});

/** Whether weights are collected after this step. */
function isDue(
  { step, stepsPerEpoch, totalEpochs }: HostView,
  { share, perEpoch }: { readonly share: number; readonly perEpoch: number },
): boolean {
  const since = step - epochsBefore(totalEpochs, share) * stepsPerEpoch;
  const upTo = (steps: number): number => Math.floor((steps * Math.min(perEpoch, stepsPerEpoch)) / stepsPerEpoch);
  return since > 0 && upTo(since) > upTo(since - 1);
}

function momentsOf(own: ReadonlyMap<string, Float32Array>, name: string): Moments {
  return {
    mean: own.get(`mean.${name}`)!,
    spread: own.get(`spread.${name}`)!,
    deviations: own.get(`deviations.${name}`)!,
  };
}
