import { z } from 'zod';
import { type Conflict, defineRegularizer, type RatePosition } from '../regularizer.js';

/** (1 - s)^(blocks above the layer's own): 1 for the last block, less the nearer the input. */
export function layerRate({ strength, layer, depth }: RatePosition, block: number): number {
  const above = Math.ceil((depth - 1 - layer) / block);
  return (1 - strength) ** above;
}

export const layerWiseRates = defineRegularizer({
  type: 'layer-wise-rates',
  title: 'Layer-wise learning rates',
  technique: 'T22',
  summary:
    'Lowers the learning rate, and decoupled decay with it, by a constant factor for each layer towards the input.',
  strength: {
    unit: 'share of the rate lost a layer',
    default: 0.2,
    range: [0.05, 0.7],
    scale: 'linear',
    limits: [0, 1],
    open: true,
  },
  options: z.strictObject({
    block: z
      .int()
      .min(1)
      .max(1000)
      .default(1)
      .describe('Weighted layers that share a rate, counted from below the last (a transformer block has several)'),
  }),
  hooks: { rate: (_parameter, { block }, at) => layerRate(at, block) },
  conflicts: ({ strength }, { start }) => {
    const found: Conflict[] = [];
    if (start !== undefined && !start.pretrained && strength >= 0.1) {
      found.push({
        code: 'LAYER_WISE_RATES_FROM_RANDOM_WEIGHTS',
        severity: 'warning',
        message:
          'layer-wise-rates slows the first layers down, which were drawn at random and have everything to learn',
        remedy: 'Start from a trained network (model.type: onnx), or remove layer-wise-rates',
      });
    }
    return found;
  },
  cost: { training: 'none', inference: 'none' },
  fails: [
    'Training from random weights: the first layers hardly move.',
    'Deep networks with a large share: (1 - s)^layers leaves the first layers frozen in effect.',
    'The new data differ in what the first layers see (another sensor): it is they that have to change.',
  ],
  dataSize: 'Helps with few rows of the new task; the best share falls as rows grow.',
  references: [
    'Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018, section 3.2 (a factor of 2.6 a layer: 0.62 here)',
    'Clark et al., ELECTRA, ICLR 2020 (0.8 a layer for the base model: 0.2 here)',
    'timm create_optimizer_v2(layer_decay) (its layer_decay is 1 minus our strength)',
  ],
});
