import { type Coordinate, fitGaussianProcess, type GaussianProcess, type NoisePrior } from './gaussian-process.js';
import { type Point, type Space, toUnit } from './space.js';
import { byQuality, isComplete, isFeasible, type Trial } from './trial.js';

/** A Gaussian process over the points of a space. */
export interface Surrogate {
  readonly process: GaussianProcess;
  readonly coordinates: (point: Point) => number[];
  /** The least loss among the feasible trials. */
  readonly best: number;
}

/** Complete trials that a surrogate is fitted to at most: the best and the latest; its cost grows with their cube. */
const MOST_TRIALS = 150;

/**
 * Fits the first loss of the complete trials. Losses far above the rest are drawn in, since how bad bad points are is of
 * no use; a trial that breaks a constraint counts as bad as the worst. Undefined with fewer than two complete trials.
 */
export function fitSurrogate(space: Space, trials: readonly Trial[], noise?: NoisePrior): Surrogate | undefined {
  const feasible = byQuality(trials).filter(isFeasible);
  const complete = trials.filter(isComplete);
  if (complete.length < 2 || feasible.length === 0) return undefined;
  const kept =
    complete.length <= MOST_TRIALS
      ? complete
      : [...new Set([...feasible.slice(0, MOST_TRIALS / 3), ...complete.slice(-MOST_TRIALS / 2)])];
  const losses = feasible.map(({ losses: [loss] }) => loss).sort((a, b) => a - b);
  const middle = losses[Math.floor(losses.length / 2)];
  const ceiling = middle + 2 * (middle - losses[0]) || middle;
  const worst = Math.min(ceiling, losses[losses.length - 1]);
  const coordinates = coordinatesOf(space);
  const kinds = space.parameters.map(
    ({ dimension }): Coordinate => (dimension.kind === 'choice' ? 'category' : 'range'),
  );
  const process = fitGaussianProcess(
    kept.map(({ point }) => coordinates(point)),
    kept.map((trial) => (isFeasible(trial) ? Math.min(ceiling, trial.losses[0]) : worst)),
    kinds,
    noise,
  );
  return { process, coordinates, best: losses[0] };
}

/** Parameters that a point does not have lie in the middle; that they are missing shows in the choice they hang on. */
function coordinatesOf({ parameters }: Space): Surrogate['coordinates'] {
  return (point) =>
    parameters.map(({ name, dimension }) => {
      if (!(name in point)) return dimension.kind === 'choice' ? -1 : 0.5;
      return dimension.kind === 'choice' ? point[name] : toUnit(dimension, point[name]);
    });
}
