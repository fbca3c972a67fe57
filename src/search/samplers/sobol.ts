import type { Sampler } from '../sampler.js';
import { sobolPoint } from '../sobol.js';
import { pointAt } from '../space.js';

/** Points that fill the space evenly: Sobol's sequence, shifted by the seed. */
export const sobolSampler: Sampler = {
  suggest: ({ space, number, seed }) => ({ point: pointAt(space, sobolPoint(number, space.parameters.length, seed)) }),
};
