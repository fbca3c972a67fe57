import { noPruner, type Pruner } from '../../search/pruner.js';
import { ashaPruner, halvingPruner, hyperbandPruner } from '../../search/pruners/halving.js';
import { medianPruner } from '../../search/pruners/median.js';
import { wilcoxonPruner } from '../../search/pruners/wilcoxon.js';
import type { Sampler } from '../../search/sampler.js';
import { cmaEsSampler } from '../../search/samplers/cma-es.js';
import { gpSampler } from '../../search/samplers/gp.js';
import { gridSampler } from '../../search/samplers/grid.js';
import { nsga2Sampler } from '../../search/samplers/nsga2.js';
import { randomSampler } from '../../search/samplers/random.js';
import { sobolSampler } from '../../search/samplers/sobol.js';
import { tpeSampler } from '../../search/samplers/tpe.js';
import type { SearchOptions } from '../../spec/search-options.js';

/** Beyond so many trials fitting a Gaussian process before each takes seconds. */
const MOST_FOR_GP = 200;

interface SweepKind {
  readonly trials: number;
  readonly objectives: number;
  readonly pruner: SearchOptions['pruner'];
}

/** The sampler that a spec asks for. */
export function samplerOf(options: SearchOptions['sampler'], { trials, objectives, pruner }: SweepKind): Sampler {
  switch (options.type) {
    case 'auto':
      // A process is fitted to complete trials alone; where most are pruned on their way, an estimator that learns of them, too.
      return objectives === 1 && trials <= MOST_FOR_GP && pruner.type === 'none' ? gpSampler() : tpeSampler();
    case 'random':
      return randomSampler;
    case 'grid':
      return gridSampler(options.steps);
    case 'sobol':
      return sobolSampler;
    case 'tpe':
      return tpeSampler(options);
    case 'gp':
      return gpSampler(options);
    case 'cma-es':
      return cmaEsSampler();
    case 'nsga-ii':
      return nsga2Sampler(options);
    default:
      return options satisfies never;
  }
}

/**
 * The pruner that a spec asks for.
 *
 * @param epochs of a trial that goes all the way
 */
export function prunerOf(options: SearchOptions['pruner'], epochs: number): Pruner {
  switch (options.type) {
    case 'none':
      return noPruner;
    case 'median':
      return medianPruner(options);
    case 'successive-halving':
      return halvingPruner(options);
    case 'hyperband':
      return hyperbandPruner({ ...options, epochs });
    case 'asha':
      return ashaPruner(options);
    case 'wilcoxon':
      return wilcoxonPruner(options);
    default:
      return options satisfies never;
  }
}
