import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { Graph } from '../../graph/model.js';
import { derive } from '../../numeric/random.js';
import { defineRegularizer } from '../regularizer.js';
import { largestFactor, withAllLayers } from './all-layers.js';
import { LARGEST, type LastLayer, lastLayerOf } from './curvature.js';
import { bestOnValidation, errorsOf, evidenceScale, fitOf, type Precisions, tellFit } from './fit.js';

type Structure = 'kron' | 'full';

export const laplace = defineRegularizer({
  type: 'laplace',
  title: 'Laplace approximation',
  technique: 'T18',
  summary:
    'After training, a Gaussian posterior over the last layer or all, its prior chosen by the evidence, takes confidence back where rows are few.',
  strength: {
    unit: 'temperature of the posterior',
    default: 1,
    range: [0.1, 10],
    scale: 'log',
    limits: [0, 1000],
  },
  options: z.strictObject({
    layers: z
      .enum(['last', 'all'])
      .default('last')
      .describe(
        'Weights that are uncertain: those of the last layer, or of all fully connected ones (kron, closed-form)',
      ),
    structure: z
      .enum(['kron', 'full'])
      .default('kron')
      .describe('kron: one factor for inputs and one for outputs; full: all pairs of weights, for small layers'),
    precision: z
      .union([z.enum(['evidence', 'validation']), z.number().positive().max(1e10)])
      .default('evidence')
      .describe(
        'Precision of the Gaussian prior: chosen by the evidence of the training rows, by the log loss of the validation rows, or a number',
      ),
    predictive: z
      .enum(['closed-form', 'samples'])
      .default('closed-form')
      .describe('closed-form: the probit approximation for classes, exact for numbers; samples tell disagreement too'),
    samples: z.int().min(2).max(1000).default(100).describe('Draws of the last layer, where predictive is samples'),
  }),
  hooks: {
    // Looked at before training: what cannot be finished is refused before it costs anything.
    architecture: ({ task }, { structure, layers }, graph) => {
      const last = lastLayerOf(graph);
      refuseLarge(last, structure, layers === 'all' ? largestFactor(graph) : 0);
      if (layers === 'all') withAllLayers(graph, { task, posterior: undefined, scale: UNIT });
      return graph;
    },
    finish: async (context, { structure, layers, precision, predictive, samples }, graph) => {
      const { task, strength: temperature, seed } = context;
      if (temperature === 0) return graph;
      const fit = await fitOf(context, graph, { structure, layers });
      const errors = await errorsOf(context, graph, context.train);
      const predictions = (scale: Precisions): Graph => {
        if (predictive === 'samples') {
          const stream = derive(seed, 'laplace');
          return fit.sampled(graph, { ...scale, temperature }, { task, samples, stream });
        }
        return fit.closed(graph, { ...scale, temperature }, task);
      };
      const scale =
        precision === 'validation'
          ? await bestOnValidation(context, fit, errors, predictions)
          : evidenceScale(context, fit, errors, precision === 'evidence' ? undefined : precision);
      tellFit(context, fit, { ...scale, errors, precisionBy: BY[String(precision)] ?? 'as given' });
      return predictions(scale);
    },
  },
  conflicts: ({ options: { layers, structure, predictive, precision } }, { rebalanced }) => [
    ...(layers === 'all' && (structure === 'full' || predictive === 'samples')
      ? [
          {
            code: 'LAPLACE_LAYERS',
            severity: 'error' as const,
            message: `laplace of all layers knows kron and closed-form, not ${structure === 'full' ? 'structure: full' : 'predictive: samples'}`,
            remedy: 'Set layers: last, or leave structure and predictive at their defaults',
          },
        ]
      : []),
    ...(precision === 'validation' && predictive === 'samples'
      ? [
          {
            code: 'LAPLACE_VALIDATION_OF_SAMPLES',
            severity: 'error' as const,
            message: 'laplace chooses its precision on validation rows for predictive: closed-form alone',
            remedy: 'Set precision: evidence, or the number that closed-form chose',
          },
        ]
      : []),
    ...(rebalanced === true
      ? [
          {
            code: 'LAPLACE_WITH_REBALANCED_CLASSES',
            severity: 'warning' as const,
            message: 'laplace weighs every training row alike, and training evens out the classes',
            remedy: 'Set training.classWeights to none where probabilities matter, or calibrate afterwards',
          },
        ]
      : []),
  ],
  cost: {
    training:
      'none; after it one pass over the training rows, and the eigenvalues of the factors: n^3 for n features (kron) or weights (full); with precision: validation the predictions of 17 precisions',
    inference:
      'one more product of the last layer by itself (kron) or by each class (full); samples x with samples; of all layers, the way back through them for each class',
  },
  fails: [
    'A network whose weights are not at a minimum: the Gaussian is centred beside the posterior.',
    'Errors that come from the features: with layers: last only the last layer is uncertain, and far from the data it may still be sure.',
    'Classes that the network tells apart without an error: the curvature nearly vanishes, the Gaussian is wider than the posterior, and the evidence makes it too unsure; use precision: validation.',
    'An underfitted network: its probabilities are too soft already, and become softer.',
  ],
  dataSize: 'Its effect falls as 1 / rows: most with few rows for the features of the last layer.',
  references: [
    'MacKay, A Practical Bayesian Framework for Backpropagation Networks, Neural Computation 1992 (evidence, fixed point); The Evidence Framework Applied to Classification Networks, 1992 (probit approximation)',
    'Daxberger et al., Laplace Redux: Effortless Bayesian Deep Learning, NeurIPS 2021; laplace-torch (last layer, kron, probit, one precision by marginal likelihood, 100 samples)',
    'Ritter, Botev and Barber, A Scalable Laplace Approximation for Neural Networks, ICLR 2018; Martens and Grosse, Optimizing Neural Networks with Kronecker-factored Approximate Curvature, ICML 2015 (bias as one more input)',
    'Immer, Korzepa and Bauer, Improving Predictions of Bayesian Neural Nets via Local Linearization, AISTATS 2021 (linearized predictive of all layers)',
    'Kristiadi, Hein and Hennig, Being Bayesian, Even Just a Bit, Fixes Overconfidence in ReLU Networks, ICML 2020',
    'Wenzel et al., How Good is the Bayes Posterior in Deep Neural Networks Really?, ICML 2020 (temperature of the posterior)',
  ],
});

/** Scales with which a graph is only tried. */
const UNIT = { precision: 1, noisePrecision: 1, temperature: 1 };

/** @param largest order of a factor beside those of the last layer @throws BallastError LAPLACE_TOO_LARGE */
function refuseLarge({ inputs, outputs }: LastLayer, structure: Structure, largest: number): void {
  const own = structure === 'full' ? inputs * outputs : Math.max(inputs, outputs);
  const order = Math.max(own, largest);
  if (order <= LARGEST) return;
  throw new BallastError(
    `laplace would take a matrix of order ${order} apart (the last layer has ${inputs} inputs and ${outputs} outputs), which takes minutes beyond ${LARGEST}`,
    {
      code: 'LAPLACE_TOO_LARGE',
      place: 'regularizers',
      value: order,
      remedy:
        largest > own
          ? 'Set layers: last'
          : structure === 'full' && Math.max(inputs, outputs) <= LARGEST
            ? 'Set structure: kron'
            : 'Make the layer before the last one narrower',
    },
  );
}

/** How the prior's precision was chosen, in words. */
const BY: Readonly<Record<string, string>> = { evidence: 'by the evidence', validation: 'by validation rows' };
