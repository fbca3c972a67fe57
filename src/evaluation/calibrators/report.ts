import { sampleValues } from '../cheap.js';
import { evaluate } from '../evaluate.js';
import type { Figure } from '../figure.js';
import type { ClassificationInput } from '../input.js';
import { invalid } from '../invalid.js';
import type { NotMeasured } from '../metric.js';
import { comparePaired, type PairedComparison } from '../paired.js';
import type { ReliabilityBin } from '../reliability.js';
import { prepareSample } from '../sample.js';
import { applyCalibration } from './apply.js';
import {
  CALIBRATION_METHODS,
  type CalibrationMap,
  type CalibrationMethod,
  type CalibrationRows,
  scoresOf,
  softmaxRows,
} from './calibrator.js';
import { type CrossFitted, crossFit, fitCalibration } from './fit.js';

/** Calibration of one set of rows; the figures after are cross-fitted, the map is fitted on all of them. */
export interface CalibrationReport {
  readonly method: CalibrationMethod;
  readonly rows: number;
  readonly before: Readonly<Record<string, Figure>>;
  readonly after: Readonly<Record<string, Figure>>;
  /** After minus before, paired row by row. */
  readonly change: Readonly<Record<string, PairedComparison | NotMeasured>>;
  readonly candidates: readonly {
    readonly method: CalibrationMethod;
    readonly logLoss: number;
    readonly ece: number;
  }[];
  /** Present where the map learned its rows by heart: in-sample log loss far below the cross-fitted one. */
  readonly warning?: string;
  readonly reliability: { readonly before: readonly ReliabilityBin[]; readonly after: readonly ReliabilityBin[] };
  readonly map: CalibrationMap;
  /** Cross-fitted, [rows, classes]: what promises about new rows may be fitted on. */
  readonly probabilities: Float64Array;
}

const FIGURES = ['ece', 'logLoss', 'brier'] as const;

/**
 * Fits a calibration map to predictions and judges it by cross-fitting.
 *
 * @param method `auto`: the simplest within a standard error of the least cross-fitted log loss
 * @throws BallastError CALIBRATION_LABELS, CALIBRATION_ROWS, CALIBRATION_ONE_CLASS
 */
export function calibrate(
  input: ClassificationInput,
  {
    method = 'auto',
    folds = 5,
    seed = 1,
    level = 0.95,
    onMethod = () => undefined,
  }: {
    method?: CalibrationMethod | 'auto';
    folds?: number;
    seed?: number;
    /** Confidence level of the intervals. */
    level?: number;
    /** Told before each method is tried. */
    onMethod?: (method: CalibrationMethod) => void;
  } = {},
): CalibrationReport {
  const data = calibrationRows(input);
  const tried = (method === 'auto' ? CALIBRATION_METHODS : [method]).map((each) => {
    onMethod(each);
    return crossFit(each, data, { folds, seed });
  });
  const chosen = method === 'auto' ? simplestOfBest(data, tried) : tried[0];
  const { target, weights, classes, positive } = input;
  const common = {
    task: 'classification',
    target,
    seed,
    level,
    ...(weights && { weights }),
    ...(classes && { classes }),
    ...(positive !== undefined && { positive }),
  } as const;
  const before = { ...common, probabilities: softmaxRows(data.scores, data.classes) };
  const after = { ...common, probabilities: chosen.probabilities };
  const [judgedBefore, judgedAfter] = [evaluate(before), evaluate(after)];
  const map = fitCalibration(chosen.method, data);
  const warning = overfitted(data, map, chosen);
  return {
    method: chosen.method,
    rows: data.rows,
    before: pick(judgedBefore.metrics),
    after: pick(judgedAfter.metrics),
    change: Object.fromEntries(
      FIGURES.map((metric) => [metric, comparePaired({ metric, first: after, second: before, seed, level })]),
    ),
    candidates: tried.map((each) => ({
      method: each.method,
      logLoss: each.logLoss,
      ece: sampleValues(prepareSample({ ...common, probabilities: each.probabilities })).ece,
    })),
    ...(warning === undefined ? {} : { warning }),
    reliability: { before: judgedBefore.reliability ?? [], after: judgedAfter.reliability ?? [] },
    map,
    probabilities: chosen.probabilities,
  };
}

/** Scores of every class out of whatever a model says: logits, probabilities, or one column for the second class. */
export function calibrationRows({
  target,
  logits,
  probabilities,
  weights,
  classes,
}: ClassificationInput): CalibrationRows {
  const given = logits ?? probabilities;
  if (given === undefined) {
    throw invalid(
      'Labels alone cannot be calibrated: there is no probability in them',
      'CALIBRATION_LABELS',
      undefined,
      undefined,
      'Name an output of logits or probabilities with --output.',
    );
  }
  const rows = target.length;
  const columns = given.length / rows;
  const single = columns === 1;
  const full = single
    ? Float64Array.from({ length: 2 * rows }, (_, i) => {
        const value = given[i >> 1];
        return logits === undefined ? (i % 2 === 1 ? value : 1 - value) : i % 2 === 1 ? value : 0;
      })
    : Float64Array.from(given);
  // Checks lengths, codes, and that probabilities are some.
  prepareSample({
    task: 'classification',
    target,
    [logits === undefined ? 'probabilities' : 'logits']: given,
    ...(classes && { classes }),
  });
  return {
    rows,
    classes: single ? 2 : columns,
    scores: logits === undefined ? scoresOf(full) : full,
    target: Int32Array.from(target),
    weights: weights && Float64Array.from(weights),
  };
}

function simplestOfBest(data: CalibrationRows, tried: readonly CrossFitted[]): CrossFitted {
  const best = tried.reduce((a, b) => (b.logLoss < a.logLoss ? b : a));
  return tried.find((candidate) => candidate.logLoss - best.logLoss <= pairedError(data, candidate, best)) ?? best;
}

/** Standard error of the mean difference of two methods' log losses on the same rows. */
function pairedError({ rows, classes, target, weights }: CalibrationRows, a: CrossFitted, b: CrossFitted): number {
  const differences = Float64Array.from({ length: rows }, (_, row) => lossAt(a, row) - lossAt(b, row));
  const weightOf = (row: number): number => weights?.[row] ?? 1;
  const total = weights?.reduce((sum, weight) => sum + weight, 0) ?? rows;
  const mean = differences.reduce((sum, value, row) => sum + weightOf(row) * value, 0) / total;
  return Math.sqrt(differences.reduce((sum, value, row) => sum + (weightOf(row) * (value - mean)) ** 2, 0)) / total;

  function lossAt({ probabilities }: CrossFitted, row: number): number {
    return -Math.log(Math.max(1e-15, probabilities[row * classes + target[row]]));
  }
}

function overfitted(data: CalibrationRows, map: CalibrationMap, chosen: CrossFitted): string | undefined {
  const { rows, classes, target, scores, weights } = data;
  const inSample = applyCalibration(map, scores, classes);
  let [loss, total] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const weight = weights?.[row] ?? 1;
    loss -= weight * Math.log(Math.max(1e-15, inSample[row * classes + target[row]]));
    total += weight;
  }
  loss /= total;
  if (chosen.logLoss - loss <= 2 * chosen.standardError) return undefined;
  return `${chosen.method} learned these rows by heart: its log loss is ${loss.toFixed(4)} on them and ${chosen.logLoss.toFixed(4)} on rows it was fitted without`;
}

function pick(metrics: Readonly<Record<string, Figure>>): Record<string, Figure> {
  return Object.fromEntries(FIGURES.flatMap((name) => (metrics[name] === undefined ? [] : [[name, metrics[name]]])));
}
