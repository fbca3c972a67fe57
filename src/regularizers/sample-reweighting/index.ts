import { z } from 'zod';
import type { GraphBuilder, Operand, Value } from '../../graph/builder.js';
import { float32 } from '../../graph/tensor.js';
import { defineRegularizer } from '../regularizer.js';

/**
 * (1 - beta) / (1 - beta^n) of each category, scaled so that their mean is 1: [categories]. beta 0 weighs all alike, beta
 * near 1 inversely to their rows.
 *
 * @param rows of each category in the training part
 */
export function effectiveNumberWeights(b: GraphBuilder, rows: readonly number[], beta: Operand): Value {
  const counts = b.constant(
    float32(
      [rows.length],
      rows.map((count) => Math.max(1, count)),
    ),
  );
  const power = b.pow(typeof beta === 'number' ? b.scalar(beta) : beta, counts);
  const weights = b.div(b.sub(1, beta), b.sub(1, power));
  return b.div(weights, b.reduceMean(weights));
}

export const sampleReweighting = defineRegularizer({
  type: 'sample-reweighting',
  title: 'Sample re-weighting',
  technique: 'T13',
  summary: 'Weighs rows of rare classes or groups up, by the effective number of rows of each.',
  strength: { unit: 'beta', default: 0.999, range: [0.9, 0.9999], scale: 'linear', limits: [0, 1], open: true },
  options: z.strictObject({
    by: z
      .enum(['class', 'group', 'domain', 'sensitive'])
      .default('class')
      .describe('What is balanced: the classes, or the values of the first column of a role; missing ones weigh 1'),
  }),
  hooks: {
    rowWeights(context, { by }, weights, { batch }) {
      const { b, strength, classRows } = context;
      if (by === 'class') {
        const table = effectiveNumberWeights(b, classRows, strength);
        return b.mul(weights, b.reduceSum(b.mul(batch.target, table), [1]));
      }
      const column = context.column(by);
      if (column === undefined) return weights;
      const table = effectiveNumberWeights(b, column.rows, strength);
      const known = b.greaterOrEqual(column.codes, 0);
      return b.mul(weights, b.where(known, b.gather(table, b.maximum(column.codes, 0)), 1));
    },
  },
  needs: { columnOf: ({ by }) => (by === 'class' ? undefined : by) },
  conflicts: ({ options: { by } }, { task }) =>
    by === 'class' && task !== 'classification'
      ? [
          {
            code: 'SAMPLE_REWEIGHTING_NEEDS_CLASSES',
            severity: 'error',
            message: `sample-reweighting by class needs classes, and the task is ${task}`,
            remedy: 'Set by to group, domain or sensitive, or remove sample-reweighting',
          },
        ]
      : [],
  cost: { training: 'two passes over the targets a step', inference: 'none' },
  fails: [
    'Probabilities are those of a balanced world: recalibrate, and choose thresholds anew.',
    'Networks that fit all rows: weights fade, as what is fitted has no gradient left; begin late by a schedule.',
    'Very rare classes with wrong labels: a few rows then lead.',
  ],
  dataSize: 'Most where classes are rare but not tiny; a class of ten rows stays a class of ten rows.',
  references: [
    'Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019 (beta 0.9 to 0.9999)',
    'Cao et al., Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss, NeurIPS 2019 (deferred re-weighting)',
  ],
});
