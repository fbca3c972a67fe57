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

/** Scores and membership of one class. */
function oneVersusRest(
  sample: ClassificationSample,
  k: number,
): { scores: Float64Array; isPositive: (row: number) => boolean } {
  const { rows, target } = sample;
  const probabilities = sample.probabilities!;
  const count = sample.classes.length;
  const scores = new Float64Array(rows);
  for (let i = 0; i < rows; i++) scores[i] = probabilities[i * count + k];
  return { scores, isPositive: (row) => target[row] === k };
}

/** Both areas of class k against the rest; undefined unless the class and others occur. */
export function classAreas(sample: ClassificationSample, k: number): { roc: Area; precisionRecall: Area } | undefined {
  const { scores, isPositive } = oneVersusRest(sample, k);
  const order = argsort(scores);
  const { area, influence, positives, negatives } = rocArea(scores, isPositive, sample.weights, order);
  if (Number.isNaN(area)) return undefined;
  const variance = delongVariance(influence, isPositive, positives, negatives);
  const average = averagePrecision(scores, isPositive, sample.weights, order);
  return {
    roc: { value: area, variance, influence, positives, negatives },
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
  isPositive: (row: number) => boolean,
  weights: Float64Array | undefined,
  order: Uint32Array,
): { value: number; variance: number; influence: Float64Array } {
  const n = order.length;
  const weightOf = (row: number): number => (weights === undefined ? 1 : weights[row]);
  const precision = new Float64Array(n);
  /** Positive weight of the tie group that ends at this place, over B and over B^2 / A. */
  const perAll = new Float64Array(n);
  const perSquare = new Float64Array(n);
  let above = 0;
  let positivesAbove = 0;
  for (let end = n - 1; end >= 0; ) {
    let start = end;
    let tiedPositives = 0;
    for (; start >= 0 && scores[order[start]] === scores[order[end]]; start--) {
      const weight = weightOf(order[start]);
      above += weight;
      if (isPositive(order[start])) tiedPositives += weight;
    }
    positivesAbove += tiedPositives;
    const at = above === 0 ? 0 : positivesAbove / above;
    for (let i = start + 1; i <= end; i++) precision[i] = at;
    if (above > 0) {
      perAll[end] = tiedPositives / above;
      perSquare[end] = (tiedPositives * at) / above;
    }
    end = start;
  }
  const positiveWeight = positivesAbove;
  let value = 0;
  for (let i = 0; i < n; i++) if (isPositive(order[i])) value += (weightOf(order[i]) * precision[i]) / positiveWeight;
  const influence = new Float64Array(n);
  let belowAll = 0;
  let belowSquare = 0;
  for (let start = 0; start < n; ) {
    let end = start;
    while (end + 1 < n && scores[order[end + 1]] === scores[order[start]]) end++;
    belowAll += perAll[end];
    belowSquare += perSquare[end];
    for (let i = start; i <= end; i++) {
      const row = order[i];
      const slope = isPositive(row) ? precision[i] + belowAll - belowSquare - value : -belowSquare;
      influence[row] = (weightOf(row) * slope) / positiveWeight;
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
