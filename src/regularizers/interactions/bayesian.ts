import type { Interaction } from './interaction.js';

/** What makes predictions of its own after training: one posterior at a time. */
const POSTERIORS = ['laplace', 'mc-dropout', 'swag', 'variational'];

const AVERAGES = ['ema', 'swa'];

/** What shrinks weights as the prior of variational weights does. */
const SHRINKING = ['l2', 'prior', 'weight-decay'];

const MEMBERS = ['ensemble', 'co-teaching'];

/** Interactions of techniques that predict by a posterior over weights. */
export const BAYESIAN: readonly Interaction[] = [
  ...POSTERIORS.flatMap((first, i) =>
    POSTERIORS.slice(i + 1).map(
      (second): Interaction => ({
        first,
        second,
        kind: 'refuse',
        code: 'TWO_POSTERIORS',
        reason: `${first} and ${second} both make the predictions of a posterior of their own`,
        remedy: 'Keep one of them; compare their negative log-likelihood',
        source: 'by construction',
      }),
    ),
  ),
  ...MEMBERS.map(
    (second): Interaction => ({
      first: 'laplace',
      second,
      kind: 'refuse',
      code: 'LAPLACE_OF_MEMBERS',
      reason: `laplace is about one last layer, and ${second} trains several networks side by side`,
      remedy: 'Keep one of them',
      source: 'by construction',
    }),
  ),
  ...AVERAGES.map(
    (first): Interaction => ({
      first,
      second: 'swag',
      kind: 'refuse',
      code: 'TWO_AVERAGES',
      reason: `${first} and swag both put an average in the place of the weights, and a model has one`,
      remedy: 'Keep swag: the mean of its posterior is the average that swa takes',
      source: 'Maddox et al., A Simple Baseline for Bayesian Uncertainty in Deep Learning, NeurIPS 2019, section 3.1',
    }),
  ),
  {
    first: 'early-stopping',
    second: 'swag',
    kind: 'warn',
    code: 'EARLY_STOPPING_BEFORE_SWAG',
    reason: 'early-stopping may end the run before swag has collected a posterior, or return to an epoch before it',
    remedy: 'Remove early-stopping: the mean over networks does its work',
    source: 'Maddox et al., A Simple Baseline for Bayesian Uncertainty in Deep Learning, NeurIPS 2019, algorithm 1',
  },
  {
    first: 'laplace',
    second: 'l1',
    kind: 'warn',
    code: 'LAPLACE_WITH_L1',
    reason:
      'laplace puts a Gaussian around the weights, and l1 leaves some of them at a kink of its penalty, where there is none',
    remedy: 'Use l2, weight-decay or a gaussian prior for the last layer',
    source:
      'MacKay, A Practical Bayesian Framework for Backpropagation Networks, Neural Computation 1992 (the expansion needs a smooth mode)',
  },
  {
    first: 'laplace',
    second: 'label-smoothing',
    kind: 'warn',
    code: 'LAPLACE_WITH_LABEL_SMOOTHING',
    reason:
      'laplace and label-smoothing both take confidence back, and the curvature of laplace is that of labels as they are',
    remedy: 'Keep one of them: laplace where uncertainty should follow the data',
    source: 'by construction (the Gaussian is of the likelihood, which label-smoothing is not)',
  },
  {
    first: 'early-stopping',
    second: 'laplace',
    kind: 'warn',
    code: 'EARLY_STOPPING_WITH_LAPLACE',
    reason: 'early-stopping returns weights that are not at a minimum, and laplace expands around one',
    remedy: 'Train to the end under weight-decay where the evidence is to be believed; probabilities profit either way',
    source: 'Daxberger et al., Laplace Redux, NeurIPS 2021, section 2 (expansion around a local maximum)',
  },
  ...SHRINKING.map(
    (second): Interaction => ({
      first: 'variational',
      second,
      kind: 'warn',
      code: 'PRIOR_TWICE',
      reason: `the divergence of variational already holds a Gaussian prior on the weights, and ${second} adds another`,
      remedy: `Remove ${second}; set priorDeviation of variational`,
      source: 'Graves, Practical Variational Inference for Neural Networks, NIPS 2011 (the prior is within the bound)',
    }),
  ),
  {
    first: 'variational',
    second: 'dropout',
    kind: 'warn',
    code: 'NOISE_TWICE',
    reason: 'dropout is a variational distribution of its own, and noise of both adds up in training alone',
    remedy: 'Keep one of them: dropout with mc-dropout, or variational',
    source:
      'Gal and Ghahramani, Dropout as a Bayesian Approximation, ICML 2016; Kingma, Salimans and Welling, NIPS 2015, section 3',
  },
  {
    first: 'variational',
    second: 'weight-noise',
    kind: 'warn',
    code: 'NOISE_TWICE',
    reason: 'variational learns how much noise each weight bears, and weight-noise adds a fixed amount to it',
    remedy: 'Keep variational: weight-noise is its special case with one deviation',
    source: 'Graves, Practical Variational Inference for Neural Networks, NIPS 2011',
  },
  {
    first: 'variational',
    second: 'pruning',
    kind: 'warn',
    code: 'VARIATIONAL_WITH_PRUNING',
    reason: 'pruning masks the means, and the deviations of pruned weights go on disturbing training',
    remedy: 'Train with variational first; prune by the ratio of mean and deviation afterwards',
    source:
      'Blundell et al., Weight Uncertainty in Neural Networks, ICML 2015, section 5.1 (pruning by signal to noise)',
  },
];
