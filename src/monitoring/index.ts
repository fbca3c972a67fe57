/** Monitoring: whether what a model sees and says is still what it was trained on. */
export {
  type DriftOptions,
  type DriftReport,
  type FeatureDrift,
  measureDrift,
} from './drift/drift.js';
export type { FeatureTest } from './drift/feature.js';
export type { MultivariateTest } from './drift/multivariate.js';
export { type SourceSummary, summaryOfParquet, summaryOfTable } from './drift/source-summary.js';
