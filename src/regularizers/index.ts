/** Regularizers: the interface, the registry, what goes with what, the manifest and its id. */
export { type Augmentation, type AugmentationSetting, augmentationGraph } from './augmentation-graph.js';
export { canonicalJson } from './canonical-json.js';
export type { Finding } from './finding.js';
export { type Manifest, type ManifestEntry, manifestOf, regularizerId } from './manifest.js';
export { listRegularizers, regularizerOf } from './registry.js';
export {
  type Active,
  type AddedExamples,
  type Asset,
  type Batch,
  type Conflict,
  defineRegularizer,
  type EpochMonitor,
  type EpochVerdict,
  HOOK_ORDER,
  type Hooks,
  type InputDescription,
  type Needs,
  type Parameter,
  type ParameterRole,
  type PreparationContext,
  penalizes,
  type Regularizer,
  type RowTensor,
  type Setting,
  type Site,
  type StepContext,
  type StrengthScale,
  type StrengthSchedule,
  type UpdateContext,
  type Weights,
} from './regularizer.js';
export { entrySchema, findConflicts, inOrder, resolveEntry } from './resolve.js';
