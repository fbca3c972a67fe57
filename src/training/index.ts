/** Training: one step as a graph, and the loop around it. */
export { type Architecture, readArchitecture } from './architecture.js';
export { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.js';
export type { EpochRecord, Finding, MetricValues, TrainingEvent } from './events.js';
export {
  type MetricsFunction,
  type TrainingControls,
  type TrainingData,
  type TrainingProblem,
  type TrainingResult,
  train,
} from './loop.js';
export { type TrainingOptions, trainingOptions } from './options.js';
export { type CompiledStep, compileStep, type StepDescription } from './step.js';
