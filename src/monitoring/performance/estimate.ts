import { type Interval, normalQuantile, wilsonInterval } from '../../numeric/index.js';
import type { WindowCounts } from '../../store/index.js';
import type { Reference } from '../reference/reference.js';
import { type CalibrationCheck, checkCalibration } from './calibration.js';

/** Accuracy of a window without its labels, and with those that came. */
export interface PerformanceEstimate {
  readonly start: number;
  readonly answers: number;
  /** From confidence alone; null where nothing licenses it. */
  readonly estimated: { readonly value: number; readonly interval: Interval } | null;
  /** From the labels that came. */
  readonly realised: { readonly value: number; readonly interval: Interval; readonly labelled: number } | null;
}

export interface LabelFreePerformance {
  /** Whether confidence may stand for labels, and why not. */
  readonly licence: {
    readonly granted: boolean;
    readonly reason: string;
    /** On the rows that the model was not trained on. */
    readonly reference: CalibrationCheck | null;
    /** On the labels of production. */
    readonly production: CalibrationCheck | null;
  };
  readonly windows: readonly PerformanceEstimate[];
  /** Where a window has both: the largest and the mean difference of estimated and realised accuracy, most labelled windows only. */
  readonly reconciled: { readonly windows: number; readonly meanDifference: number; readonly largest: number } | null;
}

/** The calibration error up to which confidence is taken at its word. */
const MOST_ECE = 0.05;
/** Fewer labelled rows certify nothing. */
const FEWEST_ROWS = 200;
/** A bin's share of right answers counts as if so many rows with its own confidence were in it. */
const PRIOR_ROWS = 20;
const LEVEL = 0.95;
/** Labelled answers of a window from which on it is reconciled. */
const FEWEST_LABELLED = 100;

/**
 * Estimates accuracy from confidence (confidence-based performance estimation; Guillory et al. 2021, NannyML's CBPE): the mean over a
 * window's answers of the probability to be right that their confidence had on rows the model was not trained on. It sees a change of
 * inputs, not a change of what is right for them; so it is given only while the model is certified calibrated, on those rows and on every
 * label that came since, and is unknown otherwise.
 */
export function labelFreePerformance(
  reference: Reference | undefined,
  windows: readonly (WindowCounts & { readonly start: number })[],
): LabelFreePerformance {
  const ofReference = reference === undefined ? undefined : checkCalibration(reference.confidence);
  const ofProduction = checkCalibration(sumOf(windows));
  const refused = whyNot(reference, ofReference, ofProduction);
  const right = reference === undefined ? [] : recalibrated(reference, ofReference);
  const estimates = windows.map((window): PerformanceEstimate => {
    const { start, labelled, wrong, confidence } = window;
    const answers = confidence.answers.reduce((sum, count) => sum + count, 0);
    return {
      start,
      answers,
      estimated: refused === undefined && answers > 0 ? estimateOf(window, right, ofReference?.rows ?? 1) : null,
      realised:
        labelled === 0 || answers === 0
          ? null
          : { value: 1 - wrong / labelled, interval: wilsonInterval(labelled - wrong, labelled, LEVEL), labelled },
    };
  });
  return {
    licence: {
      granted: refused === undefined,
      reason: refused ?? 'calibrated on rows that it was not trained on, and no label since says otherwise',
      reference: ofReference ?? null,
      production: ofProduction ?? null,
    },
    windows: estimates,
    reconciled: reconcile(estimates),
  };
}

function whyNot(
  reference: Reference | undefined,
  ofReference: CalibrationCheck | undefined,
  ofProduction: CalibrationCheck | undefined,
): string | undefined {
  if (reference === undefined) return 'there is no reference to certify it on';
  if (reference.task !== 'classification') return 'answers are numbers, and have no confidence';
  if (ofReference === undefined) return 'the model gives no probabilities';
  if (ofReference.rows < FEWEST_ROWS) return `only ${ofReference.rows} rows to certify calibration on`;
  if (ofReference.ece > MOST_ECE)
    return `it is not calibrated: ECE ${ofReference.ece.toFixed(3)}; run ballast calibrate`;
  if (ofProduction !== undefined && ofProduction.rows >= FEWEST_ROWS / 2 && ofProduction.pValue < 0.01) {
    const differs = Math.abs(ofProduction.overconfidence) > 0.02 || ofProduction.ece > MOST_ECE;
    if (differs) {
      const way = ofProduction.overconfidence > 0 ? 'over' : 'under';
      return `the labels of production contradict it: ${way}confident by ${Math.abs(ofProduction.overconfidence).toFixed(3)}, ECE ${ofProduction.ece.toFixed(3)}`;
    }
  }
  return undefined;
}

function sumOf(
  windows: readonly WindowCounts[],
): Pick<WindowCounts['confidence'], 'labelled' | 'labelledSum' | 'right'> {
  const add = (of: (window: WindowCounts) => readonly number[]): number[] =>
    windows.reduce<number[]>((sum, window) => of(window).map((value, i) => value + (sum[i] ?? 0)), []);
  return {
    labelled: add(({ confidence }) => confidence.labelled),
    labelledSum: add(({ confidence }) => confidence.labelledSum),
    right: add(({ confidence }) => confidence.right),
  };
}

/**
 * By bin, how much more often answers of the reference were right than their confidence said, drawn to 0 where rows are few. Nothing
 * where the reference does not contradict the confidence: the correction would be noise.
 */
function recalibrated({ confidence }: Reference, check: CalibrationCheck | undefined): number[] {
  const { labelled, labelledSum, right } = confidence;
  if (check === undefined || check.pValue > 0.05) return labelled.map(() => 0);
  return labelled.map((count, bin) => (right[bin] - labelledSum[bin]) / (count + PRIOR_ROWS));
}

function estimateOf(
  { confidence: { answers, sum } }: WindowCounts,
  correction: readonly number[],
  referenceRows: number,
): { value: number; interval: Interval } {
  const total = answers.reduce((all, count) => all + count, 0);
  let [value, variance] = [0, 0];
  answers.forEach((count, bin) => {
    if (count === 0) return;
    const p = Math.min(1, Math.max(0, sum[bin] / count + (correction[bin] ?? 0)));
    value += (count / total) * p;
    variance += (count / (total * total)) * p * (1 - p);
  });
  // Of the window's own rows, and of those that certified it.
  const deviation = Math.sqrt(variance + (value * (1 - value)) / referenceRows);
  const half = normalQuantile((1 + LEVEL) / 2) * deviation;
  return { value, interval: [Math.max(0, value - half), Math.min(1, value + half)] };
}

function reconcile(windows: readonly PerformanceEstimate[]): LabelFreePerformance['reconciled'] {
  const differences = windows.flatMap(({ estimated, realised }) =>
    estimated === null || realised === null || realised.labelled < FEWEST_LABELLED
      ? []
      : [estimated.value - realised.value],
  );
  if (differences.length === 0) return null;
  return {
    windows: differences.length,
    meanDifference: differences.reduce((sum, each) => sum + each, 0) / differences.length,
    largest: Math.max(...differences.map(Math.abs)),
  };
}
