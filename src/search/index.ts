/** Search: spaces, samplers, importance, Pareto fronts. Pure: no file, no clock, no chance but that of a seed. */
export { importances } from './importance.js';
export { dominates, paretoFront } from './pareto.js';
export type { Request, Sampler, Suggestion } from './sampler.js';
export { gridPoints, gridSampler } from './samplers/grid.js';
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
export {
  byQuality,
  type CompleteTrial,
  isComplete,
  isFeasible,
  type Report,
  type Trial,
  violationOf,
} from './trial.js';
