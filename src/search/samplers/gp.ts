import { normalCdf, normalDensity } from '../../numeric/distributions/normal.js';
import { derive } from '../../numeric/random.js';
import { climb, neighbour } from '../neighbour.js';
import type { Sampler } from '../sampler.js';
import { sobolPoint } from '../sobol.js';
import { type Point, pointAt } from '../space.js';
import { fitSurrogate } from '../surrogate.js';
import { byQuality } from '../trial.js';

export interface GpOptions {
  /** Trials that fill the space evenly before the first fit. */
  readonly startUp?: number;
}

/** Points at which the gain is looked at first, and the best of them that are climbed from. */
const LOOKED_AT = 512;
const CLIMBED_FROM = 6;

/**
 * Bayesian optimization: a Gaussian process over the trials so far, and the point with the largest expected improvement
 * on the best (Jones, Schonlau and Welch 1998; its logarithm, so that it can be told apart where it is tiny: Ament et al.
 * 2023). Trials at work are believed to come to their expected value, so that workers keep apart. For a few dozen to some
 * two hundred costly trials.
 */
export function gpSampler({ startUp = 10 }: GpOptions = {}): Sampler {
  return {
    suggest({ space, trials, number, seed }) {
      const even = (): Point => pointAt(space, sobolPoint(number, space.parameters.length, seed));
      if (trials.filter(({ state }) => state !== 'running').length < startUp) return { point: even() };
      const surrogate = fitSurrogate(space, trials);
      if (surrogate === undefined) return { point: even() };
      const { coordinates, best } = surrogate;
      const process = trials
        .filter(({ state }) => state === 'running')
        .reduce((current, { point }) => {
          const at = coordinates(point);
          return current.and(at, current.at(at).mean);
        }, surrogate.process);
      const gain = (point: Point): number => {
        const { mean, deviation } = process.at(coordinates(point));
        return logExpectedImprovement((best - mean) / deviation) + Math.log(deviation);
      };
      const random = derive(seed, 'gp', number);
      const leaders = byQuality(trials).slice(0, 4);
      const starts = [
        ...Array.from({ length: LOOKED_AT }, (_, i) =>
          pointAt(space, sobolPoint(number * LOOKED_AT + i, space.parameters.length, seed)),
        ),
        ...leaders.flatMap(({ point }) => Array.from({ length: 16 }, () => neighbour(space, point, 0.05, random))),
      ]
        .map((point) => ({ point, value: gain(point) }))
        .sort((a, b) => b.value - a.value)
        .slice(0, CLIMBED_FROM);
      const [found] = starts.map((start) => climb(space, start, gain, random)).sort((a, b) => b.value - a.value);
      return { point: found.point };
    },
  };
}

/** log E max(0, z + normal), without cancelling where z is far below 0. */
export function logExpectedImprovement(z: number): number {
  if (z > -6) return Math.log(normalDensity(z) + z * normalCdf(z));
  // phi(z) / z^2 (1 - 3 / z^2 + 15 / z^4 - ...), the tail of the normal.
  return (
    -0.5 * z * z -
    0.5 * Math.log(2 * Math.PI) -
    2 * Math.log(-z) +
    Math.log1p(-3 / (z * z) + 15 / z ** 4 - 105 / z ** 6)
  );
}
