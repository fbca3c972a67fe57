import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { Graph } from '../../graph/model.js';
import { derive } from '../../numeric/random.js';
import type { FinishContext } from '../context.js';
import { defineRegularizer } from '../regularizer.js';
import { curvatureOf, LARGEST, type LastLayer, lastLayerOf, meanWeight, weightsOf } from './curvature.js';
import { bestPrecision, bestPrecisions, determined, logEvidence } from './evidence.js';
import { withClosedForm, withSamples } from './predict.js';

type Structure = 'kron' | 'full';

export const laplace = defineRegularizer({
  type: 'laplace',
  title: 'Laplace approximation (last layer)',
  technique: 'T18',
  summary:
    'After training, a Gaussian posterior over the last layer, its prior chosen by the evidence, takes confidence back where rows are few.',
  strength: {
    unit: 'temperature of the posterior',
    default: 1,
    range: [0.1, 10],
    scale: 'log',
    limits: [0, 1000],
  },
  options: z.strictObject({
    structure: z
      .enum(['kron', 'full'])
      .default('kron')
      .describe('kron: one factor for inputs and one for outputs; full: all pairs of weights, for small layers'),
    precision: z
      .union([z.literal('evidence'), z.number().positive().max(1e10)])
      .default('evidence')
      .describe('Precision of the Gaussian prior: chosen by the evidence of the training rows, or a number'),
    predictive: z
      .enum(['closed-form', 'samples'])
      .default('closed-form')
      .describe('closed-form: the probit approximation for classes, exact for numbers; samples tell disagreement too'),
    samples: z.int().min(2).max(1000).default(100).describe('Draws of the last layer, where predictive is samples'),
  }),
  hooks: {
    // Looked at before training: what cannot be finished is refused before it costs anything.
    architecture: (_context, { structure }, graph) => {
      refuseLarge(lastLayerOf(graph), structure);
      return graph;
    },
    finish: async (context, { structure, precision: asked, predictive, samples }, graph) => {
      if (context.strength === 0) return graph;
      const layer = lastLayerOf(graph);
      const posterior = await curvatureOf(context, graph, layer, structure);
      const squaredNorm = weightsOf(graph, layer).reduce((sum, value) => sum + value * value, 0);
      const { curvature } = posterior;
      const known = await errorsOf(context, graph);
      const fixed = asked === 'evidence' ? undefined : asked;
      const { precision, noisePrecision } =
        context.task === 'regression'
          ? bestPrecisions({ curvature, squaredNorm }, { rows: context.train.length, squares: known, fixed })
          : { precision: fixed ?? bestPrecision({ curvature, squaredNorm }), noisePrecision: 1 };
      tellFit(context, { curvature, squaredNorm, precision, noisePrecision, known, fixed });
      const { task, strength: temperature } = context;
      const covariance = posterior.at({ precision, noisePrecision, temperature });
      return predictive === 'samples'
        ? withSamples(graph, layer, covariance, { task, samples, stream: derive(context.seed, 'laplace') })
        : withClosedForm(graph, layer, covariance, { task, noiseVariance: 1 / noisePrecision });
    },
  },
  conflicts: (_self, { rebalanced }) =>
    rebalanced === true
      ? [
          {
            code: 'LAPLACE_WITH_REBALANCED_CLASSES',
            severity: 'warning' as const,
            message: 'laplace weighs every training row alike, and training evens out the classes',
            remedy: 'Set training.classWeights to none where probabilities matter, or calibrate afterwards',
          },
        ]
      : [],
  cost: {
    training:
      'none; after it one pass over the training rows, and the eigenvalues of the factors: n^3 for n features (kron) or weights (full)',
    inference: 'one more product of the last layer by itself (kron) or by each class (full); samples x with samples',
  },
  fails: [
    'A network whose weights are not at a minimum: the Gaussian is centred beside the posterior.',
    'Errors that come from the features: only the last layer is uncertain, and far from the data it may still be sure.',
    'An underfitted network: its probabilities are too soft already, and become softer.',
  ],
  dataSize: 'Its effect falls as 1 / rows: most with few rows for the features of the last layer.',
  references: [
    'MacKay, A Practical Bayesian Framework for Backpropagation Networks, Neural Computation 1992 (evidence, fixed point); The Evidence Framework Applied to Classification Networks, 1992 (probit approximation)',
    'Daxberger et al., Laplace Redux: Effortless Bayesian Deep Learning, NeurIPS 2021; laplace-torch (last layer, kron, probit, one precision by marginal likelihood, 100 samples)',
    'Ritter, Botev and Barber, A Scalable Laplace Approximation for Neural Networks, ICLR 2018; Martens and Grosse, Optimizing Neural Networks with Kronecker-factored Approximate Curvature, ICML 2015 (bias as one more input)',
    'Kristiadi, Hein and Hennig, Being Bayesian, Even Just a Bit, Fixes Overconfidence in ReLU Networks, ICML 2020',
    'Wenzel et al., How Good is the Bayes Posterior in Deep Neural Networks Really?, ICML 2020 (temperature of the posterior)',
  ],
});

