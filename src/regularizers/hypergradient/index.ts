import { z } from 'zod';
import { type Active, type Conflict, defineRegularizer, type Setting } from '../regularizer.js';

interface HypergradientOptions {
  readonly learn: 'all' | readonly string[];
  readonly method: 'unrolled' | 'implicit';
  readonly terms: number;
  readonly every: number;
  readonly warmUp: number;
  readonly share: number;
}

export const hypergradient = defineRegularizer<HypergradientOptions>({
  type: 'hypergradient',
  title: 'Hypergradients (learned strengths)',
  technique: 'T28',
  summary:
    'Learns the strengths of other regularizers while training: each moves against the gradient of the loss on training rows held back.',
  strength: {
    unit: 'step of the logarithm of a strength at an update',
    default: 0.05,
    range: [0.005, 0.5],
    scale: 'log',
    limits: [0, 1],
    fixed: true,
  },
  options: z.strictObject({
    learn: z
      .union([z.literal('all'), z.array(z.string()).min(1)])
      .default('all')
      .describe('Types whose strengths are learned; all: every one of the spec that the step is differentiable by'),
    method: z
      .enum(['unrolled', 'implicit'])
      .default('unrolled')
      .describe('unrolled: the effect of one step; implicit: that of lasting strengths, by a Neumann series'),
    terms: z.int().min(1).max(1000).default(10).describe('implicit: terms of the series; each costs about two steps'),
    every: z.int().min(1).max(100_000).default(10).describe('Steps between two updates'),
    warmUp: z.number().min(0).default(1).describe('Epochs before the first update'),
    share: z
      .number()
      .min(0.01)
      .max(0.5)
      .default(0.2)
      .describe('Share of the training rows held back to learn on; the network does not train on them'),
  }),
  hooks: {
    learns: ({ learn, method, terms, every, warmUp, share }) => ({
      types: learn === 'all' ? undefined : learn,
      terms: method === 'implicit' ? terms : 0,
      every,
      warmUp,
      share,
    }),
  },
  conflicts: (self, setting) => [...unlearnable(self, setting), ...notAlone(setting), ...tooFewRows(self, setting)],
  cost: {
    training: 'every tenth step a gradient through a step, three to four times its cost (a third more in all)',
    inference: 'none',
  },
  fails: [
    'Looking one step ahead is short-sighted: what slows fitting now looks bad, so penalties come out too weak.',
    'Few rows: a fifth of them is missed by training, and what is left says little of strengths.',
    'Strengths of chance (dropout, mixup, augmentation) have no such gradient: they are refused.',
  ],
  dataSize: 'Wants some hundred rows to hold back; with few, a sweep with cross-validation is better.',
  references: [
    'Luketina et al., Scalable Gradient-Based Tuning of Continuous Regularization Hyperparameters, ICML 2016',
    'Lorraine, Vicol and Duvenaud, Optimizing Millions of Hyperparameters by Implicit Differentiation, AISTATS 2020',
    'Franceschi et al., Forward and Reverse Gradient-Based Hyperparameter Optimization, ICML 2017',
    'Wu et al., Understanding Short-Horizon Bias in Stochastic Meta-Optimization, ICLR 2018',
  ],
});

/** Types that are named, and why their strengths cannot be learned whatever the network. */
function unlearnable({ options: { learn } }: Active<HypergradientOptions>, { active }: Setting): Conflict[] {
  const refuse = (message: string, remedy: string): Conflict => ({
    code: 'HYPERGRADIENT_LEARN',
    severity: 'error',
    message,
    remedy,
  });
  const others = active.filter(({ strength, regularizer }) => strength > 0 && regularizer.hooks.learns === undefined);
  if (others.length === 0) {
    return [
      refuse(
        'hypergradient has no strength to learn: the spec has no other regularizer',
        'Add the regularizers to learn, or remove it',
      ),
    ];
  }
  if (learn === 'all') return [];
  return learn.flatMap((type) => {
    const found = others.filter(({ regularizer }) => regularizer.type === type);
    if (found.length === 0) {
      const known = [...new Set(others.map(({ regularizer }) => regularizer.type))].join(', ');
      return [
        refuse(
          `hypergradient is to learn the strength of ${type}, which does not act in this spec`,
          `Name some of ${known}`,
        ),
      ];
    }
    return found.flatMap(({ schedule, regularizer: { strength } }) => {
      if (schedule !== undefined) {
        return [
          refuse(`the strength of ${type} has a schedule, and hypergradient is to learn it`, 'Keep one of the two'),
        ];
      }
      const still = strength.switch === true || strength.fixed === true || strength.inverse !== undefined;
      return still
        ? [
            refuse(
              `the strength of ${type} is no number that the step works with: it cannot be learned by gradients`,
              `Leave ${type} out of learn`,
            ),
          ]
        : [];
    });
  });
}

function notAlone({ active }: Setting): Conflict[] {
  if (active.filter(({ regularizer }) => regularizer.hooks.learns !== undefined).length < 2) return [];
  return [
    {
      code: 'HYPERGRADIENT_TWICE',
      severity: 'error',
      message: 'two entries of hypergradient would move the same strengths',
      remedy: 'Keep one, and name all that is to be learned in it',
    },
  ];
}

function tooFewRows({ options: { share } }: Active<HypergradientOptions>, { rows }: Setting): Conflict[] {
  if (Math.round(share * rows) >= 20) return [];
  return [
    {
      code: 'HYPERGRADIENT_FEW_ROWS',
      severity: 'warning',
      message: `hypergradient holds back ${Math.round(share * rows)} of ${rows} training rows, which say little of strengths`,
      remedy: 'Choose strengths by a sweep with cross-validation',
    },
  ];
}
