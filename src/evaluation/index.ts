/** Evaluation: metrics with intervals, calibration, fairness, paired comparison, the gap ledger. */
export { type AttackResult, type AttackTarget, attack, attackStep } from './attacks/attack.js';
export { type AttackOptions, attackOptions, parseAttack } from './attacks/options.js';
export {
  ascent,
  type Ball,
  climb,
  detachedCopy,
  drawInBall,
  type Norm,
  type Perturbed,
  project,
  type Search,
} from './attacks/perturb.js';
export { type MaskingCheck, measureRobustness, type Robustness } from './attacks/robustness.js';
export { applyCalibration } from './calibrators/apply.js';
export { withCalibration } from './calibrators/calibrated-model.js';
export {
  CALIBRATION_METHODS,
  type CalibrationMap,
  type CalibrationMethod,
  type ClassMap,
} from './calibrators/calibrator.js';
export { type CalibrationReport, calibrate } from './calibrators/report.js';
export { cheapMetrics, sampleValues } from './cheap.js';
export type { PerClass } from './classes.js';
export type { ConfusionMatrix } from './confusion.js';
export { type EvaluateOptions, type Evaluation, evaluate, type MetricSet, type SliceEvaluation } from './evaluate.js';
export {
  type FairnessEvaluation,
  type FairnessMetric,
  fairnessValues,
  type GroupRates,
  MINIMUM_GROUP_ROWS,
} from './fairness.js';
export type { Figure } from './figure.js';
export type {
  BootstrapLimits,
  ClassificationInput,
  GroupColumn,
  IntervalOptions,
  PredictionInput,
  RegressionInput,
} from './input.js';
export { filterNormalized } from './landscape/directions.js';
export { type Curvature, type CurvatureOptions, curvature, type Eigenvalue } from './landscape/hessian.js';
export {
  type LossBetween,
  type LossCurve,
  type LossGrid,
  lossAlong,
  lossBetween,
  lossGrid,
  spaced,
} from './landscape/scan.js';
export { rowFigure, type Sharpness, type SharpnessOptions, sharpness } from './landscape/sharpness.js';
export { type LossAt, LossSurface, type SurfaceParameter, type SurfaceSubject } from './landscape/surface.js';
export {
  buildLedger,
  gapOf,
  LEDGER_STAGES,
  type Ledger,
  type LedgerInput,
  type LedgerOptions,
  type LedgerScope,
  type LedgerStage,
  type LedgerStageName,
  qualityLost,
} from './ledger.js';
export { compareLedgers, type ExcessLoss, type LedgerComparison } from './ledger-compare.js';
export { type McNemarTest, mcnemarTest } from './mcnemar.js';
export type {
  ClassificationMetric,
  Measured,
  Measurement,
  Metric,
  NotMeasured,
  RegressionMetric,
  Task,
} from './metric.js';
export { findMetric, METRICS, type RequestedMetric, standardMetrics } from './metrics/index.js';
export { comparePaired, meanOverSeeds, type PairedComparison, type PairedInput, pairedOverSeeds } from './paired.js';
export { type ReliabilityBin, type ReliabilityOptions, reliabilityBins } from './reliability.js';
export type { ResidualSummary } from './residuals.js';
export { type ClassificationSample, prepareSample, type RegressionSample, type Sample } from './sample.js';
export {
  type SuspectLabel,
  type SuspectLabels,
  type SuspectLabelsInput,
  suspectLabels,
} from './suspect-labels.js';
export type { DetectedBox, DetectionInput, TruthBox } from './units/detection.js';
export {
  evaluateDetection,
  evaluateLanguage,
  evaluateRanking,
  evaluateSpeech,
  UNIT_METRICS,
} from './units/evaluate-units.js';
export type { LanguageInput } from './units/language.js';
export type { RankingInput } from './units/ranking.js';
export type { SpeechInput } from './units/speech.js';
export type { UnitEvaluation, UnitMetric, UnitTask } from './units/unit-metric.js';
export {
  type ComparisonInput,
  compareModels,
  type Judgement,
  judgeDifference,
  type ModelComparison,
  type Verdict,
} from './verdict.js';