/** @throws BallastError LAPLACE_TOO_LARGE */
function refuseLarge({ inputs, outputs }: LastLayer, structure: Structure): void {
  const order = structure === 'full' ? inputs * outputs : Math.max(inputs, outputs);
  if (order <= LARGEST) return;
  throw new BallastError(
    `laplace would take a matrix of order ${order} apart (${inputs} inputs, ${outputs} outputs of the last layer), which takes minutes beyond ${LARGEST}`,
    {
      code: 'LAPLACE_TOO_LARGE',
      place: 'regularizers',
      value: order,
      remedy:
        structure === 'full' && Math.max(inputs, outputs) <= LARGEST
          ? 'Set structure: kron'
          : 'Make the layer before the last one narrower',
    },
  );
}

/** Summed errors of the training rows: minus their log likelihood, or squared residuals. Weights of rows count relatively. */
async function errorsOf({ run, train, target, task, weights }: FinishContext, graph: Graph): Promise<number> {
  const outputs = await run(graph, train);
  const width = outputs.length / train.length;
  const share = meanWeight(train, weights);
  let sum = 0;
  train.forEach((row, i) => {
    const own = outputs.subarray(i * width, (i + 1) * width);
    const label = Number(target.data[row]);
    sum += ((weights?.[row] ?? 1) / share) * (task === 'regression' ? (own[0] - label) ** 2 : crossEntropy(own, label));
  });
  return sum;
}

function crossEntropy(logits: Float32Array, label: number): number {
  const largest = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0)) - logits[label];
}

/** Tells what the evidence chose: it acts, so it is on record. */
function tellFit(
  { task, train, tell }: FinishContext,
  fit: {
    curvature: Float64Array;
    squaredNorm: number;
    precision: number;
    noisePrecision: number;
    known: number;
    fixed: number | undefined;
  },
): void {
  const { squaredNorm, precision, noisePrecision, known, fixed } = fit;
  const rows = train.length;
  const curvature = fit.curvature.map((h) => h * noisePrecision);
  const logLikelihood =
    task === 'regression' ? (rows * Math.log(noisePrecision / (2 * Math.PI)) - noisePrecision * known) / 2 : -known;
  const evidence = logEvidence({ curvature, squaredNorm }, precision, logLikelihood);
  const parts = [
    `prior precision ${precision.toPrecision(4)} ${fixed === undefined ? 'by the evidence' : 'as given'}`,
    ...(task === 'regression' ? [`noise ${Math.sqrt(1 / noisePrecision).toPrecision(4)} (standardised target)`] : []),
    `${determined(curvature, precision).toFixed(1)} of ${curvature.length} weights determined by the data`,
    `log evidence ${evidence.toFixed(2)}`,
  ];
  tell({
    code: 'LAPLACE_FITTED',
    severity: 'info',
    message: `laplace: ${parts.join(', ')}`,
    remedy: 'Nothing to do',
  });
}
