import { z } from 'zod';
import { defineRegularizer, type HostView } from '../regularizer.js';

/** average += (1 - decay) (values - average), in place. At decay 0 the average is the values. */
export function averageInto(average: Float32Array, values: Float32Array, decay: number): void {
  const share = 1 - decay;
  for (let i = 0; i < average.length; i++) average[i] += share * (values[i] - average[i]);
}

/**
 * The decay of a step: grows as 1 - (1 + t)^(-2/3) up to the wanted one, so that the average follows the first steps
 * closely and forgets the initial weights.
 *
 * @param t steps done before this one
 */
export function decayAt(t: number, decay: number, warmUp: boolean): number {
  if (t <= 0) return 0;
  return warmUp ? Math.min(decay, 1 - (1 + t) ** (-2 / 3)) : decay;
}

/** Weights and running statistics of a run, by name, without the regularizers' own. */
function* tracked({ parameters, buffers }: HostView): Iterable<readonly [string, Float32Array]> {
  for (const [name, { data }] of parameters) yield [name, data];
  yield* buffers;
}

export const ema = defineRegularizer({
  type: 'ema',
  title: 'Exponential moving average of weights',
  technique: 'T27',
  summary: 'Evaluates and exports an exponential moving average of the weights in the place of the last ones.',
  strength: {
    unit: 'decay a step',
    default: 0.99,
    range: [0.9, 0.9999],
    scale: 'linear',
    limits: [0, 1],
    open: true,
  },
  options: z.strictObject({
    warmUp: z
      .boolean()
      .default(true)
      .describe('Lets the decay grow with the steps, so that short runs forget their initial weights'),
  }),
  hooks: {
    state: ({ initial, buffers }) =>
      [...initial, ...buffers].map(([name, { shape, data }]) => ({
        name: `average.${name}`,
        shape,
        initial: data,
        writer: 'host' as const,
      })),
    afterStep: (host, { warmUp }) => {
      const decay = decayAt(host.step - 1, host.strength, warmUp);
      for (const [name, values] of tracked(host)) averageInto(host.own.get(`average.${name}`)!, values, decay);
    },
    evaluated: (host) =>
      host.step === 0
        ? undefined
        : new Map([...tracked(host)].map(([name]) => [name, host.own.get(`average.${name}`)!])),
  },
  cost: {
    training: 'one pass over the weights a step (about 1 ns a weight), and a copy of them in memory',
    inference: 'none',
  },
  fails: [
    'Few steps: the average lags behind the weights and underfits; lower the decay.',
    'A learning rate that has already fallen to nearly 0: there is little left to average.',
  ],
  dataSize: 'Helps most where batches are small beside the data, so that the last weights are noisy.',
  references: [
    'Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, SIAM J. Control and Optimization 1992',
    'Morales-Brotons, Vogels and Hendrikx, Exponential Moving Average of Weights in Deep Learning, TMLR 2024',
    'PyTorch torch.optim.swa_utils.get_ema_multi_avg_fn (first step copied); timm ModelEmaV3 (warm-up with power 2/3, running statistics averaged too)',
  ],
});
