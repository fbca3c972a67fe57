import { BallastError } from '../errors.js';
import type { Graph } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { derive } from '../numeric/random.js';
import { mean, standardDeviation } from '../numeric/statistics.js';
import { type BiasVariance, biasAndVariance, kneeOf } from '../paths/strength-response.js';
import { regularizerOf } from '../regularizers/registry.js';
import type { PreparedData } from '../spec/prepare.js';
import { type ResolvedSpec, resolveSpec } from '../spec/read.js';
import { planRuns } from './plan.js';
import { predictedValues } from './strength-values.js';
import { problemOf, trainRun } from './train-run.js';

export interface StrengthPathOptions {
  readonly runtime: Runtime;
  readonly data: PreparedData;
  /** Type of the regularizer whose strength varies. */
  readonly along: string;
  /** Ascending. */
  readonly strengths: readonly number[];
  /** Trainings of each strength: each on four fifths of the training rows, from a seed of its own. */
  readonly members: number;
  /** Epochs of every training but the first of a member, which begin where the one before ended. */
  readonly warmEpochs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number, of: number) => void;
}

/** A figure of the members: mean, and the standard error of the mean. */
export interface Spread {
  readonly mean: number;
  readonly se: number;
}

export interface StrengthPoint extends BiasVariance {
  readonly strength: number;
  /** Loss (log loss, or root mean squared error) on the rows each member was trained on, and on validation rows. */
  readonly train: Spread;
  readonly validation: Spread;
  /** Loss on validation less loss on training rows. */
  readonly gap: Spread;
}

/** How a model answers to one strength. */
export interface StrengthResponse {
  readonly along: string;
  readonly unit: string;
  /** Which loss. */
  readonly loss: string;
  readonly points: readonly StrengthPoint[];
  /** Place of the least mean validation loss. */
  readonly best: number;
  /** Place of the largest strength whose validation loss is within one standard error of the least. */
  readonly strongest: number;
  /** Place from which on more strength costs training loss ever faster; undefined where there is no such. */
  readonly knee: number | undefined;
}

/** Share of the training rows that each member sees. */
const SHARE = 0.8;

/**
 * Trains a spec's model along one strength, each time from the weights that the strength before left: the
 * strength-response curve, with the bias and variance of the predictions on the validation rows. Nothing is recorded.
 *
 * @throws BallastError STRENGTH_*, INTERRUPTED, and those of training
 */
export async function strengthPath(resolved: ResolvedSpec, options: StrengthPathOptions): Promise<StrengthResponse> {
  const { data, along, strengths, members, runtime, signal } = options;
  const plan = planRuns(resolved.spec, data).find(({ role }) => role === 'model');
  if (plan === undefined) throw new Error('a plan has a model');
  const losses = strengths.map(() => ({ train: [] as number[], validation: [] as number[] }));
  const predictions: Float64Array[][] = strengths.map(() => []);
  let target: Float64Array | undefined;
  let width = 1;
  for (let member = 0; member < members; member++) {
    const rows = plan.train.slice();
    derive(resolved.spec.training.seed, 'strength path', member).shuffle(rows);
    const part = { ...plan, seed: plan.seed + member, train: rows.subarray(0, Math.ceil(SHARE * rows.length)).sort() };
    let weights: Graph['initializers'] | undefined;
    for (const [index, strength] of strengths.entries()) {
      const at = withStrength(resolved, along, strength, index === 0 ? undefined : options.warmEpochs);
      const { problem, examples } = await problemOf(at, data, part);
      const result = await trainRun(
        weights === undefined ? problem : { ...problem, graph: startingFrom(problem.graph, weights) },
        {
          runtime,
          signal,
          resume: undefined,
          onEvent: () => Promise.resolve(),
        },
      );
      if (result.outcome === 'cancelled') throw interrupted();
      if (result.outcome === 'diverged') throw diverged(along, strength);
      weights = result.graph.initializers;
      const { metrics, data: own } = problem;
      const read = (positions: Int32Array, outputs: Float32Array): number => metrics(positions, outputs)[metrics.loss];
      losses[index].train.push(read(own.train, result.outputs.train));
      losses[index].validation.push(read(own.validation, result.outputs.validation));
      const values = predictedValues(at.spec, data, examples, own.validation, result.outputs.validation);
      predictions[index].push(values.predicted);
      target = values.target;
      width = values.width;
      options.onProgress?.(member * strengths.length + index + 1, members * strengths.length);
    }
  }
  const points = strengths.map((strength, index): StrengthPoint => {
    const { train, validation } = losses[index];
    return {
      strength,
      train: spreadOf(train),
      validation: spreadOf(validation),
      gap: spreadOf(validation.map((value, i) => value - train[i])),
      ...biasAndVariance(predictions[index], target ?? [], width),
    };
  });
  return {
    along,
    unit: regularizerOf(along, '--along').strength.unit,
    loss: resolved.spec.task === 'classification' ? 'logLoss' : 'rmse',
    points,
    ...turningPoints(points),
  };
}

