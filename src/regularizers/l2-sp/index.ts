import { z } from 'zod';
import { halfSquaredNorm } from '../l2/index.js';
import { depthOf } from '../layers.js';
import { type Conflict, defineRegularizer, type ParameterRole, penalizes } from '../regularizer.js';

const startOf = (name: string): string => `start.${name}`;

export const l2Sp = defineRegularizer({
  type: 'l2-sp',
  title: 'L2-SP (towards the starting point)',
  technique: 'T22',
  summary:
    'Penalizes the squared distance of the weights from where training started, and the squared weights of the new head.',
  strength: { unit: 'coefficient alpha', default: 0.01, range: [1e-4, 10], scale: 'log', limits: [0, 1000] },
  options: z.strictObject({
    head: z
      .number()
      .min(0)
      .max(1000)
      .default(1)
      .describe('Strength of the plain L2 penalty on the last layer, as a multiple of the strength (beta / alpha)'),
    newHead: z
      .boolean()
      .default(true)
      .describe('The last layer has no start worth keeping: it is drawn to 0; otherwise to its start as all others'),
    include: z
      .array(z.enum(['weight', 'bias', 'norm', 'embedding']))
      .min(1)
      .default(['weight', 'bias', 'norm', 'embedding'])
      .describe('Kinds of parameters it acts on'),
  }),
  hooks: {
    // Written by nobody after the start: training is resumed with the start that it had.
    state: ({ parameters, initial }, { include, newHead }) => {
      const last = depthOf(parameters) - 1;
      return parameters.flatMap((parameter) => {
        if (!penalizes(parameter, include) || (newHead && parameter.layer === last)) return [];
        const { name, shape } = parameter;
        return [{ name: startOf(name), shape, initial: initial.get(name)!.data, writer: 'host' as const }];
      });
    },
    objective: ({ b, strength, own }, { include, newHead, head }, weights) => {
      const penalized = weights.filter(({ parameter }) => penalizes(parameter, include as ParameterRole[]));
      const last = depthOf(weights.map(({ parameter }) => parameter)) - 1;
      const isHead = (layer: number | undefined): boolean => newHead && layer === last;
      const distances = penalized.flatMap(({ parameter: { name, layer }, value }) =>
        isHead(layer) ? [] : [b.sub(value, own(startOf(name)))],
      );
      const ofHead = penalized.flatMap(({ parameter: { layer }, value }) => (isHead(layer) ? [value] : []));
      const towardsStart = halfSquaredNorm(b, distances, strength);
      const towardsZero = head === 0 ? undefined : halfSquaredNorm(b, ofHead, b.mul(strength, head));
      if (towardsStart === undefined || towardsZero === undefined) return towardsStart ?? towardsZero;
      return b.add(towardsStart, towardsZero);
    },
  },
  conflicts: (_self, { optimizer, start }) => {
    const found: Conflict[] = [];
    if (start !== undefined && !start.pretrained) {
      found.push({
        code: 'L2_SP_FROM_RANDOM_WEIGHTS',
        severity: 'warning',
        message: 'l2-sp holds the network near weights that were drawn at random',
        remedy: 'Start from a trained network (model.type: onnx), or use weight-decay',
      });
    }
    if (optimizer === 'adam' || optimizer === 'adamw') {
      found.push({
        code: 'L2_SP_WITH_ADAPTIVE_OPTIMIZER',
        severity: 'warning',
        message: `${optimizer} divides the penalty's gradient by its own scale: weights with large gradients are held less`,
        remedy: 'Use sgd, as the paper does, or tune the strength under this optimizer',
      });
    }
    return found;
  },
  cost: {
    training: 'one copy of the weights in memory; one reduction and two passes over the weights a step',
    inference: 'none',
  },
  fails: [
    'The start is of no use for the new task: the penalty keeps what should be unlearnt.',
    'With adaptive optimizers its gradient is rescaled per weight.',
    'Together with weight-decay: one draws to the start, the other to 0.',
  ],
  dataSize: 'Helps most with few rows of the new task; with many the best alpha tends to 0.',
  references: [
    'Li, Grandvalet and Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional Networks, ICML 2018 (alpha for the start, beta for the new layer)',
    'thuml Transfer-Learning-Library, SPRegularization (trade-offs of 0.01 for backbone and head)',
  ],
});
