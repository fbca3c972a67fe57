/** Search: spaces, samplers, pruners, importance, Pareto fronts. Pure: no file, no clock, no chance but that of a seed. */
export { byFronts, hypervolume } from './fronts.js';
export { importances } from './importance.js';
export { dominates, paretoFront } from './pareto.js';
export { noPruner, type Pruner, type Verdict } from './pruner.js';
export { ashaPruner, type HalvingOptions, halvingPruner, hyperbandPruner } from './pruners/halving.js';
export { type MedianOptions, medianPruner } from './pruners/median.js';
export { type WilcoxonOptions, wilcoxonPruner } from './pruners/wilcoxon.js';
export type { Request, Sampler, Suggestion } from './sampler.js';
export { cmaEsSampler } from './samplers/cma-es.js';
export { type GpOptions, gpSampler } from './samplers/gp.js';
export { gridPoints, gridSampler } from './samplers/grid.js';
export { type Nsga2Options, nsga2Sampler } from './samplers/nsga2.js';
export { randomSampler } from './samplers/random.js';
export { sobolSampler } from './samplers/sobol.js';
export { type TpeOptions, tpeSampler } from './samplers/tpe.js';
export { sobolPoint } from './sobol.js';
export {
  choiceOf,
  createSpace,
  type Dimension,
  exists,
  fromUnit,
  levels,
  type Parameter,
  type Point,
  pointAt,
  type Space,
  toUnit,
  valuesOf,
} from './space.js';
export { type LeftToGain, leftToGain, lookReached } from './stopping.js';
export {
  byQuality,
  type CompleteTrial,
  isComplete,
  isFeasible,
  type Report,
  type Trial,
  violationOf,
} from './trial.js';
