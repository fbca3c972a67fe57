import { parityOptions } from '../demographic-parity/parity.js';
import { parityConflicts, parityHooks } from '../demographic-parity/reduction.js';
import { defineRegularizer } from '../regularizer.js';

export const equalizedOdds = defineRegularizer({
  type: 'equalized-odds',
  title: 'Equalized odds',
  technique: 'T25',
  summary:
    'Draws the rates of right and wrong predictions of groups together within each true class, as a penalty, a constraint or a mixture.',
  strength: {
    unit: 'coefficient lambda, or the most that multipliers add up to',
    default: 10,
    range: [0.1, 1000],
    scale: 'log',
    limits: [0, 1e5],
  },
  options: parityOptions,
  hooks: parityHooks('class'),
  needs: { classes: true, column: 'sensitive' },
  conflicts: (self, setting) => parityConflicts('equalized-odds', self, setting),
  cost: {
    training: 'products of the size of the batch times the groups',
    inference:
      'none; it does not see the sensitive column. A mixture: one forward pass a network that is kept, two or three as a rule',
  },
  fails: [
    'Labels that are themselves unfair: it makes errors alike, measured against them.',
    'Groups that are rarely of a class: their rates there are noise.',
    'Small batches: the square of a noisy difference pulls predictions to the mean; take 512 rows or more, or the constraint.',
    'Decisions at another threshold than training assumed: check the gap there.',
    'A mixture with few epochs a round, or with a schedule that ends near a rate of 0: networks do not answer the multipliers.',
  ],
  dataSize:
    'Needs some hundred rows of each group in each class: differences of small groups are noise, and it fits them.',
  references: [
    'Hardt, Price and Srebro, Equality of Opportunity in Supervised Learning, NeurIPS 2016',
    'Agarwal et al., A Reductions Approach to Fair Classification, ICML 2018 (multipliers by exponentiated gradient)',
    'Cotter et al., Two-Player Games for Efficient Non-Convex Constrained Optimization, ALT 2019 (counts for one player, a proxy for the other)',
    'fairlearn.reductions.EqualizedOdds, ExponentiatedGradient (difference bound 0.01)',
  ],
});
