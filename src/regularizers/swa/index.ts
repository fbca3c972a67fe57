import { z } from 'zod';
import { averageInto } from '../ema/index.js';
import { defineRegularizer } from '../regularizer.js';

/** Epochs after which averaging begins: the last `share` of the budget, one epoch at least. */
export function epochsBefore(totalEpochs: number, share: number): number {
  return totalEpochs - Math.max(1, Math.round(share * totalEpochs));
}

/** Factor of the learning rate: cosine from 1 to `factor` over `anneal` epochs once averaging has begun, as SWALR. */
export function rateFactor(done: number, { factor, anneal }: { factor: number; anneal: number }): number {
  if (done < 0 || factor === 1) return 1;
  const alpha = anneal === 0 ? 1 : Math.min(1, done / anneal);
  return factor + ((1 - factor) * (1 + Math.cos(Math.PI * alpha))) / 2;
}

export const swa = defineRegularizer({
  type: 'swa',
  title: 'Stochastic weight averaging',
  technique: 'T27',
  summary: 'Averages the weights at the ends of the last epochs, evaluates and exports the average: a flatter minimum.',
  strength: {
    unit: 'share of the epochs that is averaged',
    default: 0.25,
    range: [0.1, 0.75],
    scale: 'linear',
    limits: [0, 1],
  },
  options: z.strictObject({
    every: z.int().min(1).default(1).describe('Epochs between two weights that enter the average'),
    rateFactor: z
      .number()
      .gt(0)
      .max(100)
      .default(1)
      .describe('Factor of the learning rate while averaging; the paper keeps the rate constant and high'),
    annealEpochs: z.int().min(0).default(10).describe('Epochs over which the rate goes there'),
  }),
  hooks: {
    state: ({ initial }) => [
      ...[...initial].map(([name, { shape, data }]) => ({
        name: `average.${name}`,
        shape,
        initial: data,
        writer: 'host' as const,
      })),
      { name: 'count', shape: [1], initial: new Float32Array(1), writer: 'host' as const },
    ],
    rate: (_parameter, { rateFactor: factor, annealEpochs: anneal }, { epochs, totalEpochs, strength }) =>
      strength === 0 ? 1 : rateFactor(epochs - epochsBefore(totalEpochs, strength), { factor, anneal }),
    afterEachEpoch: (host, { every }) => {
      const done = Math.round(host.epochs) - epochsBefore(host.totalEpochs, host.strength);
      if (host.strength === 0 || done < 1 || (done - 1) % every !== 0) return;
      const count = host.own.get('count')!;
      count[0]++;
      for (const [name, { data }] of host.parameters) {
        averageInto(host.own.get(`average.${name}`)!, data, 1 - 1 / count[0]);
      }
    },
    evaluated: ({ own, parameters }) =>
      own.get('count')![0] === 0
        ? undefined
        : new Map([...parameters.keys()].map((name) => [name, own.get(`average.${name}`)!])),
    findings: ({ own, totalEpochs, strength }) =>
      own.get('count')![0] > 0
        ? []
        : [
            {
              code: 'SWA_NOT_REACHED',
              severity: 'warning' as const,
              message: `training ended before epoch ${epochsBefore(totalEpochs, strength) + 1}, where averaging begins: the model is as without swa`,
              remedy: 'Remove early-stopping, or raise the strength of swa so that averaging begins sooner',
            },
          ],
  },
  cost: {
    training:
      'one pass over the weights an epoch, a copy of them in memory; with batch normalization a forward pass over the training rows an epoch while averaging',
    inference: 'none',
  },
  fails: [
    'A schedule that brings the learning rate down to 0: all averaged weights are the same; keep the rate constant.',
    'Averaging from too early on: weights that are still far from any minimum enter.',
    'Early stopping before averaging begins: nothing is averaged (SWA_NOT_REACHED).',
  ],
  dataSize: 'Gain shrinks where rows are so many that few epochs are run.',
  references: [
    'Izmailov et al., Averaging Weights Leads to Wider Optima and Better Generalization, UAI 2018',
    'PyTorch torch.optim.swa_utils: AveragedModel (equal average), update_bn (statistics taken anew), SWALR (cosine annealing over 10 epochs)',
  ],
});
