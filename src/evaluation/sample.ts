import type { ClassificationInput, PredictionInput, RegressionInput } from './input.js';
import { invalid } from './invalid.js';
import { readScores } from './scores.js';

/** A checked classification input with what every metric needs worked out once. */
export interface ClassificationSample {
  readonly task: 'classification';
  readonly rows: number;
  readonly classes: readonly string[];
  /** The class that counts as positive when there are two. */
  readonly positive: number;
  /** The class whose prediction fairness is about: the positive one; with more than two classes only if it was named. */
  readonly favourable: number | undefined;
  readonly target: Int32Array;
  readonly predicted: Int32Array;
  /** [rows, classes] row-major; undefined where only labels are known. */
  readonly probabilities: Float64Array | undefined;
  /** -ln of the target's probability per row; exact from logits, else clipped at the input's own precision. */
  readonly logLosses: Float64Array | undefined;
  readonly weights: Float64Array | undefined;
  readonly cost: readonly (readonly number[])[] | undefined;
  readonly bins: number;
}

export interface RegressionSample {
  readonly task: 'regression';
  readonly rows: number;
  readonly target: Float64Array;
  readonly predicted: Float64Array;
  /** Of survival times: whether each ended in the event. */
  readonly events?: Float64Array | undefined;
  readonly weights: Float64Array | undefined;
}

export type Sample = ClassificationSample | RegressionSample;

/** Checks an input and prepares it. Input errors: lengths, codes out of range, NaN, probabilities that are none. */
export function prepareSample(input: PredictionInput, bins = 15): Sample {
  if (input.target.length === 0) throw invalid('There are no rows to evaluate', 'EVALUATION_EMPTY');
  if (!(Number.isInteger(bins) && bins >= 1 && bins <= 1000)) {
    throw invalid('The number of bins is a whole number from 1 to 1000', 'EVALUATION_BINS', bins);
  }
  return input.task === 'classification' ? prepareClassification(input, bins) : prepareRegression(input);
}

function prepareRegression(input: RegressionInput): RegressionSample {
  const rows = input.target.length;
  requireLength('predictions', input.predictions, rows);
  if (input.events !== undefined) requireLength('events', input.events, rows);
  return {
    task: 'regression',
    rows,
    ...(input.events === undefined ? {} : { events: Float64Array.from(input.events) }),
    target: finite('target', input.target),
    predicted: finite('predictions', input.predictions),
    weights: prepareWeights(input.weights, rows),
  };
}

function prepareClassification(input: ClassificationInput, bins: number): ClassificationSample {
  const rows = input.target.length;
  const count = classCount(input);
  const classes = input.classes ?? Array.from({ length: count }, (_, code) => String(code));
  if (new Set(classes).size !== count) throw invalid('Class names must differ', 'EVALUATION_CLASSES', classes);
  const scores = input.probabilities ?? input.logits;
  const scored = scores === undefined ? undefined : readScores(input, rows, count);
  const predicted = input.predictions === undefined ? undefined : codes('predictions', input.predictions, rows, count);
  if (scored === undefined && predicted === undefined) {
    throw invalid('An evaluation needs probabilities, logits or predicted classes', 'EVALUATION_NO_PREDICTIONS');
  }
  const target = codes('target', input.target, rows, count);
  const positive = positiveClass(input, classes);
  return {
    task: 'classification',
    rows,
    classes,
    positive,
    favourable: count === 2 || input.positive !== undefined ? positive : undefined,
    target,
    predicted: predicted ?? argmax(scored!.probabilities, rows, count),
    probabilities: scored?.probabilities,
    logLosses: scored?.logLosses(target),
    weights: prepareWeights(input.weights, rows),
    cost: prepareCost(input.cost, count),
    bins,
  };
}

function classCount(input: ClassificationInput): number {
  const rows = input.target.length;
  const scores = input.probabilities ?? input.logits;
  const columns = scores === undefined ? undefined : scores.length / rows;
  let count = input.classes?.length;
  if (columns !== undefined) {
    const fromScores = columns === 1 ? 2 : columns;
    if (!Number.isInteger(columns) || (count !== undefined && count !== fromScores)) {
      throw invalid(
        `${scores!.length} scores do not make ${rows} rows of ${count ?? 'equally many'} classes`,
        'EVALUATION_SHAPE',
        scores!.length,
      );
    }
    count = fromScores;
  }
  if (count === undefined) {
    count = 2;
    for (const values of [input.target, input.predictions ?? []]) {
      for (let i = 0; i < values.length; i++) count = Math.max(count, values[i] + 1);
    }
  }
  if (!(count >= 2 && count <= 1_000_000))
    throw invalid('A classification has at least two classes', 'EVALUATION_CLASSES', count);
  return count;
}

