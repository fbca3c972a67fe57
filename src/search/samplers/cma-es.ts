import { derive, type Random } from '../../numeric/random.js';
import { symmetricEigen } from '../../numeric/symmetric.js';
import type { Request, Sampler } from '../sampler.js';
import { fromUnit, type Parameter, toUnit } from '../space.js';
import { isComplete, type Trial, violationOf } from '../trial.js';
import { tpeSampler } from './tpe.js';

/** Draws that may fall outside the cube before one is put onto its wall. */
const MOST_DRAWS = 100;

/**
 * CMA-ES (Hansen 2016, "The CMA evolution strategy: a tutorial", with negative weights): a normal distribution over the
 * ranges of the space that learns, generation by generation, where to go and along which directions. Choices, and what
 * hangs on them, are the business of TPE beside it. Its state follows from the trials alone, replayed generation by
 * generation.
 */
export function cmaEsSampler(): Sampler {
  const rest = tpeSampler();
  return {
    suggest(request) {
      const { space, trials, number, seed } = request;
      const ranges = space.parameters.filter(
        ({ dimension, when }) => dimension.kind !== 'choice' && when === undefined,
      );
      if (ranges.length === 0) return rest.suggest(request);
      const point = ranges.length === space.parameters.length ? {} : rest.suggest(request)!.point;
      const { state, generation } = replay(ranges, trials);
      const drawn = draw(state, derive(seed, 'cma-es', number));
      const own = ranges.map(({ name, dimension }, i) => [name, fromUnit(dimension, drawn[i])] as const);
      return { point: { ...point, ...Object.fromEntries(own) }, tag: `generation ${generation}` };
    },
  };
}

interface State {
  readonly mean: Float64Array;
  readonly sigma: number;
  readonly covariance: Float64Array;
  readonly pathSigma: Float64Array;
  readonly pathCovariance: Float64Array;
  readonly generations: number;
}

/** The state after all generations that are done, and the number of the one that is under way. */
function replay(ranges: readonly Parameter[], trials: Request['trials']): { state: State; generation: number } {
  const n = ranges.length;
  const size = 4 + Math.floor(3 * Math.log(n));
  const identity = Float64Array.from({ length: n * n }, (_, e) => (e % (n + 1) === 0 ? 1 : 0));
  let state: State = {
    mean: new Float64Array(n).fill(0.5),
    sigma: 0.25,
    covariance: identity,
    pathSigma: new Float64Array(n),
    pathCovariance: new Float64Array(n),
    generations: 0,
  };
  for (let generation = 0; ; generation++) {
    const own = trials
      .filter(({ tag, state: at }) => tag === `generation ${generation}` && at !== 'running')
      .slice(0, size);
    if (own.length < size) return { state, generation };
    state = next(
      state,
      [...own]
        .sort(inOrder)
        .map(({ point }) => Float64Array.from(ranges, ({ name, dimension }) => toUnit(dimension, point[name]))),
    );
  }
}

/** Complete ones by loss, those that keep the constraints first; then what was pruned or failed. */
function inOrder(a: Trial, b: Trial): number {
  const loss = (trial: Trial): number => (isComplete(trial) ? trial.losses[0] : Number.POSITIVE_INFINITY);
  const first = violationOf(a) - violationOf(b);
  if (first !== 0) return first;
  return loss(a) === loss(b) ? a.number - b.number : loss(a) - loss(b);
}

function draw({ mean, sigma, covariance }: State, random: Random): Float64Array {
  const n = mean.length;
  const { values, vectors } = symmetricEigen(covariance, n);
  let x = mean;
  for (let attempt = 0; attempt < MOST_DRAWS; attempt++) {
    const z = Float64Array.from(values, (value) => Math.sqrt(Math.max(0, value)) * random.normal());
    x = mean.map((m, i) => m + sigma * z.reduce((sum, zj, j) => sum + vectors[j * n + i] * zj, 0));
    if (x.every((value) => value >= 0 && value <= 1)) return x;
  }
  return x.map((value) => Math.min(1, Math.max(0, value)));
}