/** Strengths that a path goes through: none, and then as many as asked for over the regularizer's sensible range. */
export function strengthsOf(along: string, count: number, from?: number, to?: number): number[] {
  const { strength } = regularizerOf(along, '--along');
  if (strength.switch === true) {
    throw new BallastError(`there is no more or less of ${along}: it is on or off`, {
      code: 'STRENGTH_SWITCH',
      place: '--along',
      remedy: 'Name a regularizer with a strength; ballast regularizers lists them',
    });
  }
  const [low, high] = [from ?? strength.range[0], to ?? strength.range[1]];
  const within = (value: number): boolean => value >= strength.limits[0] && value <= strength.limits[1];
  const logarithmic = strength.scale === 'log' && low > 0;
  if (!(low < high && within(low) && within(high)) || (strength.open === true && high >= strength.limits[1])) {
    throw new BallastError(`strengths of ${along} run upwards within ${strength.limits.join(' to ')}`, {
      code: 'STRENGTH_RANGE',
      value: [low, high],
      remedy: 'Mend --from and --to',
    });
  }
  const grid = Array.from({ length: count }, (_, i) => {
    const share = count === 1 ? 1 : i / (count - 1);
    return logarithmic ? low * (high / low) ** share : low + (high - low) * share;
  });
  return strength.inverse === undefined && grid[0] > 0 ? [0, ...grid] : grid;
}

function turningPoints(points: readonly StrengthPoint[]): Pick<StrengthResponse, 'best' | 'strongest' | 'knee'> {
  const losses = points.map(({ validation }) => validation.mean);
  const best = losses.indexOf(Math.min(...losses));
  const limit = losses[best] + points[best].validation.se;
  const strongest = losses.findLastIndex((loss) => loss <= limit);
  // Places rather than strengths: these grow by factors.
  const knee = kneeOf(
    [...points.keys()],
    points.map(({ train }) => train.mean),
  );
  return { best, strongest, knee };
}

function withStrength(
  { spec, baseDirectory }: ResolvedSpec,
  along: string,
  strength: number,
  epochs?: number,
): ResolvedSpec {
  const { inverse } = regularizerOf(along, '--along').strength;
  const own = spec.regularizers.find(({ type }) => type === along) ?? { type: along };
  const entry = inverse === undefined ? { ...own, strength } : { ...own, [inverse.option]: inverse.toOption(strength) };
  const others = spec.regularizers.filter(({ type }) => type !== along);
  const training = epochs === undefined ? spec.training : { ...spec.training, epochs };
  return resolveSpec({ ...spec, training, regularizers: [...others, entry] }, baseDirectory);
}

/** The network with the weights of another training of it. */
function startingFrom(graph: Graph, weights: Graph['initializers']): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, initial] of graph.initializers) {
    const trained = weights.get(name);
    if (trained !== undefined && trained.shape.join() === initial.shape.join()) initializers.set(name, trained);
  }
  return { ...graph, initializers };
}

const spreadOf = (values: readonly number[]): Spread => ({
  mean: mean(values),
  se: values.length > 1 ? standardDeviation(values) / Math.sqrt(values.length) : 0,
});

function interrupted(): BallastError {
  return new BallastError('interrupted before the path was whole; nothing was recorded', {
    code: 'INTERRUPTED',
    kind: 'cancelled',
  });
}

function diverged(along: string, strength: number): BallastError {
  return new BallastError(`the training diverged at ${along} ${strength}`, {
    code: 'STRENGTH_DIVERGED',
    kind: 'divergence',
    remedy: 'Lower training.optimizer.learningRate, or end the path before it with --to',
  });
}
