/** Training: one step as a graph, and the loop around it. */
export { type Architecture, readArchitecture } from './architecture.js';
export { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.js';
export type { CheckpointProgress, Kept } from './checkpoint-progress.js';
export type { EpochRecord, MetricValues, TrainingEvent } from './events.js';
export { type TrainingControls, type TrainingResult, train } from './loop.js';
export { adam, type Optimizer, type OptimizerStep, sgd } from './optimizers.js';
export { type TrainingOptions, trainingOptions } from './options.js';
export type { MetricsFunction, TrainingData, TrainingProblem } from './problem.js';
export {
  initialPlateau,
  learningRateAt,
  observePlateau,
  type PlateauState,
  type ScheduleContext,
  type ScheduleOptions,
} from './schedules.js';
export { type CompiledStep, compileStep, type StepDescription } from './step.js';
