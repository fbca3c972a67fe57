/** Regularization paths: convex models along the whole sequence of penalties, exact to a stated gap. */

export { type Criteria, type CriterionName, informationCriteria } from './criteria.js';
export { type CrossValidation, crossValidate, meanDeviance, type PathFold } from './cross-validate.js';
export type { FamilyName } from './families/family.js';
export type { DenseFeatures, Features, SparseFeatures } from './features.js';
export { fromGlmnet } from './glmnet.js';
export { fitPath, linearPredictor, type RegularizationPath } from './path.js';
export type { LinearModel, OutputModel, PathPoint, PathStop } from './path-point.js';
export type { PathData, PathOptions } from './problem.js';
export { type ChainOptions, type ChainPenalty, chainedPath } from './selection/chained.js';
export { type ChoiceOptions, type ChoiceRule, type ChosenModel, fitAndChoose } from './selection/choose.js';
export { type ConcaveOptions, type ConcavePenalty, concavePath } from './selection/concave.js';
export { type DebiasedCoefficient, debiasedIntervals } from './selection/debiased.js';
export { type KnockoffOptions, type KnockoffSelection, knockoffSelection } from './selection/knockoffs.js';
export { type NestedEstimate, nestedEstimate } from './selection/nested.js';
export { adaptivePath, type PenaltyShape, penalizedPath } from './selection/penalized.js';
export { adaptiveFactors, relaxedPath } from './selection/refit.js';
export { type StabilityOptions, type StabilitySelection, stabilitySelection } from './selection/stability.js';
