import { z } from 'zod';
import { type Conflict, defineRegularizer, type Setting } from '../regularizer.js';
import { makeRows } from '../synthetic-rows/make.js';
import { onlyTabular } from '../synthetic-rows/refusal.js';
import { type SmoteOptions, smoteRows } from './rows.js';

export const smote = defineRegularizer<SmoteOptions>({
  type: 'smote',
  title: 'SMOTE (synthetic minority rows)',
  technique: 'T9',
  summary:
    'Adds rows of the rarer classes to the training part, each on the segment between a real one and a near neighbour of its class.',
  strength: {
    unit: 'rows of each class wanted, as a share of those of the largest',
    default: 1,
    range: [0.1, 1],
    scale: 'linear',
    limits: [0, 1],
    fixed: true,
  },
  options: z.strictObject({
    variant: z
      .enum(['plain', 'borderline-1', 'borderline-2'])
      .default('plain')
      .describe(
        'plain starts from every row of the class; borderline-1 from those whose neighbours are mostly of other classes; borderline-2 from the same, half of the new rows towards other classes',
      ),
    neighbours: z.int().min(1).max(100).default(5).describe('Nearest rows of the class that a new row lies towards'),
    dangerNeighbours: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe('borderline: neighbours that tell whether a row is in danger'),
    mostRows: z
      .int()
      .min(1)
      .max(10_000_000)
      .default(100_000)
      .describe('Most rows to add; all classes then get less alike'),
  }),
  hooks: { examples: (context, options) => makeRows('smote', smoteRows, context, options) },
  needs: { classes: true, content: ['tabular'] },
  conflicts: (_self, setting) => [...onlyTabular('smote', setting), ...balancedTwice(setting)],
  cost: {
    training: 'an epoch is longer by the rows added; making them: rows of the class squared times features, once',
    inference: 'none',
  },
  fails: [
    'Rare rows that lie among others, or in islands: what lies between them is not of their class.',
    'Probabilities are those of the balanced classes: calibrate, or move the threshold on real rows.',
    'Many features: nearest neighbours mean little, and new rows repeat the old.',
  ],
  dataSize:
    'For some ten to a few thousand rare rows; below that there is nothing to lie between, above it nothing to gain.',
  references: [
    'Chawla et al., SMOTE: Synthetic Minority Over-sampling Technique, JAIR 2002',
    'Han, Wang and Mao, Borderline-SMOTE, ICIC 2005',
    'Lemaitre, Nogueira and Aridas, Imbalanced-learn, JMLR 2017 (defaults, danger set, SMOTE-NC)',
  ],
});

function balancedTwice({ rebalanced }: Setting): Conflict[] {
  if (rebalanced !== true) return [];
  return [
    {
      code: 'SMOTE_WITH_CLASS_WEIGHTS',
      severity: 'warning',
      message: 'smote evens out the classes, and training.classWeights or training.sampler does it once more',
      remedy: 'Keep one of them: class weights are computed from real rows, and rare classes would count twice',
    },
  ];
}
