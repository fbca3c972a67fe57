/** ROC and precision-recall areas of each class against the others, from one sort per class. */
import { argsort, delongVariance, rocArea } from '../numeric/index.js';
import type { ClassificationSample } from './sample.js';

/** An area with its variance; `influence` is d area / d count of each row. */
export interface Area {
  readonly value: number;
  readonly variance: number;
  readonly influence: Float64Array;
  /** Rows of the class. */
  readonly positives: number;
  readonly negatives: number;
}

/** 1 for the rows of class k. */
export function classLabels({ rows, target }: ClassificationSample, k: number): Uint8Array {
  const labels = new Uint8Array(rows);
  for (let i = 0; i < rows; i++) if (target[i] === k) labels[i] = 1;
  return labels;
}

function classScores({ rows, classes, probabilities }: ClassificationSample, k: number): Float64Array {
  const scores = new Float64Array(rows);
  for (let i = 0; i < rows; i++) scores[i] = probabilities![i * classes.length + k];
  return scores;
}

/** The area under the ROC curve of class k and nothing else; NaN unless the class and others occur. */
export function rocAreaOf(sample: ClassificationSample, k: number): number {
  return rocArea(classScores(sample, k), classLabels(sample, k), sample.weights).area;
}

/** Both areas of class k against the rest; undefined unless the class and others occur. */
function classAreas(sample: ClassificationSample, k: number): { roc: Area; precisionRecall: Area } | undefined {
  const scores = classScores(sample, k);
  const labels = classLabels(sample, k);
  const weights = sample.weights ?? new Float64Array(sample.rows).fill(1);
  const order = argsort(scores);
  const { area, influence, positives, negatives } = rocArea(scores, labels, weights, order);
  if (Number.isNaN(area)) return undefined;
  const average = averagePrecision(scores, labels, weights, order);
  return {
    roc: { value: area, variance: delongVariance(influence, labels), influence, positives, negatives },
    precisionRecall: { ...average, positives, negatives },
  };
}

/**
 * Average precision sum (R_n - R_(n-1)) P_n over the distinct thresholds (scikit-learn's average_precision_score) and
 * its influence, differentiated by the row weights: with A and B the weight of positives and of all rows scored at least
 * as high, AP = sum_pos w A / B / W1.
 */
function averagePrecision(
  scores: Float64Array,
  labels: Uint8Array,
  weights: Float64Array,
  order: Uint32Array,
): { value: number; variance: number; influence: Float64Array } {
  const n = order.length;
  const precision = new Float64Array(n);
  /** At the last place of each group of ties: its positive weight over B, and times A over B^2. */
  const perAll = new Float64Array(n);
  const perSquare = new Float64Array(n);
  let above = 0;
  let positivesAbove = 0;
  let value = 0;
  for (let end = n - 1; end >= 0; ) {
    const score = scores[order[end]];
    let start = end;
    let tiedPositives = 0;
    for (; start >= 0 && scores[order[start]] === score; start--) {
      const row = order[start];
      above += weights[row];
      if (labels[row] === 1) tiedPositives += weights[row];
    }
    positivesAbove += tiedPositives;
    const at = above === 0 ? 0 : positivesAbove / above;
    for (let i = start + 1; i <= end; i++) precision[i] = at;
    value += tiedPositives * at;
    if (above > 0) {
      perAll[end] = tiedPositives / above;
      perSquare[end] = (tiedPositives * at) / above;
    }
    end = start;
  }
  const positiveWeight = positivesAbove;
  value /= positiveWeight;
  const influence = new Float64Array(n);
  let belowAll = 0;
  let belowSquare = 0;
  for (let start = 0; start < n; ) {
    const score = scores[order[start]];
    let end = start;
    while (end + 1 < n && scores[order[end + 1]] === score) end++;
    belowAll += perAll[end];
    belowSquare += perSquare[end];
    const positive = precision[end] + belowAll - belowSquare - value;
    for (let i = start; i <= end; i++) {
      const row = order[i];
      influence[row] = (weights[row] * (labels[row] === 1 ? positive : -belowSquare)) / positiveWeight;
    }
    start = end + 1;
  }
  return { value, variance: squares(influence), influence };
}

/** The variance of a metric from its influence: sum of squares times n / (n - 1). */
export function squares(influence: Float64Array): number {
  let total = 0;
  for (const value of influence) total += value * value;
  return influence.length > 1 ? (total * influence.length) / (influence.length - 1) : total;
}

/** What the areas of all classes come to; per class only numbers are kept, so that many classes fit. */
export interface CurveSummary {
  /** By class; undefined for a class that does not occur, or alone. */
  readonly classes: readonly ({ roc: Omit<Area, 'influence'>; precisionRecall: Omit<Area, 'influence'> } | undefined)[];
  /** Two classes: of the positive one. More: the plain mean over classes that occur. Undefined without any. */
  readonly roc: Area | undefined;
  readonly precisionRecall: Area | undefined;
}

const summaries = new WeakMap<ClassificationSample, CurveSummary>();

/** The areas of every class, worked out once per sample. Needs probabilities. */
export function curveSummary(sample: ClassificationSample): CurveSummary {
  const known = summaries.get(sample);
  if (known !== undefined) return known;
  const summary = summarize(sample);
  summaries.set(sample, summary);
  return summary;
}

function summarize(sample: ClassificationSample): CurveSummary {
  const count = sample.classes.length;
  if (count === 2) {
    const areas = classAreas(sample, sample.positive);
    const other = classAreas(sample, 1 - sample.positive);
    const classes = [areas, other];
    if (sample.positive === 1) classes.reverse();
    return { classes, roc: areas?.roc, precisionRecall: areas?.precisionRecall };
  }
  const roc = new Float64Array(sample.rows);
  const precisionRecall = new Float64Array(sample.rows);
  const classes: CurveSummary['classes'][number][] = [];
  for (let k = 0; k < count; k++) {
    const areas = classAreas(sample, k);
    if (areas !== undefined) {
      for (let i = 0; i < sample.rows; i++) {
        roc[i] += areas.roc.influence[i];
        precisionRecall[i] += areas.precisionRecall.influence[i];
      }
    }
    classes.push(
      areas && { roc: withoutInfluence(areas.roc), precisionRecall: withoutInfluence(areas.precisionRecall) },
    );
  }
  const present = classes.filter((areas) => areas !== undefined);
  if (present.length === 0) return { classes, roc: undefined, precisionRecall: undefined };
  return {
    classes,
    roc: average(
      present.map((areas) => areas.roc),
      roc,
    ),
    precisionRecall: average(
      present.map((areas) => areas.precisionRecall),
      precisionRecall,
    ),
  };
}

function withoutInfluence({ value, variance, positives, negatives }: Area): Omit<Area, 'influence'> {
  return { value, variance, positives, negatives };
}

function average(areas: readonly Omit<Area, 'influence'>[], total: Float64Array): Area {
  for (let i = 0; i < total.length; i++) total[i] /= areas.length;
  return {
    value: areas.reduce((sum, { value }) => sum + value, 0) / areas.length,
    variance: squares(total),
    influence: total,
    positives: Math.min(...areas.map(({ positives }) => positives)),
    negatives: Math.min(...areas.map(({ negatives }) => negatives)),
  };
}
