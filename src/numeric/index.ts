/** Numbers: seeded streams, distributions, intervals, quantiles, moments. */

export {
  acceleration,
  type BootstrapOptions,
  basicInterval,
  bcaInterval,
  bootstrapDistributions,
  type CountStatistic,
  forEachResample,
  percentileInterval,
  type ResampleOptions,
} from './bootstrap.js';
export { concordanceOf, type RankedTimes } from './concordance.js';
export { delongVariance, type RocArea, rocArea } from './delong.js';
export { betaCdf, betaQuantile, betaSf } from './distributions/beta.js';
export { binomialCdf, binomialPmf, binomialQuantile, binomialSf } from './distributions/binomial.js';
export { chiSquareCdf, chiSquareQuantile, chiSquareSf } from './distributions/chi-square.js';
export { fisherFCdf, fisherFQuantile, fisherFSf } from './distributions/fisher-f.js';
export { kolmogorovCdf, kolmogorovSf } from './distributions/kolmogorov.js';
export { normalCdf, normalDensity, normalQuantile, normalSf } from './distributions/normal.js';
export { studentTCdf, studentTQuantile, studentTSf } from './distributions/student-t.js';
export { incompleteGamma, logGamma, type Tails } from './gamma-function.js';
export { incompleteBeta } from './incomplete-beta.js';
export {
  clopperPearsonInterval,
  criticalValue,
  type Estimated,
  type Interval,
  moverDifference,
  moverRatio,
  tInterval,
  wilsonInterval,
} from './intervals.js';
export {
  addHistograms,
  countAbove,
  histogramQuantile,
  histogramSum,
  type LogHistogram,
  logBucket,
} from './log-histogram.js';
export { type MinimizeOptions, type Minimum, minimize, type Objective } from './minimize.js';
export { benjaminiHochberg } from './multiple-testing.js';
export { median, quantile, quantileSorted, sorted, weightedQuantiles } from './quantile.js';
export { QuantileSketch, type SketchState, type WeightedValues } from './quantile-sketch.js';
export { derive, deriveSeed, type Label, Random, type RandomState, type Seed, type Shuffleable } from './random.js';
export { quantilesInPlace, select } from './select.js';
export { argsort } from './sort.js';
export {
  correlation,
  effectiveRows,
  mean,
  standardDeviation,
  sum,
  variance,
  weightedSum,
  weightedVariance,
} from './statistics.js';
export { cholesky, type Eigen, invertLower, symmetricEigen } from './symmetric.js';
export { type ChiSquareTest, chiSquareTest, type KolmogorovSmirnov, ksTwoSample } from './two-sample.js';
