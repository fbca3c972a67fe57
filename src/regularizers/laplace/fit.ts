import { BallastError } from '../../errors.js';
import type { Graph } from '../../graph/model.js';
import type { Random } from '../../numeric/random.js';
import type { FinishContext } from '../context.js';
import { layersPosterior, withAllLayers } from './all-layers.js';
import { curvatureOf, lastLayerOf, meanWeight, weightsOf } from './curvature.js';
import { bestPrecision, bestPrecisions, determined, type Fit, logEvidence } from './evidence.js';
import type { Scale } from './posterior.js';
import { withClosedForm, withSamples } from './predict.js';

/** Precisions of the prior and of the noise (1 for classes). */
export type Precisions = Pick<Scale, 'precision' | 'noisePrecision'>;

type Task = FinishContext['task'];

/** A posterior around trained weights, before its scale is chosen. */
export interface FittedPosterior extends Fit {
  /** The network with its predictive distribution in closed form. */
  closed(graph: Graph, scale: Scale, task: Task): Graph;
  /** The network averaged over draws of its last layer. */
  sampled(graph: Graph, scale: Scale, options: { task: Task; samples: number; stream: Random }): Graph;
}

export async function fitOf(
  context: FinishContext,
  graph: Graph,
  { structure, layers }: { structure: 'kron' | 'full'; layers: 'last' | 'all' },
): Promise<FittedPosterior> {
  if (layers === 'all') {
    const posterior = await layersPosterior(context, graph);
    return {
      curvature: posterior.curvature,
      squaredNorm: posterior.squaredNorm,
      closed: (network, scale, task) => withAllLayers(network, { task, posterior, scale }),
      sampled: () => {
        throw new Error('laplace of all layers has no samples: its conflicts refuse them');
      },
    };
  }
  const layer = lastLayerOf(graph);
  const posterior = await curvatureOf(context, graph, layer, structure);
  return {
    curvature: posterior.curvature,
    squaredNorm: weightsOf(graph, layer).reduce((sum, value) => sum + value * value, 0),
    closed: (network, scale, task) =>
      withClosedForm(network, layer, posterior.at(scale), { task, noiseVariance: 1 / scale.noisePrecision }),
    sampled: (network, scale, options) => withSamples(network, layer, posterior.at(scale), options),
  };
}

/** The precisions of largest evidence. @param fixed a prior precision that is given @param errors of the training rows */
export function evidenceScale(
  { task, train }: Pick<FinishContext, 'task' | 'train'>,
  { curvature, squaredNorm }: Fit,
  errors: number,
  fixed: number | undefined,
): Precisions {
  return task === 'regression'
    ? bestPrecisions({ curvature, squaredNorm }, { rows: train.length, squares: errors, fixed })
    : { precision: fixed ?? bestPrecision({ curvature, squaredNorm }), noisePrecision: 1 };
}

/** Prior precisions that are tried on validation rows: 1e-4 to 1e4, as laplace-torch, in half decades. */
const GRID = Array.from({ length: 17 }, (_, i) => 10 ** (i / 2 - 4));

/**
 * The precisions of lowest log loss on the validation rows.
 *
 * @throws BallastError LAPLACE_NEEDS_VALIDATION where there are none
 */
export async function bestOnValidation(
  context: FinishContext,
  fit: Fit,
  errors: number,
  predictions: (scale: Precisions) => Graph,
): Promise<Precisions> {
  const { validation } = context;
  if (validation.length === 0) {
    throw new BallastError('there are no validation rows to choose the precision of laplace on', {
      code: 'LAPLACE_NEEDS_VALIDATION',
      place: 'data.split.validation',
      remedy: 'Set data.split.validation above 0, or precision: evidence',
    });
  }
  let best: { scale: Precisions; loss: number } | undefined;
  for (const precision of GRID) {
    const scale = evidenceScale(context, fit, errors, precision);
    const graph = predictions(scale);
    const loss =
      context.task === 'regression'
        ? await normalLoss(context, graph, validation)
        : await errorsOf(context, graph, validation);
    if (best === undefined || loss < best.loss) best = { scale, loss };
  }
  return best!.scale;
}

/** Minus the log density of the targets under normal distributions of the predictive deviations, without its constant. */
async function normalLoss({ run, target }: FinishContext, graph: Graph, rows: Int32Array): Promise<number> {
  const means = await run(graph, rows);
  const deviations = await run(graph, rows, 'predictiveDeviation');
  return rows.reduce((sum, row, i) => {
    const residual = (Number(target.data[row]) - means[i]) / deviations[i];
    return sum + residual ** 2 / 2 + Math.log(deviations[i]);
  }, 0);
}

/** Summed errors of rows: minus their log likelihood, or squared residuals. Weights of rows count relatively. */
export async function errorsOf(
  { run, target, task, weights }: FinishContext,
  graph: Graph,
  rows: Int32Array,
): Promise<number> {
  const outputs = await run(graph, rows);
  const width = outputs.length / rows.length;
  const share = meanWeight(rows, weights);
  let sum = 0;
  rows.forEach((row, i) => {
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

/** Tells what was chosen: it acts, so it is on record. */
export function tellFit(
  { task, train, tell }: FinishContext,
  fit: Fit,
  { precision, noisePrecision, errors, precisionBy }: Precisions & { errors: number; precisionBy: string },
): void {
  const rows = train.length;
  const curvature = fit.curvature.map((h) => h * noisePrecision);
  const logLikelihood =
    task === 'regression' ? (rows * Math.log(noisePrecision / (2 * Math.PI)) - noisePrecision * errors) / 2 : -errors;
  const evidence = logEvidence({ curvature, squaredNorm: fit.squaredNorm }, precision, logLikelihood);
  const parts = [
    `prior precision ${precision.toPrecision(4)} ${precisionBy}`,
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