function argmax(probabilities: Float64Array, rows: number, count: number): Int32Array {
  const predicted = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let k = 1; k < count; k++) if (probabilities[row * count + k] > probabilities[row * count + best]) best = k;
    predicted[row] = best;
  }
  return predicted;
}

function codes(name: string, values: ArrayLike<number>, rows: number, count: number): Int32Array {
  requireLength(name, values, rows);
  const result = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const code = values[row];
    if (!(Number.isInteger(code) && code >= 0 && code < count)) {
      throw invalid(
        `A class code is not one of 0 to ${count - 1}`,
        'EVALUATION_CLASS_CODE',
        code,
        `${name}, row ${row}`,
        'Leave rows without a label out.',
      );
    }
    result[row] = code;
  }
  return result;
}

function finite(name: string, values: ArrayLike<number>): Float64Array {
  const result = Float64Array.from(values);
  const bad = result.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw invalid(
      'A value is missing or infinite',
      'EVALUATION_NOT_FINITE',
      result[bad],
      `${name}, row ${bad}`,
      'Leave such rows out.',
    );
  return result;
}

function prepareWeights(weights: ArrayLike<number> | undefined, rows: number): Float64Array | undefined {
  if (weights === undefined) return undefined;
  requireLength('weights', weights, rows);
  const result = finite('weights', weights);
  if (result.some((weight) => weight < 0) || !result.some((weight) => weight > 0)) {
    throw invalid('Weights are zero or positive, and some are positive', 'EVALUATION_WEIGHTS');
  }
  return result;
}

function prepareCost(cost: ClassificationInput['cost'], count: number): ClassificationInput['cost'] {
  if (cost === undefined) return undefined;
  if (
    cost.length !== count ||
    cost.some((row) => row.length !== count || row.some((value) => !Number.isFinite(value)))
  ) {
    throw invalid(
      `The cost matrix needs ${count} rows of ${count} numbers: cost[true class][predicted class]`,
      'EVALUATION_COST',
    );
  }
  return cost;
}

function positiveClass(input: ClassificationInput, classes: readonly string[]): number {
  if (input.positive === undefined) return 1;
  const code = typeof input.positive === 'number' ? input.positive : classes.indexOf(input.positive);
  if (!(Number.isInteger(code) && code >= 0 && code < classes.length)) {
    throw invalid(
      'The positive class is not one of the classes',
      'EVALUATION_POSITIVE',
      input.positive,
      undefined,
      `Use one of ${classes.slice(0, 20).join(', ')}.`,
    );
  }
  return code;
}

function requireLength(name: string, values: ArrayLike<number>, rows: number): void {
  if (values.length !== rows) {
    throw invalid(`There are ${rows} targets but ${values.length} ${name}`, 'EVALUATION_SHAPE', values.length);
  }
}

/** The sample of some of its rows. */
export function subsetSample(sample: Sample, rows: ArrayLike<number>): Sample {
  const weights = sample.weights && gather(sample.weights, rows);
  if (sample.task === 'regression') {
    const { target, predicted, events } = sample;
    return {
      ...sample,
      rows: rows.length,
      target: gather(target, rows),
      predicted: gather(predicted, rows),
      ...(events === undefined ? {} : { events: gather(events, rows) }),
      weights,
    };
  }
  const { target, predicted, probabilities, logLosses } = sample;
  return {
    ...sample,
    rows: rows.length,
    target: Int32Array.from(rows, (row) => target[row]),
    predicted: Int32Array.from(rows, (row) => predicted[row]),
    probabilities: probabilities && gather(probabilities, rows, sample.classes.length),
    logLosses: logLosses && gather(logLosses, rows),
    weights,
  };
}

function gather(values: Float64Array, rows: ArrayLike<number>, width = 1): Float64Array {
  const result = new Float64Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    for (let k = 0; k < width; k++) result[i * width + k] = values[rows[i] * width + k];
  }
  return result;
}
