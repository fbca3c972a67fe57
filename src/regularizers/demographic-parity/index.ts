import { defineRegularizer } from '../regularizer.js';
import { parityOptions } from './parity.js';
import { parityConflicts, parityHooks } from './reduction.js';

export const demographicParity = defineRegularizer({
  type: 'demographic-parity',
  title: 'Demographic parity',
  technique: 'T25',
  summary:
    'Draws the shares in which groups of a sensitive column get each prediction together, as a penalty, a constraint or a mixture of networks.',
  strength: {
    unit: 'coefficient lambda, or the most that multipliers add up to',
    default: 10,
    range: [0.1, 1000],
    scale: 'log',
    limits: [0, 1e5],
  },
  options: parityOptions,
  hooks: parityHooks('all'),
  needs: { classes: true, column: 'sensitive' },
  conflicts: (self, setting) => parityConflicts('demographic-parity', self, setting),
  cost: {
    training: 'products of the size of the batch times the groups',
    inference:
      'none; it does not see the sensitive column. A mixture: one forward pass a network that is kept, two or three as a rule',
  },
  fails: [
    'Accuracy falls where the groups truly differ: parity then means other errors for each of them.',
    'Equal shares say nothing of errors: a group may get them by chance; see equalized-odds.',
    'Small batches: the square of a noisy difference pulls predictions to the mean; take 256 rows or more, or the constraint.',
    'Decisions at another threshold than training assumed: check the gap there.',
    'A mixture with few epochs a round, or with a schedule that ends near a rate of 0: networks do not answer the multipliers.',
  ],
  dataSize: 'Needs some hundred rows of each group: differences of small groups are noise, and it fits them.',
  references: [
    'Agarwal et al., A Reductions Approach to Fair Classification, ICML 2018 (multipliers by exponentiated gradient)',
    'Cotter et al., Two-Player Games for Efficient Non-Convex Constrained Optimization, ALT 2019 (counts for one player, a proxy for the other)',
    'fairlearn.reductions.DemographicParity, ExponentiatedGradient (difference bound 0.01)',
  ],
});
