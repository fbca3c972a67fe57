import type { Sampler } from '../../search/sampler.js';
import { gridSampler } from '../../search/samplers/grid.js';
import { randomSampler } from '../../search/samplers/random.js';
import { sobolSampler } from '../../search/samplers/sobol.js';
import { tpeSampler } from '../../search/samplers/tpe.js';
import type { SearchOptions } from '../../spec/search-options.js';

/** The sampler that a spec asks for. */
export function samplerOf(options: SearchOptions['sampler']): Sampler {
  switch (options.type) {
    case 'random':
      return randomSampler;
    case 'grid':
      return gridSampler(options.steps);
    case 'sobol':
      return sobolSampler;
    case 'tpe':
      return tpeSampler(options);
    default:
      return options satisfies never;
  }
}
