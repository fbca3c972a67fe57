import { derive } from '../../numeric/random.js';
import type { Request, Sampler } from '../sampler.js';
import { type Point, pointAt } from '../space.js';

/** Independent, even draws. */
export const randomSampler: Sampler = {
  suggest: (request) => ({ point: randomPoint(request) }),
};

/** The point that chance gives a trial. */
export function randomPoint({ space, number, seed }: Pick<Request, 'space' | 'number' | 'seed'>, label = ''): Point {
  const random = derive(seed, 'random-search', number, label);
  return pointAt(
    space,
    space.parameters.map(() => random.uniform()),
  );
}
