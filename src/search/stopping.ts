import { derive } from '../numeric/random.js';
import { climb, neighbour } from './neighbour.js';
import { sobolPoint } from './sobol.js';
import { type Point, pointAt, type Space } from './space.js';
import { fitSurrogate } from './surrogate.js';
import { byQuality, type CompleteTrial, isComplete, isFeasible, type Trial } from './trial.js';

/** How much better than the best of a sweep another point could still be, in the unit of the loss. */
export interface LeftToGain {
  /** The best is no worse than this, anything in the space no better than that: `left` is the difference, at least 0. */
  readonly left: number;
  readonly best: number;
  readonly least: number;
}

/** Probability that the bounds are to hold, all looks together, where the surrogate is right. */
const CONFIDENCE = 0.9;
/** Bounds of theory are too wide by far; this factor is the one of Srinivas et al. 2010 and of Makarova et al. 2022. */
const SCALE = 1 / 5;
/** A loss is measured on few rows and under one seed: here much of what differs may well be noise. */
const SOME_NOISE = { median: 0.03, deviation: 2 };

const LOOKED_AT = 512;
const CLIMBED_FROM = 6;

/**
 * Bounds what is left to gain, out of all complete trials, whoever chose their points: a Gaussian process over them, and
 * the least upper confidence bound among them against the least lower confidence bound anywhere (Makarova et al. 2022,
 * "Automatic termination for hyperparameter optimization"; confidence bounds mean -+ sqrt(beta) deviation with
 * beta = 2/5 log(d t^2 pi^2 / (6 delta)), Srinivas et al. 2010, for d parameters and t trials).
 *
 * Undefined with fewer than two complete trials, and where none keeps the constraints.
 */
export function leftToGain(space: Space, trials: readonly Trial[], seed: number): LeftToGain | undefined {
  const surrogate = fitSurrogate(space, trials, SOME_NOISE);
  if (surrogate === undefined) return undefined;
  const { process, coordinates } = surrogate;
  const feasible = byQuality(trials).filter(isFeasible);
  const complete = trials.filter(isComplete).length;
  const dimensions = space.parameters.length;
  const width = Math.sqrt(2 * SCALE * Math.log((dimensions * complete ** 2 * Math.PI ** 2) / (6 * (1 - CONFIDENCE))));
  const bound = (point: Point, side: -1 | 1): number => {
    const { mean, deviation } = process.at(coordinates(point));
    return mean + side * width * deviation;
  };
  const upper = ({ point }: CompleteTrial): number => bound(point, 1);
  const lower = (point: Point): number => -bound(point, -1);
  const random = derive(seed, 'stopping', complete);
  const found = [
    ...Array.from({ length: LOOKED_AT }, (_, i) => pointAt(space, sobolPoint(i, dimensions, seed))),
    ...feasible.map(({ point }) => point),
    ...feasible
      .slice(0, 8)
      .flatMap(({ point }) => Array.from({ length: 8 }, () => neighbour(space, point, 0.05, random))),
  ]
    .map((point) => ({ point, value: lower(point) }))
    .sort((a, b) => b.value - a.value)
    .slice(0, CLIMBED_FROM)
    .map((start) => climb(space, start, lower, random).value);
  const best = Math.min(...feasible.map(upper));
  const least = -Math.max(...found);
  return { left: Math.max(0, best - least), best, least };
}

/**
 * The numbers of complete trials at which it is looked whether to stop: from `after` on after every trial, later after
 * every tenth part more, since a look costs the cube of them.
 *
 * @returns the greatest that has been reached; undefined before the first
 */
export function lookReached(complete: number, after: number): number | undefined {
  if (complete < after) return undefined;
  let at = after;
  for (let next = at; next <= complete; next += Math.max(1, Math.floor(next / 10))) at = next;
  return at;
}
