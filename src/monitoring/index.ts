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
export { gatherIncident, type Incident } from './incident/incident.js';
export { incidentChecklist, postmortemQuestions, type Question } from './incident/questions.js';
export { Recorder, type RecorderOptions, type RecorderState } from './record/recorder.js';
export { Adwin } from './streams/adwin.js';
export { PageHinkley, type PageHinkleyOptions } from './streams/page-hinkley.js';
