/** Regularization paths: convex models along the whole sequence of penalties, exact to a stated gap. */

export { type Criteria, type CriterionName, informationCriteria } from './criteria.js';
export { type CrossValidation, crossValidate, meanDeviance, type PathFold } from './cross-validate.js';
export type { FamilyName } from './families/family.js';
export { fromGlmnet } from './glmnet.js';
export { fitPath, linearPredictor, type PathPoint, type PathStop, type RegularizationPath } from './path.js';
export type { DenseFeatures, PathData, PathOptions } from './problem.js';
