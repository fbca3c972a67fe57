import { z } from 'zod';
import { type Conflict, defineRegularizer, type Setting } from '../regularizer.js';
import { makeRows } from '../synthetic-rows/make.js';
import { onlyTabular } from '../synthetic-rows/refusal.js';
import { type CopulaOptions, copulaRows } from './rows.js';

/** Features beyond which the factor of their correlations takes minutes. */
const MOST_FEATURES = 1000;

export const gaussianCopula = defineRegularizer<CopulaOptions>({
  type: 'gaussian-copula',
  title: 'Gaussian copula (synthetic rows)',
  technique: 'T9',
  summary:
    'Adds rows drawn from a model of the training rows: every column keeps its distribution, and columns keep their correlations.',
  strength: {
    unit: 'synthetic rows for each real one',
    default: 0.5,
    range: [0.1, 2],
    scale: 'log',
    limits: [0, 10],
    fixed: true,
  },
  options: z.strictObject({
    classes: z
      .enum(['as-is', 'balanced'])
      .default('as-is')
      .describe('as-is: new rows in proportion to the classes; balanced: to the rarest first, until all are alike'),
    mostRows: z.int().min(1).max(10_000_000).default(100_000).describe('Most rows to add'),
  }),
  hooks: { examples: (context, options) => makeRows('gaussian-copula', copulaRows, context, options) },
  needs: { content: ['tabular'] },
  conflicts: (_self, setting) => [...onlyTabular('gaussian-copula', setting), ...tooWide(setting)],
  cost: {
    training: 'an epoch is longer by the rows added; making them: rows times features squared, once',
    inference: 'none',
  },
  fails: [
    'Structure that correlations do not hold: clusters within a class, curves, interactions.',
    'Plentiful data: real rows say more than rows drawn from a model of them.',
    'Categories of no order that matter for the label: one variable behind them blurs it.',
  ],
  dataSize: 'For some tens to a few thousand rows; shrinkage keeps it usable with more columns than rows.',
  references: [
    'Patki, Wedge and Veeramachaneni, The Synthetic Data Vault, DSAA 2016',
    'Schaefer and Strimmer, A Shrinkage Approach to Large-Scale Covariance Matrix Estimation, SAGMB 2005',
    'copulas (DataCebo), GaussianMultivariate',
  ],
});

function tooWide({ inputs }: Setting): Conflict[] {
  const features = inputs.reduce((sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1), 0);
  if (features <= MOST_FEATURES) return [];
  return [
    {
      code: 'GAUSSIAN_COPULA_TOO_WIDE',
      severity: 'error',
      message: `gaussian-copula correlates every feature with every other, and there are ${features}`,
      remedy: `Use it up to ${MOST_FEATURES} features, or smote, mixup and input-noise, which have no such limit`,
    },
  ];
}
