import { z } from 'zod';
import { derive } from '../../numeric/random.js';
import type { FinishContext, StepContext } from '../context.js';
import { averageOver } from '../predictive.js';
import { defineRegularizer, type Parameter, type ParameterRole, penalizes } from '../regularizer.js';
import { divergence, drawnOutput } from './posterior.js';

/** The tensor of the logarithms of a parameter's deviations. */
const logSigma = (name: string): string => `logSigma.${name}`;

interface Choices {
  readonly include: readonly ParameterRole[];
  readonly estimator: 'local' | 'weights';
}

/** Whether a weight's noise is drawn at the outputs of its layer. */
const isLocal = (parameter: Parameter, { estimator }: Choices): boolean =>
  estimator === 'local' && parameter.product === true;

const deviationIn = ({ b, own }: Pick<StepContext, 'b' | 'own'>, parameter: Parameter) =>
  b.exp(own(logSigma(parameter.name)));

export const variational = defineRegularizer({
  type: 'variational',
  title: 'Mean-field variational weights',
  technique: 'T18',
  summary:
    'Trains a mean and a deviation for every weight by the evidence lower bound, and predicts by networks drawn from them.',
  strength: {
    unit: 'weight of the divergence from the prior',
    default: 1,
    range: [0.01, 1],
    scale: 'log',
    limits: [0, 100],
  },
  options: z.strictObject({
    priorDeviation: z.number().gt(0).max(1000).default(1).describe('Standard deviation of the prior of every weight'),
    initialDeviation: z
      .number()
      .gt(0)
      .max(10)
      .default(0.05)
      .describe('Standard deviation that every weight starts with'),
    estimator: z
      .enum(['local', 'weights'])
      .default('local')
      .describe(
        'local: noise a row at the outputs of fully connected layers, convolutions by one draw a step; weights: one draw a step for all',
      ),
    include: z
      .array(z.enum(['weight', 'bias', 'norm', 'embedding']))
      .min(1)
      .default(['weight', 'bias'])
      .describe('Kinds of parameters that have a distribution; others stay points'),
    predictive: z
      .enum(['samples', 'mean'])
      .default('samples')
      .describe('samples: the mean over networks drawn; mean: the network of the means, at the cost of one'),
    samples: z.int().min(2).max(200).default(20).describe('Networks drawn for prediction: each is run, and stored'),
  }),
  hooks: {
    parameters: ({ parameters }, { include, initialDeviation }) =>
      parameters
        .filter((parameter) => penalizes(parameter, include))
        .map(({ name, shape }) => ({
          name: logSigma(name),
          shape,
          initial: new Float32Array(shape.reduce((size, extent) => size * extent, 1)).fill(Math.log(initialDeviation)),
        })),
    weight: (context, options, { parameter, value }) => {
      const drawn =
        context.phase === 'training' && penalizes(parameter, options.include) && !isLocal(parameter, options);
      if (!drawn) return value;
      const { b, random } = context;
      return b.add(value, b.mul(deviationIn(context, parameter), random(parameter.name).normal(value.shape)));
    },
    layer: (context, options, layer) => {
      const { parameter, output } = layer;
      if (!penalizes(parameter, options.include) || !isLocal(parameter, options)) return output;
      const noise = context.random(parameter.name).normal(output.shape);
      return drawnOutput(context.b, layer, deviationIn(context, parameter), noise);
    },
    objective: (context, { include, priorDeviation }, weights) => {
      const { b, strength, setting, stored, own } = context;
      const terms = weights.flatMap(({ parameter }) =>
        penalizes(parameter, include)
          ? [divergence(b, stored(parameter.name), own(logSigma(parameter.name)), priorDeviation)]
          : [],
      );
      return terms.length === 0 ? undefined : b.mul(b.mul(terms.reduce(b.add), 1 / setting.rows), strength);
    },
    // Running statistics of the means, not of noisy weights.
    evaluated: ({ buffers, strength }) => (buffers.size > 0 && strength > 0 ? new Map() : undefined),
    finish: async (context, { predictive, samples }, graph) =>
      predictive === 'mean' || context.strength === 0 ? graph : averageOver(context, graph, drawsOf(context, samples)),
  },
  cost: {
    training:
      'twice the weights and optimizer state; a second product a fully connected layer and one normal number an output (local), or one a weight (20 ns each)',
    inference: 'one forward pass a sample: samples x, and as many bytes; none with predictive: mean',
  },
  fails: [
    'Wide networks with few rows: the divergence outweighs the data, and units are switched off; lower the strength or the prior.',
    'Few epochs: deviations need longer than means, and predictions stay as sure as they started.',
    'Correlated weights: a mean field knows none, and its predictions between clusters of data are too sure.',
  ],
  dataSize: 'Its share of the objective falls as 1 / rows by itself; the bound fits best with many rows a weight.',
  references: [
    'Blundell et al., Weight Uncertainty in Neural Networks, ICML 2015 (Bayes by backprop)',
    'Kingma, Salimans and Welling, Variational Dropout and the Local Reparameterization Trick, NIPS 2015 (noise at the outputs, logarithms of deviations)',
    'Graves, Practical Variational Inference for Neural Networks, NIPS 2011 (divergence in closed form, over the number of rows)',
    'bayesian-torch (Intel Labs): prior deviation 1, initial softplus(-3) = 0.049, biases included',
    'Wenzel et al., How Good is the Bayes Posterior in Deep Neural Networks Really?, ICML 2020 (weights of the divergence below 1)',
  ],
});

/** Networks drawn from what was trained: stored means, and the deviations beside them. */
function drawsOf({ own, trained, seed }: FinishContext, samples: number): ReadonlyMap<string, Float32Array>[] {
  const stream = derive(seed, 'variational');
  return Array.from(
    { length: samples },
    () =>
      new Map(
        [...trained].flatMap(([name, mean]): [string, Float32Array][] => {
          const logs = own.get(logSigma(name));
          if (logs === undefined) return [];
          return [[name, Float32Array.from(mean, (value, i) => value + Math.exp(logs[i]) * stream.normal())]];
        }),
      ),
  );
}
