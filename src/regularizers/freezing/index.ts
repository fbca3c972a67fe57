import { z } from 'zod';
import { depthOf } from '../layers.js';
import { type Conflict, defineRegularizer, type RatePosition } from '../regularizer.js';

/**
 * Epochs after which a layer trains: 0 for the last `head` layers, then `every` epochs more for each one below; never for
 * the first `keep`.
 */
export function thawsAfter(
  layer: number,
  depth: number,
  { every, head, keep }: { every: number; head: number; keep: number },
): number {
  if (layer < keep) return Number.POSITIVE_INFINITY;
  return every * Math.max(0, depth - head - layer);
}

export const freezing = defineRegularizer({
  type: 'freezing',
  title: 'Freezing and gradual unfreezing',
  technique: 'T22',
  summary:
    'Holds the layers of a trained network fast and lets them train one after the other, from the last to the first.',
  strength: { unit: 'epochs a layer', default: 1, range: [0.5, 10], scale: 'log', limits: [0, 100_000] },
  options: z.strictObject({
    head: z.int().min(1).max(10_000).default(1).describe('Last weighted layers, which train from the start'),
    keep: z.int().min(0).max(10_000).default(0).describe('First weighted layers, which stay frozen to the end'),
  }),
  hooks: {
    rate: (_parameter, { head, keep }, { epochs, strength, layer, depth }: RatePosition) =>
      strength > 0 && epochs < thawsAfter(layer, depth, { every: strength, head, keep }) ? 0 : 1,
  },
  conflicts: ({ options: { head, keep }, strength, schedule }, { parameters, epochs, operators, start }) => {
    const depth = depthOf(parameters);
    const found: Conflict[] = [];
    if (depth <= head) {
      found.push({
        code: 'FREEZING_WITHOUT_LAYERS',
        severity: 'error',
        message: `freezing leaves the last ${head} weighted layers free, and the network has ${depth}`,
        remedy: 'Lower regularizers.freezing.head, or remove freezing',
      });
    }
    if (keep >= depth) {
      found.push({
        code: 'FREEZING_EVERYTHING',
        severity: 'error',
        message: `freezing keeps ${keep} weighted layers frozen, and the network has ${depth}: nothing would train`,
        remedy: 'Lower regularizers.freezing.keep',
      });
    }
    const last = thawsAfter(keep, depth, { every: strength, head, keep });
    if (schedule === undefined && keep < depth && last >= epochs) {
      found.push({
        code: 'FREEZING_BEYOND_THE_END',
        severity: 'warning',
        message: `freezing thaws its lowest layer after ${last} epochs, and the run has ${epochs}: some layers never train`,
        remedy: 'Lower its strength, train longer, or name those layers by keep',
      });
    }
    if (start !== undefined && !start.pretrained) {
      found.push({
        code: 'FREEZING_RANDOM_WEIGHTS',
        severity: 'warning',
        message: 'freezing holds weights fast that were drawn at random: there is nothing in them to keep',
        remedy: 'Start from a trained network (model.type: onnx), or remove freezing',
      });
    }
    if (operators.includes('BatchNormalization')) {
      found.push({
        code: 'FREEZING_WITH_BATCH_NORM',
        severity: 'warning',
        message: 'frozen layers keep their weights, but batch normalization goes on moving its running statistics',
        remedy:
          'Expect the frozen part to drift with the new data, or start from a network whose normalization is folded',
      });
    }
    return found;
  },
  cost: { training: 'none; frozen gradients are computed all the same', inference: 'none' },
  fails: [
    'The new task needs other low-level features than the old one: layers frozen for long underfit.',
    'Batch normalization in frozen layers still adapts its statistics to the new data.',
    'Weights drawn at random: nothing is there to be kept.',
  ],
  dataSize: 'Helps most with few rows of the new task; with many rows all layers may train from the start.',
  references: [
    'Howard and Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018, section 3.3 (one more layer each epoch, from the last)',
    'Yosinski et al., How transferable are features in deep neural networks?, NeurIPS 2014',
    'fastai Learner.freeze_to and unfreeze',
  ],
});