/** One generation on; `ranked` are its points, the best first. Names as in the tutorial, figure 6. */
function next(state: State, ranked: readonly Float64Array[]): State {
  const { mean, sigma, covariance, generations } = state;
  const n = mean.length;
  const lambda = ranked.length;
  const mu = Math.floor(lambda / 2);
  const raw = ranked.map((_, i) => Math.log((lambda + 1) / 2) - Math.log(i + 1));
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const square = (values: readonly number[]): number => sum(values.map((value) => value * value));
  const [good, bad] = [raw.slice(0, mu), raw.slice(mu)];
  const muEff = sum(good) ** 2 / square(good);
  const muEffBad = sum(bad) ** 2 / square(bad);
  const cC = (4 + muEff / n) / (n + 4 + (2 * muEff) / n);
  const c1 = 2 / ((n + 1.3) ** 2 + muEff);
  const cMu = Math.min(1 - c1, (2 * (0.25 + muEff + 1 / muEff - 2)) / ((n + 2) ** 2 + muEff));
  const cSigma = (muEff + 2) / (n + muEff + 5);
  const damping = 1 + 2 * Math.max(0, Math.sqrt((muEff - 1) / (n + 1)) - 1) + cSigma;
  const badScale = Math.min(1 + c1 / cMu, 1 + (2 * muEffBad) / (muEff + 2), (1 - c1 - cMu) / (n * cMu));
  const weights = raw.map((value) => (value >= 0 ? value / sum(good) : (badScale * value) / Math.abs(sum(bad))));
  const expected = Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n));

  const steps = ranked.map((x) => x.map((value, i) => (value - mean[i]) / sigma));
  const along = mean.map((_, i) => sum(good.map((__, k) => weights[k] * steps[k][i])));
  const { values, vectors } = symmetricEigen(covariance, n);
  /** C^(-1/2) v */
  const whitened = (v: Float64Array): Float64Array => {
    const turned = values.map(
      (value, j) => v.reduce((s, vi, i) => s + vectors[j * n + i] * vi, 0) / Math.sqrt(Math.max(value, 1e-20)),
    );
    return v.map((_, i) => turned.reduce((s, t, j) => s + vectors[j * n + i] * t, 0));
  };
  const white = whitened(along);
  const pathSigma = state.pathSigma.map(
    (p, i) => (1 - cSigma) * p + Math.sqrt(cSigma * (2 - cSigma) * muEff) * white[i],
  );
  const length = Math.hypot(...pathSigma);
  const steady =
    length / Math.sqrt(1 - (1 - cSigma) ** (2 * (generations + 1))) < (1.4 + 2 / (n + 1)) * expected ? 1 : 0;
  const pathCovariance = state.pathCovariance.map(
    (p, i) => (1 - cC) * p + steady * Math.sqrt(cC * (2 - cC) * muEff) * along[i],
  );
  const lengths = steps.map((step) => Math.hypot(...whitened(step)) ** 2);
  const scaled = weights.map((weight, k) => (weight >= 0 ? weight : (weight * n) / Math.max(lengths[k], 1e-20)));
  const kept = 1 + c1 * (1 - steady) * cC * (2 - cC) - c1 - cMu * sum(weights);
  const updated = covariance.map((value, e) => {
    const [i, j] = [Math.floor(e / n), e % n];
    const rank = sum(scaled.map((weight, k) => weight * steps[k][i] * steps[k][j]));
    return kept * value + c1 * pathCovariance[i] * pathCovariance[j] + cMu * rank;
  });
  return {
    mean: mean.map((m, i) => m + sigma * along[i]),
    sigma: sigma * Math.exp(Math.min(1, (cSigma / damping) * (length / expected - 1))),
    covariance: updated,
    pathSigma,
    pathCovariance,
    generations: generations + 1,
  };
}
