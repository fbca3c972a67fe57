import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { derive } from '../../numeric/random.js';
import { memberOutputs, sideBySide } from '../members.js';
import { withUncertainty } from '../predictive.js';
import { defineRegularizer } from '../regularizer.js';

/** How often each row is drawn into a bootstrap sample: Poisson of mean 1, the limit of drawing with replacement. */
export function bootstrapCounts(seed: number, rows: number, members: number): Float32Array {
  const stream = derive(seed, 'bagging');
  const limit = Math.exp(-1);
  return Float32Array.from({ length: rows * members }, () => {
    let count = 0;
    for (let product = stream.uniform(); product > limit; product *= stream.uniform()) count++;
    return count;
  });
}

/** The column of a member out of [batch, members]. */
function columnOf(b: GraphBuilder, counts: Value, member: number): Value {
  return b.reshape(b.slice(counts, [member], [member + 1], [1]), [counts.shape[0]]);
}

export const ensemble = defineRegularizer({
  type: 'ensemble',
  title: 'Deep ensemble',
  technique: 'T19',
  summary: 'Trains several networks from other initial weights side by side, and predicts by their mean probability.',
  strength: { unit: 'on or off', default: 1, range: [1, 1], scale: 'linear', limits: [0, 1], switch: true },
  options: z.strictObject({
    members: z.int().min(2).max(50).default(5).describe('Networks trained side by side'),
    bagging: z
      .boolean()
      .default(false)
      .describe('Gives each member a bootstrap sample of the rows (Poisson weights); needed where all start alike'),
  }),
  hooks: {
    // Members that see other rows may start from the same weights.
    architecture: (context, { members, bagging }, graph) =>
      sideBySide(graph, members, bagging ? { ...context, redraw: context.redraw ?? (() => graph) } : context),
    rows: (_context, { members, bagging }) =>
      bagging
        ? [
            {
              name: 'counts',
              shape: [members],
              compute: ({ seed, target }) => Promise.resolve(bootstrapCounts(seed, target.shape[0], members)),
            },
          ]
        : [],
    memberLosses: ({ b, row }, { bagging }, losses) => {
      const counted = bagging ? losses.map((loss, k) => b.mul(loss, columnOf(b, row('counts'), k))) : losses;
      return b.div(counted.reduce(b.add), losses.length);
    },
    finish: ({ task }, _options, graph) => Promise.resolve(withUncertainty(graph, memberOutputs(graph), task)),
  },
  cost: {
    training: 'one forward and backward pass a member a step: members x',
    inference: 'one forward pass a member: members x, and as many bytes',
  },
  fails: [
    'Members that are underfitted: their mean is too.',
    'Members that all start from one trained network: they disagree too little (use bagging).',
    'Where latency or bytes are dear: distil it into one network.',
  ],
  dataSize: 'Helps at every size; most where single runs differ, with few rows for the capacity.',
  references: [
    'Lakshminarayanan, Pritzel and Blundell, Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles, NeurIPS 2017 (5 members, no bagging)',
    'Ovadia et al., Can You Trust Your Model’s Uncertainty?, NeurIPS 2019 (5 members give most of the gain)',
    'Breiman, Bagging Predictors, Machine Learning 1996; Oza and Russell, Online Bagging, 2001 (Poisson weights)',
  ],
});
