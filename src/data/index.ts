export { type CheckOptions, checkData } from './check/check.js';
export type { Finding, FindingCode, Severity } from './check/finding.js';
export { type PoisoningOptions, screenPoisoning, type Version } from './check/poisoning.js';
export { checkShift, compareSamples, type FeatureTest } from './check/shift.js';
export { type Fold, type FoldSettings, kFold } from './folds.js';
export { HashIndex, hashesOf } from './hash-index.js';
export {
  assignHoldout,
  type HoldoutAssignment,
  type HoldoutLock,
  type HoldoutRegister,
  type HoldoutReport,
  type HoldoutSettings,
  holdoutSettings,
  rowSetId,
} from './holdout.js';
export {
  type DataInput,
  type DataOptions,
  DEFAULT_FEATURES,
  dataOptionsSchema,
  type FeatureOptions,
} from './options.js';
export { type ExportOptions, exportModel } from './preprocess/export.js';
export { type Feature, MISSING_INTEGER, type RawInput } from './preprocess/feature-block.js';
export { type FitOptions, fitPreprocessor, OUTPUT_NAMES } from './preprocess/fit.js';
export { type Examples, FEATURES, type NetworkInput, Preprocessor } from './preprocess/preprocessor.js';
export { rawTensors } from './preprocess/raw-tensors.js';
export type { PreprocessorState } from './preprocess/state.js';
export { type ClassLabel, classIndices, type TargetEncoding } from './preprocess/target.js';
export {
  type AudioOptions,
  type ColumnType,
  type DelimitedOptions,
  type FilesOptions,
  type Format,
  type ImageOptions,
  MISSING,
  type Notice,
  type ReadOptions,
  type TextOptions,
} from './read/options.js';
export { readTable } from './read/read.js';
export { type RoleOptions, type Roles, requireColumn, resolveRoles } from './roles.js';
export { createSampler, type Sampler, type SamplerOptions } from './sampler.js';
export {
  type ArraySchema,
  type CategorySchema,
  type ColumnSchema,
  checkAgainst,
  DISTINCT_LIMIT,
  type NumberSchema,
  type Schema,
  type SchemaIssue,
  schemaOf,
  type TextSchema,
  type TimeSchema,
} from './schema.js';
export { type Split, type SplitInput, type SplitSettings, type SplitStrategy, split } from './split.js';
export { splitInput, strategyOf } from './split-input.js';
export {
  type ArrayColumn,
  type CategoryColumn,
  type Column,
  findColumn,
  type NumberColumn,
  type Table,
  type TextColumn,
  type TimeColumn,
} from './table.js';
export { tokenize, tokenWindows } from './tokenize.js';
export {
  fitTokenizer,
  loadTokenizer,
  PADDING,
  type Tokenizer,
  type TokenizerKind,
  type TokenizerRecord,
  tokenizerFromRecord,
  tokenizerId,
  UNKNOWN,
  type VocabularyOptions,
} from './tokenizer.js';
export { apartFrom, byTarget } from './unlabelled.js';
export { contentVersion, rowHashes } from './version.js';
