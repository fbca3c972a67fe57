import { BallastError } from '../../errors.js';
import { derive } from '../../numeric/random.js';
import type { Sampler } from '../sampler.js';
import { type Dimension, exists, fromUnit, levels, type Point, type Space } from '../space.js';

/** More points than any grid search should have. */
const MOST_POINTS = 100_000;

/**
 * Every point of a grid once, in an order that the seed shuffles, so that a sweep that is cut short has seen a fair
 * share. Ranges are cut into `steps` values, both ends included; integers and choices have all of theirs where these are
 * fewer.
 */
export function gridSampler(steps: number): Sampler {
  return {
    suggest({ space, number, seed }) {
      const points = gridPoints(space, steps);
      if (number >= points.length) return undefined;
      return { point: points[derive(seed, 'grid').permutation(points.length)[number]] };
    },
  };
}

/** @throws BallastError SEARCH_GRID where there are too many */
export function gridPoints(space: Space, steps: number): Point[] {
  let points: Point[] = [{}];
  for (const parameter of space.parameters) {
    const values = gridValues(parameter.dimension, steps);
    points = points.flatMap((point) =>
      exists(parameter, point) ? values.map((value) => ({ ...point, [parameter.name]: value })) : [point],
    );
    if (points.length > MOST_POINTS) {
      throw new BallastError(`a grid of ${steps} steps has more than ${MOST_POINTS} points here`, {
        code: 'SEARCH_GRID',
        place: 'search.sampler',
        remedy: 'Search fewer parameters, lower steps, or use another sampler',
      });
    }
  }
  return points;
}

function gridValues(dimension: Dimension, steps: number): number[] {
  const count = levels(dimension);
  if (dimension.kind === 'choice') return Array.from({ length: count }, (_, i) => i);
  if (dimension.kind === 'int' && count <= steps) return Array.from({ length: count }, (_, i) => dimension.low + i);
  const values = Array.from({ length: steps }, (_, i) => {
    if (i === 0 && steps > 1) return dimension.low;
    if (i === steps - 1 && steps > 1) return dimension.high;
    return fromUnit(dimension, steps === 1 ? 0.5 : i / (steps - 1));
  });
  return [...new Set(values)];
}
